import { useId, useRef, useState, type KeyboardEvent } from 'react'
import { flushSync } from 'react-dom'
import { showOverlay, useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { chordText } from '../ui/shortcut.ts'
import { Overlay } from './overlay.tsx'
import styles from './command-palette.module.css'
import { availableCommands } from './commands.ts'
import { rankCommands, type RankedCommand } from './rank-commands.ts'
import { recentCommands, rememberCommand } from './recent.ts'

/** More than this is not read but searched. */
const mostShown = 50

/** Finds a command by its name and runs it: what the app can do, what can be done with each model, and each conversation. */
export function CommandPalette() {
  // As they were when it was opened: nothing moves under the hand.
  const [commands] = useState(() => availableCommands(useApp.getState()))
  const [recent] = useState(recentCommands)
  const [query, setQuery] = useState('')
  const [activeId, setActiveId] = useState<string | null>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const found = rankCommands(commands, { query, recent })
  const shown = found.slice(0, mostShown)
  const at = Math.max(
    0,
    shown.findIndex(({ command }) => command.id === activeId),
  )
  const active = shown[at]

  const run = ({ command }: RankedCommand) => {
    rememberCommand(command.id)
    // Gone before it runs: the focus is back where it was, and what the command focuses keeps it.
    flushSync(() => showOverlay(null))
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const last = shown.length - 1
    const to = {
      ArrowDown: at < last ? at + 1 : 0,
      ArrowUp: at > 0 ? at - 1 : last,
      PageDown: Math.min(last, at + 8),
      PageUp: Math.max(0, at - 8),
    }[event.key]
    if (to !== undefined) {
      setActiveId(shown[to]?.command.id ?? null)
      list.current?.children[to]?.scrollIntoView({ block: 'nearest' })
    } else if (event.key === 'Enter' && active) run(active)
    else return
    event.preventDefault()
  }
  return (
    <Overlay label="Commands">
      <div className={styles['search']}>
        <Icon name="search" />
        <input
          // The palette was opened to type here.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          role="combobox"
          aria-label="Find a command, a model or a conversation"
          aria-expanded="true"
          aria-controls={`${id}list`}
          aria-activedescendant={active ? optionId(id, at) : undefined}
          aria-autocomplete="list"
          placeholder="Find a command, a model or a conversation"
          autoComplete="off"
          spellCheck={false}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value)
            setActiveId(null)
            list.current?.scrollTo({ top: 0 })
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <div ref={list} id={`${id}list`} role="listbox" aria-label="Commands" className={styles['list']}>
        {shown.map((item, index) => (
          // The keys are those of the field, which has the focus all the time.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={item.command.id}
            id={optionId(id, index)}
            role="option"
            aria-selected={index === at}
            tabIndex={-1}
            className={styles['option']}
            onPointerMove={() => setActiveId(item.command.id)}
            onClick={() => run(item)}
          >
            <Option item={item} isQuery={query.trim() !== ''} />
          </div>
        ))}
      </div>
      {shown.length === 0 && (
        <p className={styles['note']}>
          Nothing is called so. Commands, models and conversations are found by letters of their names.
        </p>
      )}
      {found.length > shown.length && (
        <p className={styles['note']}>{`${String(found.length - shown.length)} more: type to find them`}</p>
      )}
      <p className="visually-hidden" role="status">
        {query === '' ? '' : `${String(found.length)} found`}
      </p>
    </Overlay>
  )
}

function optionId(id: string, index: number): string {
  return `${id}option${String(index)}`
}

function Option({ item: { command, marks, isRecent }, isQuery }: { item: RankedCommand; isQuery: boolean }) {
  const { title, section, colour, keys } = command
  return (
    <>
      {colour !== undefined && <ModelSwatch colour={colour} />}
      <span className={styles['title']}>
        <Marked text={title} marks={marks} />
      </span>
      <span className={styles['section']}>{isRecent && !isQuery ? 'Used lately' : section}</span>
      {keys?.[0] !== undefined && <kbd>{chordText(keys[0])}</kbd>}
    </>
  )
}

/** A text with the letters that were typed set off. */
function Marked({ text, marks }: { readonly text: string; readonly marks: readonly number[] }) {
  if (marks.length === 0) return text
  const isMarked = new Set(marks)
  const runs: { text: string; isMark: boolean; at: number }[] = []
  for (let at = 0; at < text.length; at++) {
    const isMark = isMarked.has(at)
    const last = runs.at(-1)
    if (last?.isMark === isMark) last.text += text.charAt(at)
    else runs.push({ text: text.charAt(at), isMark, at })
  }
  return runs.map((run) => (run.isMark ? <mark key={run.at}>{run.text}</mark> : run.text))
}
