import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { WarningList } from '../ui/warning-list.tsx'
import { harmlessText } from './harmless-text.ts'
import styles from './link-preview.module.css'
import { describeLink } from './outside-link.ts'

type LinkPreviewProps = {
  readonly address: string
  /** The text of the link. */
  readonly shownAs: string
  readonly onClose: () => void
}

/** Where a link leads, before it is opened. */
export function LinkPreview({ address, shownAs, onClose }: LinkPreviewProps) {
  const facts = describeLink(address, shownAs)
  return (
    <Dialog
      title={facts.kind === 'mail' ? 'Write a mail?' : 'Open this link?'}
      size="small"
      onClose={onClose}
    >
      <div className={styles['body']}>
        <p className={styles['host']}>{harmlessText(facts.host)}</p>
        <p className={styles['address']}>
          <span>{harmlessText(facts.address)}</span>
          <CopyButton label="Copy address" text={() => facts.address} />
        </p>
        {facts.warnings.length > 0 && <WarningList warnings={facts.warnings} />}
        <div className={styles['actions']}>
          <Button onClick={onClose}>Cancel</Button>
          {/* A link itself, so that the browser opens it as one. */}
          <a
            className={styles['open']}
            href={address}
            target="_blank"
            rel="noopener noreferrer"
            data-first
            onClick={() => setTimeout(onClose)}
          >
            {facts.kind === 'mail' ? 'Write' : 'Open'}
          </a>
        </div>
      </div>
    </Dialog>
  )
}
