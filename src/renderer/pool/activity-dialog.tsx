import { useState } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { PoolEvent } from '../../contract/memory.ts'
import { refusalText } from '../library/preview-text.ts'
import { Dialog } from '../ui/dialog.tsx'
import tables from '../ui/figure-table.module.css'
import { formatAgo, formatCount, formatDuration } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { Segments } from '../ui/segments.tsx'
import { useNow } from '../ui/use-now.ts'
import styles from './activity-dialog.module.css'
import { eventGroups, eventLooks, eventsOf, isTrouble, type EventGroup } from './activity-events.ts'

const exact = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
})

/** Everything that the pool remembers of what happened in it: when, what, why, how much it freed, how long it took. */
export function ActivityDialog({
  events,
  onClose,
}: {
  readonly events: readonly PoolEvent[]
  readonly onClose: () => void
}) {
  const [group, setGroup] = useState<EventGroup>('all')
  const shown = eventsOf(events, group)
  const freedBytes = shown.reduce((sum, event) => sum + (event.freedBytes ?? 0), 0)
  return (
    <Dialog title="Activity" size="large" onClose={onClose}>
      <div className={styles['activity']}>
        <div className={styles['bar']}>
          <Segments legend="Which events are shown" value={group} options={eventGroups} onChoose={setGroup} />
          <p className={styles['count']} role="status">
            {`${formatCount(shown.length)} ${shown.length === 1 ? 'event' : 'events'} · ${formatBytes(freedBytes)} freed`}
          </p>
        </div>
        {shown.length === 0 ? (
          <p className={styles['count']}>Nothing of this kind has happened since Plenum was started.</p>
        ) : (
          <Events events={shown} />
        )}
      </div>
    </Dialog>
  )
}

function Events({ events }: { readonly events: readonly PoolEvent[] }) {
  const now = useNow()
  return (
    <table className={[tables['table'], styles['table']].join(' ')}>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col" data-words="">
            What
          </th>
          <th scope="col" data-words="">
            Model
          </th>
          <th scope="col" data-words="">
            Why
          </th>
          <th scope="col">Freed</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {events.map(({ id, at, kind, name, text, freedBytes, tookMs }) => (
          <tr key={id} data-trouble={isTrouble(kind) || undefined}>
            <th scope="row">
              <time dateTime={new Date(at).toISOString()}>
                {exact.format(at)}
                <span className={styles['ago']}>{formatAgo(Math.max(0, now - at))}</span>
              </time>
            </th>
            <td data-words="">
              <span className={styles['kind']}>
                <Icon name={eventLooks[kind].icon} size={14} />
                {eventLooks[kind].word}
              </span>
            </td>
            <td data-words="" className={styles['name']}>
              {name}
            </td>
            <td data-words="" className={styles['why']}>
              {kind === 'refused' ? refusalText({ message: text }) : text}
            </td>
            <td>{freedBytes === null ? '' : formatBytes(freedBytes)}</td>
            <td>{tookMs === null ? '' : formatDuration(tookMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
