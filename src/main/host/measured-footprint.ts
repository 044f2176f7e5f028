import type { Allocation, ProcessUsage } from '../../contract/backend.ts'
import type { DomainId, Footprint, FootprintPart } from '../../contract/memory.ts'

/** Where main memory and the device's memory are counted: the same domain when they are one. */
export interface MemoryDomains {
  readonly host: DomainId
  readonly device: DomainId
  /** Share of the layers, and so of a KV cache, that is on the device. Default: as much as fits into what a context has there. */
  readonly deviceShare?: number
}

/** What is known of a model process's memory, in bytes. */
export interface MeasuredMemory {
  readonly weights: Allocation
  /** Of each open context: its KV cache by arithmetic, and KV cache and compute buffers together as the backend has allocated them. */
  readonly contexts: readonly {
    readonly kvBytes: number
    readonly allocated: Allocation
    /** It is still to be made: nothing of it is in the process yet. */
    readonly isProspect?: boolean
  }[]
  /** The process with its weights and no context. */
  readonly loaded: ProcessUsage
  /** What a draft model has taken then, see `draftMemory`; absent without one. */
  readonly draft?: DraftMemory | null
  readonly latest: ProcessUsage
}

/** Memory of a draft model in bytes: its weights, and with them all that it has taken. */
export type DraftMemory = { readonly weights: Allocation; readonly all: Allocation }

/** What a draft model has taken: its weights and its context as the backend has allocated them, and what else the process grew by, its tokenizer. Pure. */
export function draftMemory(
  { weights, context }: { readonly weights: Allocation; readonly context: Allocation },
  { before, after }: { readonly before: ProcessUsage; readonly after: ProcessUsage },
): DraftMemory {
  const private_ = after.privateBytes - before.privateBytes
  const copied = Math.max(0, weights.hostBytes - (after.mappedBytes - before.mappedBytes))
  const rest = Math.max(0, private_ - copied - context.hostBytes)
  return {
    weights,
    all: {
      hostBytes: weights.hostBytes + context.hostBytes + rest,
      deviceBytes: weights.deviceBytes + context.deviceBytes,
    },
  }
}

/**
 * The footprint of a model process. Weights and contexts are what the backend has allocated, also where it was not touched yet: a
 * page that is touched later must have been granted before. Runtime is the rest of the private memory: the program and the tokenizer. So
 * the sum is what the operating system measures, plus what of the contexts was never touched. Pure.
 */
export function measuredFootprint(memory: MeasuredMemory, domains: MemoryDomains): Footprint {
  const { weights, contexts, loaded, latest, draft = null } = memory
  const draftWeights = draft?.weights.hostBytes ?? 0
  const both = { ...weights, hostBytes: weights.hostBytes + draftWeights }
  const kvCache: Allocation = sum(contexts.map((context) => kvCacheOf(context, domains)))
  const allocated = sum(contexts.map((context) => context.allocated))
  const made = sum(contexts.filter(({ isProspect }) => !isProspect).map((context) => context.allocated))
  // The process with nothing but its weights, and the process as it is less all that the contexts may touch: the larger one holds.
  const runtime = Math.max(
    loaded.privateBytes - unmapped(weights, loaded),
    latest.privateBytes -
      unmapped(both, latest) -
      made.hostBytes -
      ((draft?.all.hostBytes ?? 0) - draftWeights),
  )
  const parts: FootprintPart[] = [
    // Mapped in whole pages, so a little more is resident than there is. Pages of what is on a device were read once and are the system's cache.
    part(
      'weights',
      domains.host,
      weights.deviceBytes > 0
        ? weights.hostBytes
        : Math.max(weights.hostBytes, latest.mappedBytes - draftWeights),
    ),
    part('weights', domains.device, weights.deviceBytes),
    { ...part('kvCache', domains.host, kvCache.hostBytes), source: 'predicted' },
    { ...part('kvCache', domains.device, kvCache.deviceBytes), source: 'predicted' },
    part('compute', domains.host, allocated.hostBytes - kvCache.hostBytes),
    part('compute', domains.device, allocated.deviceBytes - kvCache.deviceBytes),
    part('draft', domains.host, draft?.all.hostBytes ?? 0),
    part('draft', domains.device, draft?.all.deviceBytes ?? 0),
    part('runtime', domains.host, runtime),
  ]
  return merge(parts)
}

/** Weights that are in private memory and not mapped: without mmap, or repacked for the processor. */
function unmapped(weights: Allocation, usage: ProcessUsage): number {
  return Math.max(0, weights.hostBytes - usage.mappedBytes)
}

function kvCacheOf(
  { kvBytes, allocated }: { kvBytes: number; allocated: Allocation },
  { deviceShare = 1 }: MemoryDomains,
): Allocation {
  const deviceBytes = Math.min(kvBytes * deviceShare, allocated.deviceBytes)
  return { deviceBytes, hostBytes: Math.min(kvBytes - deviceBytes, allocated.hostBytes) }
}

function sum(allocations: readonly Allocation[]): Allocation {
  return {
    hostBytes: allocations.reduce((bytes, { hostBytes }) => bytes + hostBytes, 0),
    deviceBytes: allocations.reduce((bytes, { deviceBytes }) => bytes + deviceBytes, 0),
  }
}

function part(name: FootprintPart['part'], domain: DomainId, bytes: number): FootprintPart {
  return { part: name, domain, bytes: Math.max(0, Math.round(bytes)), source: 'measured' }
}

/** One entry for each part and domain, empty ones left out. */
function merge(parts: readonly FootprintPart[]): Footprint {
  const merged = new Map<string, FootprintPart>()
  for (const each of parts) {
    const key = `${each.part} ${each.domain}`
    merged.set(key, { ...each, bytes: each.bytes + (merged.get(key)?.bytes ?? 0) })
  }
  return [...merged.values()].filter(({ bytes }) => bytes > 0)
}
