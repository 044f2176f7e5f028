import { useApp } from '../store.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { focusComposer } from '../chat/composer.tsx'
import styles from './find-bar.module.css'
import { closeFind, findNext, findText } from './finding.ts'
import { countHits, numberOf } from './found-places.ts'
import { useFoundMarks } from './use-found-marks.ts'

/** Looks for text in the open conversation, all of it, whether drawn or not: Ctrl+F, Enter and Shift+Enter, Escape. */
export function FindBar() {
  const finding = useApp(({ finding: each, conversationId }) =>
    each?.conversationId === conversationId ? each : null,
  )
  useFoundMarks()
  if (!finding) return null
  const { text, places, at } = finding
  const count = places ? countHits(places) : 0
  const said =
    text.trim() === ''
      ? ''
      : places === null
        ? '…'
        : count === 0
          ? 'Not found'
          : `${String(at ? numberOf(places, at) : 0)} of ${String(count)}`
  const close = () => {
    closeFind()
    focusComposer()
  }
  return (
    <search className={styles['bar']} aria-label="Find in this conversation">
      <input
        type="text"
        aria-label="Find in this conversation"
        placeholder="Find in this conversation"
        data-find=""
        value={text}
        maxLength={500}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => void findText(event.target.value)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return
          if (event.key === 'Enter') void findNext(event.shiftKey ? -1 : 1)
          else if (event.key === 'Escape') close()
          else return
          event.preventDefault()
        }}
      />
      <span className={styles['count']} role="status">
        {said}
      </span>
      <IconButton size="large" icon="up" label="Previous hit" onClick={() => void findNext(-1)} />
      <IconButton size="large" icon="down" label="Next hit" onClick={() => void findNext(1)} />
      <IconButton size="large" icon="close" label="Close" onClick={close} />
    </search>
  )
}

/** Ctrl+F, and F3 or Ctrl+G for the next one. The browser's own search sees only what is drawn. */
