import { useState } from 'react'
import type { PoolEvent } from '../../contract/memory.ts'
import { refusalText } from '../library/preview-text.ts'
import { Button } from '../ui/button.tsx'
import styles from './activity.module.css'

const shownAtFirst = 6
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** What happened in the pool, newest first. */
export function Activity({ events }: { readonly events: readonly PoolEvent[] }) {
  const [showsAll, setShowsAll] = useState(false)
  if (events.length === 0) return null
  const shown = showsAll ? events : events.slice(0, shownAtFirst)
  const today = new Date().toDateString()
  return (
    <section className={styles['activity']} aria-label="Activity">
      <h3 className="visually-hidden">Activity</h3>
      <ol className={styles['list']}>
        {shown.map(({ id, at, kind, name, text }) => {
          const date = new Date(at)
          return (
            <li key={id} className={styles['event']} data-kind={kind}>
              <time dateTime={date.toISOString()} title={exact.format(date)}>
                {(date.toDateString() === today ? timeOfDay : dayAndTime).format(date)}
              </time>
              <span className={styles['text']}>
                <strong className={styles['name']}>{name}</strong>
                {happening(kind, text)}
              </span>
            </li>
          )
        })}
      </ol>
      {events.length > shownAtFirst && (
        <Button look="quiet" aria-expanded={showsAll} onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? 'Show the latest only' : `Show all ${events.length}`}
        </Button>
      )}
    </section>
  )
}

/** What happened, to go on from the model's name. A failure is told in a sentence of its own. */
function happening(kind: PoolEvent['kind'], text: string): string {
  if (kind === 'failed' || kind === 'crashed' || kind === 'thrash') return `: ${text}`
  if (kind === 'refused') return ` was refused: ${asPredicate(refusalText({ message: text }))}`
  return ` ${asPredicate(text)}`
}

/** "Loaded in 1.2 s" goes on from the model's name: "Guide loaded in 1.2 s". */
function asPredicate(text: string): string {
  return /^\p{Lu}\p{Ll}/u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}
