import type { PoolEvent } from '../../contract/memory.ts'
import { showDialog } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useToday } from '../ui/use-today.ts'
import { eventLooks, figuresText, happening, isTrouble } from './activity-events.ts'
import styles from './activity.module.css'

const shownHere = 6
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short' },
  ...{ hour: '2-digit', minute: '2-digit' },
})
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** What happened in the pool last, newest first, and the way to all of it. */
export function Activity({ events }: { readonly events: readonly PoolEvent[] }) {
  const today = useToday()
  return (
    <section className={styles['activity']} aria-label="Activity">
      <div className={styles['heading']}>
        <h3>Activity</h3>
        {events.length > 0 && (
          <Button look="quiet" aria-haspopup="dialog" onClick={() => showDialog('activity')}>
            Show all
          </Button>
        )}
      </div>
      {events.length === 0 ? (
        <p className={styles['nothing']}>
          Nothing has happened yet. Whatever moves memory is told here: loads, models that leave for others,
          conversations that go to disk and come back; each with its reason, what it freed and how long it
          took.
        </p>
      ) : (
        <ol className={styles['list']}>
          {events.slice(0, shownHere).map((event) => {
            const date = new Date(event.at)
            const figures = figuresText(event)
            return (
              <li
                key={event.id}
                className={styles['event']}
                data-trouble={isTrouble(event.kind) || undefined}
              >
                <span className={styles['icon']} title={eventLooks[event.kind].word}>
                  <Icon name={eventLooks[event.kind].icon} size={13} />
                </span>
                <time dateTime={date.toISOString()} title={exact.format(date)}>
                  {(event.at >= today ? timeOfDay : dayAndTime).format(date)}
                </time>
                <span className={styles['text']}>
                  <strong className={styles['name']}>{event.name}</strong>
                  {happening(event)}
                  {figures !== '' && (
                    <>
                      {', '}
                      <span className={styles['figures']}>{figures}</span>
                    </>
                  )}
                </span>
              </li>
            )
          })}
        </ol>
      )}
    </section>
  )
}
