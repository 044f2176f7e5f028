import { formatBytes } from '../../contract/bytes.ts'
import type {
  Domain,
  DomainId,
  Footprint,
  FootprintPart,
  FootprintPartName,
  LoadPreview,
  PoolSnapshot,
  Resident,
  ResidentContext,
} from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { shortVerdictText } from '../library/preview-text.ts'
import { formatTokens } from '../ui/format.ts'

/** What the picture shows: the machine's whole memory, or only what models hold. */
export type PoolView = 'machine' | 'models'

/** One rectangle of the treemap. */
export type Block =
  | {
      readonly kind: 'resident'
      readonly key: string
      readonly name: string
      readonly bytes: number
      readonly resident: Resident
      /** Where the block is: a resident has one in each domain that it takes memory of. */
      readonly domain: DomainId
      readonly colour: number
      readonly quantization: string | null
    }
  | {
      readonly kind: 'ghost'
      readonly key: string
      readonly name: string
      readonly bytes: number
      readonly modelId: string
      readonly footprint: Ghost['footprint']
      readonly notes: Ghost['notes']
      readonly verdict: Ghost['verdict']
    }
  | {
      readonly kind: 'other' | 'reserve' | 'free' | 'outside'
      readonly key: string
      readonly name: string
      readonly bytes: number
    }

/** A model that could be loaded, or loaded again in place of what it holds now: drawn dashed, with its price. */
export type Ghost = {
  readonly modelId: string
  readonly name: string
  readonly bytes: number
  readonly footprint: Footprint
  /** With which context, and what that means for the others, briefly. */
  readonly notes: readonly [context: string, verdict: string]
  readonly verdict: LoadPreview['verdict']['kind']
}

/** What a preview puts into one domain of the picture; null where it takes nothing. */
export function ghostOf(
  preview: LoadPreview,
  model: { readonly name: string; readonly domain: DomainId },
): Ghost | null {
  const { modelId, verdict, contextTokens, startContextTokens } = preview
  const bytes = residentBytes(preview, { domain: model.domain })
  if (bytes === 0 || verdict.kind === 'resident') return null
  const begin = startContextTokens < contextTokens ? `${formatTokens(startContextTokens)} to ` : ''
  const notes = [`${begin}${formatTokens(contextTokens)} context`, shortVerdictText(verdict)] as const
  const footprint = preview.footprint.filter(({ domain }) => domain === model.domain)
  return { modelId, name: model.name, bytes, footprint, notes, verdict: verdict.kind }
}

/** Parts of a resident's memory in the order in which they are drawn. */
export const partNames: readonly { readonly part: FootprintPartName; readonly name: string }[] = [
  { part: 'weights', name: 'Weights' },
  { part: 'kvCache', name: 'KV cache' },
  { part: 'compute', name: 'Compute buffers' },
  { part: 'draft', name: 'Draft model' },
  { part: 'runtime', name: 'Runtime' },
]

/** What users call the domains. */
export const domainNames: Readonly<Record<DomainId, string>> = {
  unified: 'Unified memory',
  ram: 'RAM',
  vram: 'VRAM',
}

/** Bytes of a resident, or of one part of it, in one domain or in all. */
export function residentBytes(
  resident: Pick<Resident, 'footprint'>,
  { domain, part }: { readonly domain?: DomainId; readonly part?: FootprintPartName } = {},
): number {
  return resident.footprint
    .filter(
      (item) =>
        (domain === undefined || item.domain === domain) && (part === undefined || item.part === part),
    )
    .reduce((sum, item) => sum + item.bytes, 0)
}

/**
 * Where a part's bytes come from, in a word. Once a model is loaded all of its memory has been measured together, and only
 * how a context divides into KV cache and buffers is arithmetic: that part is computed then, no longer a guess.
 */
export function sourceText(
  { footprint }: Pick<Resident, 'footprint'>,
  { part, source }: Pick<FootprintPart, 'part' | 'source'>,
): 'computed' | FootprintPart['source'] {
  return source === 'predicted' && part === 'kvCache' && isMeasured({ footprint }) ? 'computed' : source
}

/** Whether a resident's memory as a whole has been measured. */
export function isMeasured({ footprint }: Pick<Resident, 'footprint'>): boolean {
  return footprint.every(({ part, source }) => source === 'measured' || part === 'kvCache')
}

/** Bytes of KV cache that hold tokens, within those that are reserved; in one domain or in all. */
export function usedKvBytes(resident: Resident, domain?: DomainId): number {
  const reserved = residentBytes(resident, { part: 'kvCache' })
  if (reserved === 0) return 0
  const here = residentBytes(resident, { part: 'kvCache', ...(domain && { domain }) })
  return (here / reserved) * Math.min(reserved, resident.usedTokens * resident.kvBytesPerToken)
}

/** What the models may share out: the total without the reserve. */
export function capacityBytes(domain: Domain): number {
  return domain.totalBytes - domain.reserveBytes
}

/** Whether the domain is main memory, which other programs and the rest of the machine share. */
function isMain(domain: Domain): boolean {
  return domain.id !== 'vram'
}

/**
 * Memory of the machine that is not in the pool, in bytes: what other programs hold of it, and the rest. A pool that
 * `--pool-size` made smaller than the machine leaves such memory over; a card's own memory never does.
 */
export function outsidePool(pool: PoolSnapshot, domain: Domain): { otherBytes: number; restBytes: number } {
  const outside = isMain(domain) ? Math.max(0, pool.machine.totalBytes - domain.totalBytes) : 0
  const otherBytes = Math.min(outside, Math.max(0, pool.machine.otherBytes - domain.otherBytes))
  return { otherBytes, restBytes: outside - otherBytes }
}

/** The blocks of one domain, largest first, as recharts' squarified layout wants them. Only residents may have no size. */
export function poolBlocks(
  pool: PoolSnapshot,
  domain: Domain,
  options: {
    readonly view: PoolView
    readonly models: readonly LibraryModel[]
    /** What is thought about: it stands in place of the resident of the same model, if there is one. */
    readonly ghost?: Ghost | null
  },
): readonly Block[] {
  const { view, models, ghost = null } = options
  const staying = pool.residents.filter(({ modelId }) => modelId !== ghost?.modelId)
  const residents = staying.map((resident): Block => {
    const model = models.find(({ id }) => id === resident.modelId)
    return {
      kind: 'resident',
      key: `model:${resident.modelId}`,
      name: resident.name,
      bytes: residentBytes(resident, { domain: domain.id }),
      resident,
      domain: domain.id,
      colour: model?.colour ?? 0,
      quantization: model?.file.kind === 'usable' ? model.file.facts.quantization : null,
    }
  })
  const ghosts: readonly Block[] = ghost ? [{ kind: 'ghost', key: `ghost:${ghost.modelId}`, ...ghost }] : []
  const replaced = pool.residents.find(({ modelId }) => modelId === ghost?.modelId)
  const promisedBytes = (ghost?.bytes ?? 0) - (replaced ? residentBytes(replaced, { domain: domain.id }) : 0)
  const blocks = [
    ...residents,
    ...ghosts,
    ...(view === 'models' ? [] : surroundings(pool, domain, promisedBytes)),
  ]
  // Who waits or has failed holds nothing yet, but is there: it belongs to the first domain.
  const isHere = (block: Block) =>
    block.bytes > 0 ||
    (block.kind === 'resident' && residentBytes(block.resident) === 0 && domain.id === pool.domains[0]?.id)
  return blocks.filter(isHere).sort((a, b) => b.bytes - a.bytes)
}

function surroundings(pool: PoolSnapshot, domain: Domain, promisedBytes: number): readonly Block[] {
  const outside = outsidePool(pool, domain)
  return [
    {
      kind: 'other',
      key: 'other',
      name: 'Other programs',
      bytes: domain.otherBytes + outside.otherBytes,
    },
    { kind: 'reserve', key: 'reserve', name: 'Reserve', bytes: domain.reserveBytes },
    { kind: 'free', key: 'free', name: 'Free', bytes: Math.max(0, domain.freeBytes - promisedBytes) },
    { kind: 'outside', key: 'outside', name: 'Outside the pool', bytes: outside.restBytes },
  ]
}

/** One sentence that says what the treemap of a domain shows. */
export function summarise(pool: PoolSnapshot, domain: Domain): string {
  const outside = outsidePool(pool, domain)
  const held = pool.residents
    .map((resident) => ({ name: resident.name, bytes: residentBytes(resident, { domain: domain.id }) }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
  const named = held.slice(0, 5).map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`)
  if (held.length > named.length) named.push(`${held.length - named.length} more`)
  const models =
    held.length === 0
      ? 'no model is loaded'
      : `${held.length === 1 ? '1 model holds' : `${held.length} models hold`} ${formatBytes(domain.usedBytes)} (${named.join(', ')})`
  const rest = [
    `other programs hold ${formatBytes(domain.otherBytes + outside.otherBytes)}`,
    `${formatBytes(domain.reserveBytes)} is kept in reserve`,
    ...(outside.restBytes > 0 ? [`${formatBytes(outside.restBytes)} is outside the pool`] : []),
    `${formatBytes(domain.freeBytes)} is free`,
  ]
  const machineBytes = domain.totalBytes + outside.otherBytes + outside.restBytes
  const size =
    machineBytes > domain.totalBytes
      ? `${formatBytes(machineBytes)} with a pool of ${formatBytes(domain.totalBytes)}`
      : formatBytes(domain.totalBytes)
  return `${domain.name}, ${size}: ${[models, ...rest].join(', ')}.`
}

/** What a resident is doing, in plain words. */
export function stateText(resident: Resident): string {
  switch (resident.state) {
    case 'queued':
      return resident.waitingFor ?? 'Waiting for its turn'
    case 'loading': {
      const weights = residentBytes(resident, { part: 'weights' })
      return resident.loadedBytes === null
        ? 'Loading'
        : `Loading: ${formatBytes(resident.loadedBytes)} of ${formatBytes(weights)} read`
    }
    case 'ready':
      return 'Ready'
    case 'busy':
      return resident.leases > 1 ? `Answering, ${resident.leases} turns` : 'Answering'
    case 'unloading':
      return 'Unloading'
    case 'failed':
      return 'Failed'
    default:
      return resident.state satisfies never
  }
}

/** What a context is doing, in a word or two. */
export function contextText({ isBusy, isParked, conversationId, isAside }: ResidentContext): string {
  if (isAside) return isBusy ? 'In use' : 'Idle'
  if (conversationId === null) return 'Spare'
  return `${isBusy ? 'In use' : 'Idle'}${isParked ? ', on disk' : ''}`
}

/** All numbers of a resident on one line each, for a tooltip. */
export function residentNumbers(resident: Resident): string {
  const parts = partNames.flatMap(({ part, name }) => {
    const items = resident.footprint.filter((item) => item.part === part)
    if (items.length === 0) return []
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0)
    const used = part === 'kvCache' ? `, ${formatBytes(usedKvBytes(resident))} used` : ''
    const [source = 'predicted'] = items.map((item) => sourceText(resident, item))
    return [`${name} ${formatBytes(bytes)} (${source}${used})`]
  })
  const head = `${resident.name}: ${formatBytes(residentBytes(resident))}, ${stateText(resident).toLowerCase()}`
  return [resident.pinned ? `${head}, pinned` : head, ...parts, ...resident.warnings].join('\n')
}
