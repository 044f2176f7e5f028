import { useId, useState } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import { attempt, host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import styles from './kv-section.module.css'

type Outcome = { readonly freedBytes: number; readonly kvCaches: number }

/** Gives all idle KV caches back on request: what that would win, or why there is nothing to win, and what it has won. */
export function Consolidate({ pool }: { readonly pool: PoolSnapshot }) {
  const [isRunning, setIsRunning] = useState(false)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const noteId = useId()
  const { reclaimableBytes } = pool.kv
  const isUseless = reclaimableBytes === 0 || isRunning
  const consolidate = async () => {
    setIsRunning(true)
    setOutcome((await attempt(() => host().pool.consolidate())) ?? null)
    setIsRunning(false)
  }
  return (
    <div className={styles['consolidate']}>
      {/* Not disabled by the browser: it keeps the focus, and says why it does nothing. */}
      <Button
        icon="shrink"
        aria-disabled={isUseless}
        aria-describedby={noteId}
        onClick={() => {
          if (!isUseless) void consolidate()
        }}
      >
        Consolidate
      </Button>
      <p id={noteId} role="status">
        {consolidateText(pool, { isRunning, outcome })}
      </p>
    </div>
  )
}

/** What consolidating would win, is doing, or has won. */
export function consolidateText(
  { kv, residents }: Pick<PoolSnapshot, 'kv' | 'residents'>,
  { isRunning, outcome }: { readonly isRunning: boolean; readonly outcome: Outcome | null },
): string {
  if (isRunning) return 'Idle conversations go to disk, and contexts shrink to what they hold'
  const won =
    outcome === null
      ? []
      : [
          outcome.kvCaches === 0
            ? 'Won nothing'
            : `Won ${formatBytes(outcome.freedBytes)} from ${formatCount(outcome.kvCaches)} KV ${outcome.kvCaches === 1 ? 'cache' : 'caches'}`,
        ]
  if (kv.reclaimableBytes > 0)
    return [...won, `${formatBytes(kv.reclaimableBytes)} to win: parks what is idle, shrinks contexts`].join(
      '. ',
    )
  if (won.length > 0) return won.join('')
  return residents.some(({ state }) => state === 'busy')
    ? 'Nothing to win while answers are written'
    : 'Nothing to win: each cache is as small as what it holds'
}
