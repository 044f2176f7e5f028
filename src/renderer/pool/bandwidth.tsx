import { formatBytes } from '../../contract/bytes.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import { formatSpeed } from '../ui/format.ts'
import styles from './bandwidth.module.css'

type Measured = Pick<PoolSnapshot, 'bandwidth' | 'residents'>

const whatItIs =
  'Memory that models read while they write: for each token all weights that are in use, and what the KV cache holds. How fast a model writes is bound by it: two that write at once share it.'

/** How fast models read memory now, and which of them; nothing before that was ever measured. */
export function Bandwidth({ pool }: { readonly pool: Measured }) {
  const { bestBytesPerSecond } = pool.bandwidth
  const now = bandwidthText(pool)
  if (now === null && bestBytesPerSecond === null) return null
  const best = bestBytesPerSecond === null ? '' : `best measured ${formatBytes(bestBytesPerSecond)}/s`
  return (
    <p className={styles['bandwidth']} title={whatItIs}>
      <span>{now ?? 'Memory bandwidth: nobody writes'}</span>
      <span>{best}</span>
      <span className="visually-hidden">{whatItIs}</span>
    </p>
  )
}

/** "Reading 12.3 GB/s: Coder 41 tok/s"; null while nobody writes. */
export function bandwidthText({ bandwidth, residents }: Measured): string | null {
  if (bandwidth.decoding.length === 0) return null
  const models = bandwidth.decoding.map(({ modelId, tokensPerSecond }) => {
    const name = residents.find((resident) => resident.modelId === modelId)?.name ?? modelId
    return `${name} ${formatSpeed(tokensPerSecond)}`
  })
  return `Reading ${formatBytes(bandwidth.bytesPerSecond)}/s: ${models.join(', ')}`
}
