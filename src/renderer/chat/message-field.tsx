import { useRef, type ClipboardEvent, type KeyboardEvent, type RefObject } from 'react'
import { runningTurnId } from '../conversation-mirror.ts'
import { setDraft } from '../send-turn.ts'
import { useApp } from '../store.ts'
import styles from './composer.module.css'
import { MentionList } from './mention-list.tsx'
import { useMention } from './use-mention.ts'
import { attachFiles, attachText, isLongPaste } from './draft-attachments.ts'
import { editMessage } from './turn-actions.ts'

type MessageFieldProps = {
  readonly field: RefObject<HTMLTextAreaElement | null>
  readonly conversationId: string | null
  readonly draft: string
  readonly placeholder: string
  readonly onSend: () => void
}

/** The text of a message. Enter sends, Shift+Enter begins a line, ↑ in the empty box edits the last message; a long text that is pasted is attached, with Ctrl+Shift+V it is not. */
export function MessageField({ field, conversationId, draft, placeholder, onSend }: MessageFieldProps) {
  const isPlainPaste = useRef(false)
  const mention = useMention(field, { conversationId, draft })
  const isNaming = mention.found.length > 0
  const onKeyDown = (event: KeyboardEvent) => {
    isPlainPaste.current = event.shiftKey && (event.ctrlKey || event.metaKey) && event.code === 'KeyV'
    if (mention.onKeyDown(event)) return
    if (event.key === 'ArrowUp' && draft === '' && !hasModifier(event)) {
      event.preventDefault()
      editLastMessage()
      return
    }
    // 229: some browsers end an IME composition with an Enter that is no longer marked as composing.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229)
      return
    event.preventDefault()
    onSend()
  }
  const onPaste = (event: ClipboardEvent) => {
    const isPlain = isPlainPaste.current
    isPlainPaste.current = false
    const text = event.clipboardData.getData('text/plain')
    const files = [...event.clipboardData.files]
    // Some programs put a picture of a text beside the text.
    if (text === '' && files.length > 0) {
      event.preventDefault()
      void attachFiles(files)
    } else if (!isPlain && isLongPaste(text)) {
      event.preventDefault()
      void attachText(text)
    }
  }
  return (
    <>
      <MentionList {...mention} />
      <textarea
        ref={field}
        data-composer=""
        className={styles['field']}
        aria-label="Message"
        placeholder={placeholder}
        rows={1}
        value={draft}
        onChange={(event) => setDraft(conversationId, event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onSelect={mention.onCaret}
        onBlur={mention.onLeave}
        aria-autocomplete="list"
        aria-controls={isNaming ? `${mention.id}list` : undefined}
        aria-activedescendant={mention.active ? `${mention.id}${mention.active.id}` : undefined}
      />
    </>
  )
}

function hasModifier(event: KeyboardEvent): boolean {
  return event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || event.nativeEvent.isComposing
}

function editLastMessage(): void {
  const { conversation } = useApp.getState()
  const last = conversation?.turns.at(-1)
  if (last && runningTurnId(conversation) === null) editMessage(last.id, last.text)
}
