import type { DomainId, Footprint, FootprintPartName, Resident } from '../../contract/memory.ts'
import { partNames, residentBytes, usedKvBytes } from './blocks.ts'
import styles from './parts-strip.module.css'

/** What a model would take, as a strip of its parts: nothing of it is used yet. */
export function GhostStrip({ footprint }: { readonly footprint: Footprint }) {
  return <Strip footprint={footprint} fill={{ weights: 1, kvCache: 0, compute: 1, draft: 1, runtime: 1 }} />
}

/** A resident's memory in a domain as a strip of its parts: KV cache shows what is used within what is reserved. While loading, what has been read. */
export function PartsStrip({ resident, domain }: { readonly resident: Resident; readonly domain: DomainId }) {
  const weights = residentBytes(resident, { part: 'weights' })
  const reservedKv = residentBytes(resident, { part: 'kvCache', domain })
  const isLoading = resident.state === 'loading' && resident.loadedBytes !== null
  const fill = {
    weights: isLoading && weights > 0 ? Math.min(1, (resident.loadedBytes ?? 0) / weights) : 1,
    kvCache: reservedKv > 0 ? usedKvBytes(resident, domain) / reservedKv : 0,
    compute: 1,
    draft: 1,
    runtime: 1,
  }
  return <Strip footprint={resident.footprint.filter((part) => part.domain === domain)} fill={fill} />
}

function Strip({
  footprint,
  fill,
}: {
  readonly footprint: Footprint
  readonly fill: Readonly<Record<FootprintPartName, number>>
}) {
  return (
    <span className={styles['strip']} aria-hidden="true">
      {partNames.map(({ part }) => {
        const bytes = residentBytes({ footprint }, { part })
        return bytes > 0 ? (
          <span key={part} className={styles['part']} data-part={part} style={{ flexGrow: bytes }}>
            <span className={styles['fill']} style={{ inlineSize: `${100 * fill[part]}%` }} />
          </span>
        ) : null
      })}
    </span>
  )
}
