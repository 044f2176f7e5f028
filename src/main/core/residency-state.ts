import type { Problem } from '../../contract/errors.ts'
import type { Footprint, Resident, ResidentState } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import type { DomainBytes } from './domain-bytes.ts'
import type { IssuedLease } from './lease.ts'
import type { LoadJob } from './load-job.ts'
import type { IdleKv } from './relief.ts'

/** What the library knows of a model. Asked again for each load and preview. */
export type ModelDescription = {
  readonly name: string
  readonly pinned: boolean
  readonly weightBytes: number
  /** The options with the start of its context decided, which goes by the room there is now. */
  settle(options: LoadOptions): LoadOptions
  /** Tokens with which a context begins by these options, and how large it may become. */
  startContextTokens(options: LoadOptions): number
  contextTokens(options: LoadOptions): number
  /** What loading it so would take: predicted, or measured at an earlier load. Without margin: residency adds it. */
  footprint(options: LoadOptions): Footprint
}

/** What the backend says of a model that it has loaded. */
export type LoadResult = { readonly footprint: Footprint; readonly processId: number | null }

/** The side effects of residency: the only way in which it touches the world. */
export interface ResidencyEffects {
  /**
   * Loads a model within its reservation and says what it really takes. Rejects with `signal.reason` when aborted.
   * Having rejected, it has left nothing behind.
   */
  load(
    modelId: string,
    request: {
      readonly options: LoadOptions
      readonly footprint: Footprint
      readonly signal: AbortSignal
      readonly onProgress: (loadedBytes: number) => void
    },
  ): Promise<LoadResult>
  /**
   * Ends when the memory is back, whatever the model is doing. `signal` aborts when that takes longer than `unloadLimitMs`: then nothing
   * more is kept.
   */
  unload(modelId: string, options: { readonly signal: AbortSignal }): Promise<void>
  /** How long a model may take to leave, in milliseconds: what it puts on disk takes its time. */
  unloadLimitMs(modelId: string): number
  /** Tokens in the model's KV caches, which leaving would lose. */
  usedTokens(modelId: string): number
  /** KV caches of the model that nobody uses now and that can be given back. */
  idleKv(modelId: string): readonly IdleKv[]
  /**
   * Gives one of them back and reports what is left by `resize`; ends when the memory is back, with the bytes freed: 0
   * when it is in use again.
   */
  relieve(modelId: string, kv: IdleKv): Promise<number>
}

/** What a snapshot shows of how a resident is loaded: residency does not know it. */
export type ResidentFigures = Pick<
  Resident,
  | 'kvBytesPerToken'
  | 'kvBudgetBytes'
  | 'contextLimitTokens'
  | 'predicted'
  | 'measured'
  | 'predictionError'
  | 'loadedWith'
  | 'fileAccessReason'
  | 'warnings'
>

/** What residency knows of a resident; the host adds its figures and contexts for the snapshot. */
export type ResidencyState = Omit<
  Resident,
  keyof ResidentFigures | 'contexts' | 'contextTokens' | 'usedTokens'
> & { readonly options: LoadOptions }

export type LoadingSlot = {
  readonly kind: 'loading'
  readonly job: LoadJob
  readonly controller: AbortController
  readonly startedAt: number
  loadedBytes: number
  /** Set when the backend is done and what it measured is still to be fitted in. */
  arrived: (LoadResult & { readonly seconds: number }) | null
  /** Set when its process was reported dead. */
  crash: Problem | null
  /** Ends when the backend is done with it either way; for a cancelled load, when its memory is back. Never rejects. */
  readonly settled: PromiseWithResolvers<null>
}

export type LoadedSlot = {
  readonly kind: 'loaded'
  readonly modelId: string
  readonly name: string
  readonly options: LoadOptions
  readonly weightBytes: number
  readonly processId: number | null
  readonly loadedAt: number
  readonly leases: Set<IssuedLease>
  pinned: boolean
  lastUsedAt: number
  idleTimer: Disposable | null
  /** KV caches that are being given back. */
  readonly relieving: Map<string, Relieving>
  /** KV caches that could not be given back; not tried again before the model was used. */
  readonly unrelievable: Set<string>
}

/** A KV cache that is being given back. */
export type Relieving = {
  readonly bytes: DomainBytes
  /** What it freed. Never rejects. */
  readonly done: Promise<number>
}

export type UnloadingSlot = {
  readonly kind: 'unloading'
  readonly name: string
  pinned: boolean
  /** Ends when the memory is back; with the problem if that went wrong. Never rejects. */
  readonly done: Promise<Problem | null>
}

export type FailedSlot = {
  readonly kind: 'failed'
  readonly name: string
  pinned: boolean
  readonly problem: Problem
}

/** A model that is in memory, on its way in or out, or failed. Absent and queued models have none. */
export type Slot = LoadingSlot | LoadedSlot | UnloadingSlot | FailedSlot

/** A slot as the snapshot shows it. */
export function describeSlot(modelId: string, slot: Slot, footprint: Footprint): ResidencyState {
  const { name, pinned } = slot.kind === 'loading' ? slot.job : slot
  const state = { ...emptyState, modelId, name, pinned, footprint }
  switch (slot.kind) {
    case 'loading':
      return { ...state, state: 'loading', options: slot.job.options, loadedBytes: slot.loadedBytes }
    case 'loaded':
      return {
        ...state,
        state: loadedState(slot),
        options: slot.options,
        leases: slot.leases.size,
        processId: slot.processId,
        loadedAt: slot.loadedAt,
        lastUsedAt: slot.lastUsedAt,
      }
    case 'unloading':
      return { ...state, state: 'unloading' }
    case 'failed':
      return { ...state, state: 'failed', problem: slot.problem }
    default:
      return slot satisfies never
  }
}

/** A queued load as the snapshot shows it: it holds no memory yet. */
export function describeQueued(job: LoadJob): ResidencyState {
  const { modelId, name, pinned, options } = job
  return {
    ...emptyState,
    modelId,
    name,
    pinned,
    options,
    state: 'queued',
    footprint: [],
    waitingFor: job.reason,
  }
}

/** Ready, or busy while it is leased. */
export function loadedState(slot: LoadedSlot): ResidentState {
  return slot.leases.size > 0 ? 'busy' : 'ready'
}

const emptyState = {
  leases: 0,
  options: {},
  processId: null,
  loadedBytes: null,
  waitingFor: null,
  problem: null,
  loadedAt: null,
  lastUsedAt: null,
} as const
