import { useEffect, useState } from 'react'
import type { Attachment } from '../../contract/attachment.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { host } from '../store.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { describeAttachment } from './attachment-chips.tsx'
import styles from './attachment-dialog.module.css'

/** The browser lays out only the parts in sight: a part is what it can do in no time. */
const partCharacters = 8000

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

/** A text in parts that end with a line, where lines are not endless. */
export function partsOf(text: string): readonly string[] {
  const parts: string[] = []
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf('\n', at + partCharacters)
    const end =
      lineEnd === -1 || lineEnd > at + 4 * partCharacters
        ? wholeCharacter(text, Math.min(text.length, at + 4 * partCharacters))
        : lineEnd
    parts.push(text.slice(at, end))
    // The break itself is the beginning of the next part.
    at = text[end] === '\n' ? end + 1 : end
  }
  return parts
}

/** Not between the halves of a surrogate pair. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
