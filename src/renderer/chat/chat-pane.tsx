import { useFilesOver } from './use-files-over.ts'
import { previewLink, useApp } from '../store.ts'
import styles from './chat-pane.module.css'
import { Composer } from './composer.tsx'
import { FindBar } from '../conversations/find-bar.tsx'
import { LinkPreview } from '../markdown/link-preview.tsx'
import { Transcript } from './transcript.tsx'

/** The conversation on the screen and the message box below it. */
export function ChatPane() {
  const conversationId = useApp((state) => state.conversationId)
  const { isOver, ...drop } = useFilesOver()
  const outsideLink = useApp((state) => state.outsideLink)
  return (
    <div className={styles['pane']} data-attaches="" {...drop}>
      <Transcript key={conversationId} />
      <FindBar />
      <Composer />
      {isOver && (
        <div className={styles['drop']} aria-hidden="true">
          <p>Drop text, code or PDF files to attach them; GGUF files go to the library</p>
        </div>
      )}
      {outsideLink && <LinkPreview {...outsideLink} onClose={() => previewLink(null)} />}
    </div>
  )
}
