import type { Allocation } from '../../contract/backend.ts'
import type { Footprint, PoolEvent } from '../../contract/memory.ts'
import type { DomainBytes } from '../core/domain-bytes.ts'
import type { ContextFacts } from '../core/footprint.ts'
import type { MemoryDomains } from './measured-footprint.ts'
import type { ModelParking } from './parking.ts'

/** How the contexts of a model are made and how far they may grow. */
export interface LiveContextsOptions {
  /** What the user calls the model. */
  readonly name: string
  readonly facts: ContextFacts
  /** Size of a new context. */
  readonly contextTokens: number
  /** How large a context may become. Default `contextTokens`: it does not grow. */
  readonly limitTokens?: number
  /** KV cache of all contexts together, in bytes. Default: as many full contexts as may be live. */
  readonly kvBudgetBytes?: number
  /** Conversations that are live at once, each with a context of its own. Default 2. */
  readonly liveContexts?: number
  readonly domains: MemoryDomains
  /** Where conversations go that have to leave; absent: they are read again. */
  readonly parking?: ModelParking
  /** A context is copied to disk when it was idle so long. Default 30 s. */
  readonly parkAfterIdleMs?: number
  /** Asks for room for another footprint, or reports a measured one. False: there is none. */
  readonly resize: (footprint: Footprint) => boolean
  /** Has others give back what they do not use, for such a footprint. False: there is nothing that would do. Default: there is not. */
  readonly relieve?: (footprint: Footprint) => Promise<boolean>
  /** Whether so much more is free, and the pool not under pressure with it. Default: it always is. */
  readonly fitsWithEase?: (bytes: DomainBytes) => boolean
  /** Told once more what the model takes with one context as large as at first, when it has answered for the first time. */
  readonly onMeasured?: (footprint: Footprint) => void
  /** Something that a snapshot shows has changed: contexts or their tokens. */
  readonly onChange?: () => void
  /** Something happened that belongs into the activity list. */
  readonly onEvent?: (event: ContextEvent) => void
}

/** What happened to a context, in plain words. */
export type ContextEvent = {
  readonly kind: Extract<PoolEvent['kind'], 'grown' | 'restored' | 'parkingFailed'>
  readonly text: string
  readonly tookMs: number
}

/** A live context and who uses it. */
export interface Context {
  readonly id: string
  contextTokens: number
  kvBytes: number
  /** KV cache and compute buffers, as the backend has allocated them. */
  allocated: Allocation
  stateFormat: string
  /** Null: it is a spare one, or for asides. */
  conversationId: string | null
  /** It holds what the model was asked last on the side: it is no conversation's, and is never put on disk. */
  isAside: boolean
  usedTokens: number
  /** Of the answer that is being written. */
  promptTokens: number
  isBusy: boolean
  hasAnswered: boolean
  /** What it holds was written to disk. */
  isParked: boolean
  /** What it holds could not be written; not tried again before it holds something else. */
  cannotPark: boolean
  /** Order of use; the lowest idle one is reused first. */
  usedAt: number
  /** When that was, in milliseconds since 1970. */
  lastUsedAt: number
  /** Runs while it is idle and not on disk. */
  idleTimer: NodeJS.Timeout | null
  /** Ends the reading ahead that has claimed it. */
  warming: AbortController | null
}
