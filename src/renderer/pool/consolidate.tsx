import { useId, useState, type ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import { attempt, host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import styles from './kv-section.module.css'

type Outcome = { readonly freedBytes: number; readonly kvCaches: number }

/** A heading and beside it the press that gives all idle KV caches back: what that would free, or why there is nothing to free, and what it has freed. */
export function Consolidate({
  pool,
  children,
}: {
  readonly pool: Pick<PoolSnapshot, 'kv' | 'residents'>
  readonly children?: ReactNode
}) {
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
      {children}
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

/** What consolidating would free, is doing, or has freed. */
export function consolidateText(
  { kv, residents }: Pick<PoolSnapshot, 'kv' | 'residents'>,
  { isRunning, outcome }: { readonly isRunning: boolean; readonly outcome: Outcome | null },
): string {
  if (isRunning) return 'Idle conversations go to disk, and contexts shrink to what they hold'
  const freed =
    outcome === null
      ? []
      : [
          outcome.kvCaches === 0
            ? 'Freed nothing'
            : `Freed ${formatBytes(outcome.freedBytes)} from ${formatCount(outcome.kvCaches)} KV ${outcome.kvCaches === 1 ? 'cache' : 'caches'}`,
        ]
  if (kv.reclaimableBytes > 0)
    return [
      ...freed,
      `Frees at least ${formatBytes(kv.reclaimableBytes)}: idle conversations go to disk, contexts shrink`,
    ].join('. ')
  if (freed.length > 0) return freed.join('')
  return residents.some(({ state }) => state === 'busy')
    ? 'Nothing to free while answers are written'
    : 'Nothing to free: each cache is as small as what it holds'
}
