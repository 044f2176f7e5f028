import { useState } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { PoolSnapshot, Thrash } from '../../contract/memory.ts'
import { attempt, host, showDialog } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatDuration } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { capacityBytes } from './blocks.ts'
import styles from './pool-notices.module.css'

/** What the pool has to say about itself: models that take turns in memory, and that it is nearly full. */
export function PoolNotices({
  pool,
  pinnedIds,
  pressureShare,
}: {
  readonly pool: PoolSnapshot
  readonly pinnedIds: ReadonlySet<string>
  /** From this share of the pool on it is under pressure; null while the settings are not known. */
  readonly pressureShare: number | null
}) {
  // Until others take turns, or the same ones have stopped and begin again.
  const [hidden, setHidden] = useState('')
  const { thrash } = pool
  const names = thrash?.models.map(({ modelId }) => modelId).join('\n') ?? ''
  if (hidden !== '' && hidden !== names) setHidden('')
  return (
    <div className={styles['notices']} role="status">
      {thrash && names !== hidden && (
        <ThrashNotice pool={pool} thrash={thrash} pinnedIds={pinnedIds} onHide={() => setHidden(names)} />
      )}
      {pool.isUnderPressure && pressureShare !== null && (
        <p className={styles['pressure']}>{pressureText(pool, pressureShare)}</p>
      )}
    </div>
  )
}

function ThrashNotice({
  pool,
  thrash,
  pinnedIds,
  onHide,
}: {
  readonly pool: PoolSnapshot
  readonly thrash: Thrash
  readonly pinnedIds: ReadonlySet<string>
  readonly onHide: () => void
}) {
  return (
    <article className={styles['thrash']} aria-label="Models take turns in memory">
      <span className={styles['icon']}>
        <Icon name="swap" />
      </span>
      <div className={styles['words']}>
        <p className={styles['message']}>{listNames(thrash)} take turns in memory</p>
        <p>{thrashText(pool, thrash)}</p>
        <div className={styles['buttons']}>
          {thrash.models
            .filter(({ modelId }) => !pinnedIds.has(modelId))
            .map(({ modelId, name }) => (
              <Button
                key={modelId}
                icon="pin"
                onClick={() => void attempt(() => host().models.pin({ id: modelId }))}
              >
                {`Keep ${name}`}
              </Button>
            ))}
          <Button icon="library" onClick={() => showDialog('library')}>
            Shorten contexts
          </Button>
          <Button icon="settings" onClick={() => showDialog('settings')}>
            Pool size
          </Button>
          <Button look="quiet" onClick={onHide}>
            Hide
          </Button>
        </div>
      </div>
    </article>
  )
}

function listNames({ models }: Thrash): string {
  const names = models.map(({ name }) => name)
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
}

/** Why they cannot stay together, what each switch costs, and what would help. */
export function thrashText(
  { domains, kind }: Pick<PoolSnapshot, 'domains' | 'kind'>,
  thrash: Thrash,
): string {
  const neededBytes = thrash.models.reduce((sum, { bytes }) => sum + bytes, 0)
  const roomBytes = domains.reduce((sum, domain) => sum + capacityBytes(domain) - domain.otherBytes, 0)
  const short =
    kind === 'unified' && neededBytes > roomBytes
      ? `, ${formatBytes(neededBytes - roomBytes)} more than the pool has for models`
      : ''
  const takes = thrash.reloadMs === null ? '' : ` and takes about ${formatDuration(thrash.reloadMs)}`
  return [
    `Together they take ${formatBytes(neededBytes)}${short}.`,
    `Each switch reads up to ${formatBytes(thrash.reloadBytes)} again${takes}.`,
    'What helps: ask one of them only, keep one and do without the other, give them shorter contexts or a q8_0 KV cache, or enlarge the pool.',
  ].join(' ')
}

/** How full the pool is, and what it does about it. */
export function pressureText({ domains }: Pick<PoolSnapshot, 'domains'>, pressureShare: number): string {
  const fullest = domains
    .map((domain) => ({
      name: domain.name,
      share: 1 - domain.freeBytes / Math.max(1, capacityBytes(domain)),
    }))
    .sort((a, b) => b.share - a.share)[0]
  const percent = (share: number) => `${String(Math.round(100 * Math.min(1, share)))} %`
  const where = domains.length > 1 && fullest ? ` of ${fullest.name}` : ''
  return `Nearly full: ${percent(fullest?.share ?? 1)}${where} is taken. From ${percent(pressureShare)} on idle KV caches are given back`
}
