import { useEffect, useState } from 'react'
import { formatDuration } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { Markdown } from './markdown.tsx'
import styles from './thought.module.css'

type ThoughtProps = {
  readonly text: string
  /** The model is still at it. */
  readonly isOpen: boolean
  /** When it began (milliseconds since 1970) and how long it took; absent where nobody measured. */
  readonly time: { readonly startedAt: number; readonly ms: number | null } | undefined
}

/** What a model thought before it answered: folded, with how long it took. */
export function Thought({ text, isOpen, time }: ThoughtProps) {
  const [isShown, setIsShown] = useState(false)
  return (
    <details
      className={styles['thought']}
      open={isShown}
      onToggle={({ currentTarget }) => setIsShown(currentTarget.open)}
    >
      <summary className={styles['label']}>
        <Icon name="chevron-right" size={12} />
        {isOpen ? <Thinking startedAt={time?.startedAt} /> : thoughtLabel(time?.ms)}
      </summary>
      <div className={styles['text']}>
        {isShown ? (
          <Markdown text={text} isGrowing={isOpen} />
        ) : (
          // Folded it is there for the browser's own search, which unfolds it; while it grows, nothing is to be found yet.
          !isOpen && text.slice(0, foundCharacters)
        )}
      </div>
    </details>
  )
}

/** So much of a folded thought is found by the browser's search. */
const foundCharacters = 50_000

/** "Thought for 12 s", or without the time where nobody measured. */
function thoughtLabel(ms: number | null | undefined): string {
  if (ms === undefined || ms === null) return 'Thought'
  return ms < 1000 ? 'Thought for a moment' : `Thought for ${formatSeconds(ms)}`
}

function Thinking({ startedAt }: { readonly startedAt: number | undefined }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const ms = startedAt === undefined ? 0 : now - startedAt
  return (
    <span>
      Thinking
      {/* A clock that is read out every second would drown the answer. */}
      {ms >= 1000 && <span aria-hidden="true">{` ${formatSeconds(ms)}`}</span>}
    </span>
  )
}

/** Whole seconds: "12 s", "2 min 5 s". */
function formatSeconds(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return seconds < 60 ? `${String(seconds)} s` : formatDuration(seconds * 1000)
}
