import type { Allocation, ProcessUsage } from '../../contract/backend.ts'
import type { Footprint, LoadedWith } from '../../contract/memory.ts'
import type { DomainBytes } from '../core/domain-bytes.ts'
import { checkpointBytes, contextComputeBytes, kvCacheBytes, type ContextFacts } from '../core/footprint.ts'
import { measuredFootprint, type DraftMemory, type MemoryDomains } from './measured-footprint.ts'

/** A loaded model: what its process takes without contexts, and how its contexts are made. */
export type LoadedModel = {
  readonly usage: ProcessUsage
  readonly weights: Allocation
  readonly draft?: DraftMemory | null
  readonly made: Pick<LoadedWith, 'kvType' | 'flashAttention' | 'batchTokens' | 'fullWindowCache'>
}

/** What a context takes: its KV cache by arithmetic, and as the backend has allocated it with its compute buffers. */
export type ContextBytes = {
  readonly kvBytes: number
  readonly allocated: Allocation
  /** It is still to be made. */
  readonly isProspect?: boolean
}

/** What the contexts of one model process take: those that are there as measured, others judged by them. */
export class ContextMemory {
  readonly #facts: ContextFacts
  readonly #domains: MemoryDomains
  #loaded: LoadedModel | null = null
  #latest: ProcessUsage | null = null
  /** What a context of this model was found to take. */
  #sample: (ContextBytes & { readonly contextTokens: number }) | null = null

  constructor({ facts, domains }: { readonly facts: ContextFacts; readonly domains: MemoryDomains }) {
    this.#facts = facts
    this.#domains = domains
  }

  /** The model is loaded, and has no context yet. */
  start(loaded: LoadedModel): void {
    this.#loaded = loaded
  }

  /** What the process takes now. */
  takeUsage(usage: ProcessUsage): void {
    this.#latest = usage
  }

  /** A context was made or has another size. */
  takeSample(sample: ContextBytes & { readonly contextTokens: number }): void {
    this.#sample = sample
  }

  /** What the process takes with these contexts: see `measuredFootprint`. Empty before the model is loaded. */
  footprint(contexts: readonly ContextBytes[]): Footprint {
    if (!this.#loaded) return []
    const { usage, weights, draft = null } = this.#loaded
    return measuredFootprint(
      { weights, contexts, loaded: usage, latest: this.#latest ?? usage, draft },
      this.#domains,
    )
  }

  /** KV cache of a context of a size, in bytes. */
  kvBytes(contextTokens: number): number {
    return kvCacheBytes(this.#facts, contextTokens, this.#loaded?.made)
  }

  /** What a context of a size would take, judged by one that was measured. */
  prospect(contextTokens: number): ContextBytes {
    const kvBytes = this.kvBytes(contextTokens)
    const sample = this.#sample
    if (!sample) return { kvBytes, allocated: { hostBytes: kvBytes, deviceBytes: 0 }, isProspect: true }
    const sampleBytes = sample.allocated.hostBytes + sample.allocated.deviceBytes
    const computeRatio = this.#computeBytes(contextTokens) / this.#computeBytes(sample.contextTokens)
    const bytes = kvBytes + Math.max(0, sampleBytes - sample.kvBytes) * computeRatio
    const deviceBytes = bytes * (sample.allocated.deviceBytes / Math.max(1, sampleBytes))
    return { kvBytes, allocated: { hostBytes: bytes - deviceBytes, deviceBytes }, isProspect: true }
  }

  /** What a context has allocated, or has allocated more than another, by domain. */
  domainBytes({ allocated }: ContextBytes, than?: ContextBytes): DomainBytes {
    const { host, device } = this.#domains
    const hostBytes = allocated.hostBytes - (than?.allocated.hostBytes ?? 0)
    const deviceBytes = allocated.deviceBytes - (than?.allocated.deviceBytes ?? 0)
    if (host === device) return { [host]: Math.max(0, Math.round(hostBytes + deviceBytes)) }
    return { [host]: Math.max(0, Math.round(hostBytes)), [device]: Math.max(0, Math.round(deviceBytes)) }
  }

  /** What the backend has allocated for a context of a size, with the checkpoint that it will take: that comes with its first answer. */
  withCheckpoint(contextTokens: number, { hostBytes, deviceBytes }: Allocation): Allocation {
    return {
      hostBytes: hostBytes + checkpointBytes(this.#facts, { ...this.#loaded?.made, contextTokens }),
      deviceBytes,
    }
  }

  #computeBytes(contextTokens: number): number {
    const options = { ...this.#loaded?.made, contextTokens }
    return contextComputeBytes(this.#facts, options) + checkpointBytes(this.#facts, options)
  }
}
