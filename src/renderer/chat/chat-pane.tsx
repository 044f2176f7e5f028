import { previewLink, useApp } from '../store.ts'
import styles from './chat-pane.module.css'
import { Composer } from './composer.tsx'
import { FindBar } from './find-bar.tsx'
import { LinkPreview } from './link-preview.tsx'
import { Transcript } from './transcript.tsx'

/** The conversation on the screen and the message box below it. */
export function ChatPane() {
  const conversationId = useApp((state) => state.conversationId)
  const outsideLink = useApp((state) => state.outsideLink)
  return (
    <div className={styles['pane']}>
      <Transcript key={conversationId} />
      <FindBar />
      <Composer />
      {outsideLink && <LinkPreview {...outsideLink} onClose={() => previewLink(null)} />}
    </div>
  )
}
