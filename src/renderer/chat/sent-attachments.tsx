import { useState } from 'react'
import type { Attachment } from '../../contract/attachment.ts'
import { Icon } from '../ui/icon.tsx'
import styles from './attachment-chips.module.css'
import { describeAttachment } from './attachment-chips.tsx'
import { AttachmentDialog } from './attachment-dialog.tsx'

/** The attachments of a message that was sent; pressing one shows its text. */
export function SentAttachments({ attachments }: { readonly attachments: readonly Attachment[] }) {
  const [shown, setShown] = useState<Attachment | null>(null)
  return (
    <>
      <ul className={[styles['chips'], styles['sent']].join(' ')} aria-label="Attachments of this message">
        {attachments.map((attachment) => (
          <li key={attachment.id} className={styles['chip']}>
            <Icon name={attachment.kind === 'pasted' ? 'copy' : 'file'} size={14} />
            <button type="button" className={styles['open']} onClick={() => setShown(attachment)}>
              <span className={styles['name']}>{attachment.name}</span>
              <span className={styles['facts']}>{describeAttachment(attachment)}</span>
            </button>
          </li>
        ))}
      </ul>
      {shown && <AttachmentDialog attachment={shown} onClose={() => setShown(null)} />}
    </>
  )
}
