import { useEffect, useState } from 'react'
import type { Attachment } from '../../contract/attachment.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { host } from '../store.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { describeAttachment } from './attachment-chips.tsx'
import styles from './attachment-dialog.module.css'
import { partsOf } from './attachment-parts.ts'

/** The text of an attachment, as models read it. */
export function AttachmentDialog({
  attachment,
  onClose,
}: {
  readonly attachment: Attachment
  readonly onClose: () => void
}) {
  const { id, name } = attachment
  const [text, setText] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  useEffect(() => {
    const abort = new AbortController()
    host()
      .attachments.text({ id }, { signal: abort.signal })
      .then(
        (answer) => setText(answer.text),
        (error: unknown) => {
          if (!abort.signal.aborted) setProblem(toProblem(error))
        },
      )
    return () => abort.abort()
  }, [id])
  return (
    <Dialog title={name} size="large" onClose={onClose}>
      <div className={styles['body']}>
        <p className={styles['facts']}>
          {describeAttachment(attachment)}
          {text !== null && <CopyButton label="Copy text" text={() => text} />}
        </p>
        {problem && <ProblemText problem={problem} />}
        {text !== null && (
          // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls sideways, also from the keyboard
          <div className={styles['text']} role="region" aria-label={`Text of ${name}`} tabIndex={0}>
            {partsOf(text).map((part, index) => (
              // Parts of one text never change their order.
              <pre key={index}>{part}</pre>
            ))}
          </div>
        )}
      </div>
    </Dialog>
  )
}
