import { formatBytes } from '../../contract/bytes.ts'
import { fromProblem, toProblem, type Problem } from '../../contract/errors.ts'
import type { Activity } from './activity.ts'
import { longestTimerMs, type Clock } from './clock.ts'
import { addBytes, bytesByDomain, footprintBytes, sumOfDomains, type DomainBytes } from './domain-bytes.ts'
import { abortError, IssuedLease, type Lease } from './lease.ts'
import type { Ledger } from './ledger.ts'
import type { LoadJob } from './load-job.ts'
import type { PoolMember } from './planning.ts'
import type { IdleKv } from './relief.ts'
import {
  describeSlot,
  loadedState,
  type LoadedSlot,
  type LoadingSlot,
  type ResidencyEffects,
  type ResidencyState,
  type Slot,
  type UnloadingSlot,
} from './residency-state.ts'

/** What is remembered of a model while it is not resident. */
type History = {
  accesses: number
  loadBytesPerSecond: number | null
  prefillTokensPerSecond: number | null
}

/** Shorter prefills say little about speed. */
const fewestPrefillTokens = 64

const reliefText = {
  shrink: 'A spare part of its KV cache was given back',
  park: 'An idle conversation was put on disk',
  drop: 'An idle conversation is to be read again',
} as const
const relievedAs = { shrink: 'shrunk', park: 'parked', drop: 'dropped' } as const

/**
 * The models in memory and how each comes in and goes out: the half of residency that carries out. Who comes in and
 * who leaves is decided by `Residency`, its only user. A slot changes before anybody is told of it, so that whoever
 * is told may ask for anything.
 */
export class Residents {
  readonly #ledger: Ledger
  readonly #effects: ResidencyEffects
  readonly #clock: Clock
  readonly #activity: Activity
  readonly #onFact: () => void
  readonly #onProgress: () => void
  readonly #slots = new Map<string, Slot>()
  readonly #history = new Map<string, History>()
  #idleUnloadMinutes: number | null

  /** `onFact` is called when room or a lease came back or a load arrived; `onProgress` when only numbers changed. */
  constructor(options: {
    readonly ledger: Ledger
    readonly effects: ResidencyEffects
    readonly clock: Clock
    readonly activity: Activity
    readonly idleUnloadMinutes: number | null
    readonly onFact: () => void
    readonly onProgress: () => void
  }) {
    this.#ledger = options.ledger
    this.#effects = options.effects
    this.#clock = options.clock
    this.#activity = options.activity
    this.#idleUnloadMinutes = options.idleUnloadMinutes
    this.#onFact = options.onFact
    this.#onProgress = options.onProgress
  }

  get(modelId: string): Slot | undefined {
    return this.#slots.get(modelId)
  }

  /** Copied, so that slots may change meanwhile. */
  entries(): [string, Slot][] {
    return [...this.#slots]
  }

  /** What is being given back, in plain words. */
  leavingNames(): string[] {
    return this.entries().flatMap(([, slot]) => {
      if (slot.kind === 'unloading') return [`"${slot.name}"`]
      return slot.kind === 'loaded' && slot.relieving.size > 0 ? [`idle conversations of "${slot.name}"`] : []
    })
  }

  /** What is being given back. */
  leavingBytes(): DomainBytes {
    let bytes: DomainBytes = {}
    for (const [modelId, slot] of this.#slots) {
      if (slot.kind === 'unloading') bytes = addBytes(bytes, bytesByDomain(this.#ledger.footprintOf(modelId)))
      if (slot.kind === 'loaded')
        for (const relieving of slot.relieving.values()) bytes = addBytes(bytes, relieving.bytes)
    }
    return bytes
  }

  /** KV caches of other models that are being given back, and what that frees. */
  relieving(exceptModelId: string): {
    readonly underWay: readonly Promise<number>[]
    readonly bytes: DomainBytes
  } {
    const others = this.entries().filter(([modelId]) => modelId !== exceptModelId)
    const reliefs = others.flatMap(([, slot]) => (slot.kind === 'loaded' ? [...slot.relieving.values()] : []))
    const bytes = reliefs.reduce<DomainBytes>((sum, relieving) => addBytes(sum, relieving.bytes), {})
    return { underWay: reliefs.map(({ done }) => done), bytes }
  }

  /** Ends when everything that is on its way out now is gone. */
  async whenLeft(): Promise<void> {
    await Promise.all(
      this.entries().flatMap(([, slot]): Promise<unknown>[] => {
        if (slot.kind === 'loaded') return Array.from(slot.relieving.values(), ({ done }) => done)
        return slot.kind === 'unloading' ? [slot.done] : []
      }),
    )
  }

  /** Loaded and loading models as planning sees them. */
  members(): PoolMember[] {
    const members: PoolMember[] = []
    for (const [modelId, slot] of this.#slots) {
      if (slot.kind !== 'loaded' && slot.kind !== 'loading') continue
      const { name, weightBytes, pinned } = slot.kind === 'loaded' ? slot : slot.job
      members.push({
        ...{ modelId, name, pinned, weightBytes, ...this.#historyOf(modelId) },
        state: slot.kind === 'loaded' ? loadedState(slot) : 'loading',
        leases: slot.kind === 'loaded' ? slot.leases.size : 0,
        bytes: bytesByDomain(this.#ledger.footprintOf(modelId)),
        usedTokens: this.#effects.usedTokens(modelId),
        idleKv: slot.kind === 'loaded' ? this.#idleKvOf(slot) : [],
        lastUsedAt: slot.kind === 'loaded' ? slot.lastUsedAt : slot.startedAt,
      })
    }
    return members
  }

  states(): ResidencyState[] {
    return Array.from(this.#slots, ([modelId, slot]) =>
      describeSlot(modelId, slot, this.#ledger.footprintOf(modelId)),
    )
  }

  /** Starts a load whose room is reserved. */
  start(job: LoadJob): void {
    const slot: LoadingSlot = {
      kind: 'loading',
      job,
      controller: new AbortController(),
      startedAt: this.#clock.now(),
      loadedBytes: 0,
      arrived: null,
      crash: null,
      settled: Promise.withResolvers(),
    }
    this.#slots.delete(job.modelId)
    this.#slots.set(job.modelId, slot)
    void this.#load(slot)
    job.tell(`Loading "${job.name}"`)
  }

  /** Makes a model ready whose measured footprint is reserved, and gives those who wait their leases. */
  becomeReady(slot: LoadingSlot, arrived: NonNullable<LoadingSlot['arrived']>): void {
    const { job } = slot
    const { modelId, name, options, weightBytes, pinned } = job
    const { processId, seconds, footprint } = arrived
    const now = this.#clock.now()
    const loaded: LoadedSlot = {
      kind: 'loaded',
      ...{ modelId, name, options, weightBytes, processId, pinned, loadedAt: now, lastUsedAt: now },
      leases: new Set(),
      idleTimer: null,
      relieving: new Map(),
      unrelievable: new Set(),
    }
    this.#slots.set(modelId, loaded)
    if (seconds > 0) this.#historyOf(modelId).loadBytesPerSecond = weightBytes / seconds
    job.grantAll(() => this.lease(loaded))
    const predicted = formatBytes(footprintBytes(job.predicted))
    const takes = `takes ${formatBytes(footprintBytes(footprint))}, ${predicted} predicted`
    this.#activity.record('loaded', job, `Loaded ${job.why}, ${takes}`, { tookMs: seconds * 1000 })
  }

  /** Takes a model out again whose measured footprint has no room. */
  rejectArrival(slot: LoadingSlot, problem: Problem): void {
    const tookMs = this.#clock.now() - slot.startedAt
    this.#end(slot.job, problem, () => this.#activity.record('failed', slot.job, problem.message, { tookMs }))
    slot.job.rejectAll(fromProblem(problem))
  }

  lease(slot: LoadedSlot): Lease {
    const lease = new IssuedLease(slot.modelId, () => {
      slot.leases.delete(lease)
      slot.lastUsedAt = this.#clock.now()
      this.#armIdleTimer(slot)
      this.#onFact()
    })
    slot.leases.add(lease)
    slot.unrelievable.clear()
    slot.lastUsedAt = this.#clock.now()
    this.#historyOf(slot.modelId).accesses++
    this.#armIdleTimer(slot)
    return lease
  }

  /** Takes a loaded model out of memory; leases that are still held become void. */
  leave(slot: LoadedSlot, kind: 'unloaded' | 'evicted', why: string): void {
    const freedBytes = footprintBytes(this.#ledger.footprintOf(slot.modelId))
    const startedAt = this.#clock.now()
    this.#end(slot, null, () => {
      this.#activity.record(kind, slot, why, { freedBytes, tookMs: this.#clock.now() - startedAt })
    })
    this.#revoke(slot, abortError(`"${slot.name}" was unloaded`))
  }

  /** Gives an idle KV cache back; its model stays. Ends with the bytes that this freed and never rejects. */
  async relieve(slot: LoadedSlot, kv: IdleKv, why: string): Promise<number> {
    const { modelId } = slot
    const startedAt = this.#clock.now()
    const relieve = async () => {
      let freedBytes = 0
      try {
        freedBytes = await this.#effects.relieve(modelId, kv)
      } catch {
        // Its process has died, which is told as a crash, or it stays as it is and is not tried again.
      }
      slot.relieving.delete(kv.id)
      if (freedBytes > 0) {
        const tookMs = this.#clock.now() - startedAt
        this.#activity.record(relievedAs[kv.kind], slot, `${reliefText[kv.kind]} ${why}`, {
          ...{ freedBytes, tookMs },
        })
      } else slot.unrelievable.add(kv.id)
      this.#onFact()
      return freedBytes
    }
    // Marked before it begins: what it reports meanwhile is decided upon with this in mind.
    const { promise: done, resolve } = Promise.withResolvers<number>()
    slot.relieving.set(kv.id, { bytes: kv.bytes, done })
    void relieve().then(resolve)
    return done
  }

  /** What `relieveAll` would free. */
  reclaimableBytes(): number {
    let bytes = 0
    for (const slot of this.#slots.values()) {
      if (slot.kind !== 'loaded' || slot.leases.size > 0) continue
      for (const kv of this.#idleKvOf(slot)) bytes += sumOfDomains(kv.bytes)
    }
    return bytes
  }

  /** Gives back what no answer is using, pinned models included, and tells how much that freed. */
  async relieveAll(why: string): Promise<{ freedBytes: number; kvCaches: number }> {
    const reliefs: Promise<number>[] = []
    for (const [, slot] of this.entries()) {
      if (slot.kind !== 'loaded' || slot.leases.size > 0) continue
      for (const kv of this.#idleKvOf(slot)) reliefs.push(this.relieve(slot, kv, why))
    }
    const freed = (await Promise.all(reliefs)).filter((bytes) => bytes > 0)
    return { freedBytes: freed.reduce((sum, bytes) => sum + bytes, 0), kvCaches: freed.length }
  }

  /** Keeps how fast a model reads. */
  reportPrefill(modelId: string, { tokens, ms }: { readonly tokens: number; readonly ms: number }): void {
    if (tokens >= fewestPrefillTokens && ms > 0)
      this.#historyOf(modelId).prefillTokensPerSecond = (tokens * 1000) / ms
  }

  cancelLoad(slot: LoadingSlot): void {
    const { modelId, name, pinned } = slot.job
    if (slot.arrived) {
      this.#end(slot.job, null)
    } else {
      this.#slots.set(modelId, { kind: 'unloading', name, pinned, done: slot.settled.promise })
      slot.controller.abort(abortError(`Loading "${name}" was cancelled`))
    }
    this.#activity.record('unloaded', slot.job, 'Loading was cancelled', {
      tookMs: this.#clock.now() - slot.startedAt,
    })
  }

  /** The process of a model has died. While it unloads, that is expected. */
  crash(modelId: string, problem: Problem): void {
    const slot = this.#slots.get(modelId)
    if (slot?.kind === 'loaded') {
      const freedBytes = footprintBytes(this.#ledger.footprintOf(modelId))
      this.#fail(slot, problem)
      this.#revoke(slot, fromProblem(problem))
      this.#activity.record('crashed', slot, problem.message, { freedBytes })
    } else if (slot?.kind === 'loading') {
      // A load under way fails by itself; should it have ended well just before, this is what counts.
      slot.crash = problem
      if (slot.arrived) this.#crashLoad(slot, problem)
    }
  }

  /** Forgets that a model has failed. */
  clearFailure(modelId: string): void {
    if (this.#slots.get(modelId)?.kind === 'failed') this.#slots.delete(modelId)
  }

  setPinned(modelId: string, pinned: boolean): void {
    const slot = this.#slots.get(modelId)
    if (!slot) return
    if (slot.kind === 'loading') slot.job.pinned = pinned
    else slot.pinned = pinned
    if (slot.kind === 'loaded') this.#armIdleTimer(slot)
  }

  setIdleUnloadMinutes(minutes: number | null): void {
    this.#idleUnloadMinutes = minutes
    for (const slot of this.#slots.values()) if (slot.kind === 'loaded') this.#armIdleTimer(slot)
  }

  /** Never rejects. */
  async #load(slot: LoadingSlot): Promise<void> {
    const { job, controller } = slot
    const { modelId, options, footprint } = job
    const onProgress = (loadedBytes: number) => {
      slot.loadedBytes = loadedBytes
      this.#onProgress()
    }
    try {
      const result = await this.#effects.load(modelId, {
        options,
        footprint,
        signal: controller.signal,
        onProgress,
      })
      // Too late to be cancelled: what came has to go.
      if (controller.signal.aborted) await this.#unload(modelId)
      else if (slot.crash) this.#crashLoad(slot, slot.crash)
      else slot.arrived = { ...result, seconds: (this.#clock.now() - slot.startedAt) / 1000 }
    } catch (error) {
      if (!controller.signal.aborted) {
        const problem = toProblem(error)
        this.#fail(job, problem)
        job.rejectAll(error instanceof Error ? error : fromProblem(problem))
        this.#activity.record('failed', job, problem.message, { tookMs: this.#clock.now() - slot.startedAt })
      }
    }
    if (controller.signal.aborted) {
      this.#ledger.release(modelId)
      this.#slots.delete(modelId)
    }
    slot.settled.resolve(null)
    this.#onFact()
  }

  #crashLoad({ job }: LoadingSlot, problem: Problem): void {
    this.#fail(job, problem)
    job.rejectAll(fromProblem(problem))
    this.#activity.record('crashed', job, problem.message)
  }

  /** Ends a model that the backend has loaded; afterwards it is absent, or failed with the problem. */
  #end(
    { modelId, name, pinned }: { readonly modelId: string; readonly name: string; readonly pinned: boolean },
    problem: Problem | null,
    onEnd?: () => void,
  ): void {
    const { promise: done, resolve } = Promise.withResolvers<Problem | null>()
    const slot: UnloadingSlot = { kind: 'unloading', name, pinned, done }
    this.#slots.set(modelId, slot)
    const ended = (unloadProblem: Problem | null) => {
      const failure = unloadProblem ?? problem
      if (failure) this.#fail({ modelId, name, pinned: slot.pinned }, failure)
      else {
        this.#ledger.release(modelId)
        this.#slots.delete(modelId)
      }
      onEnd?.()
      resolve(unloadProblem)
      this.#onFact()
    }
    void this.#unload(modelId).then(
      () => ended(null),
      (error: unknown) => ended(toProblem(error)),
    )
  }

  /** A model that does not leave in time is ended at once. */
  async #unload(modelId: string): Promise<void> {
    const controller = new AbortController()
    const limitMs = this.#effects.unloadLimitMs(modelId)
    using _limit = this.#clock.setTimer(limitMs, () => {
      controller.abort(abortError(`Took longer than ${limitMs / 1000} s to leave`))
    })
    await this.#effects.unload(modelId, { signal: controller.signal })
  }

  #idleKvOf(slot: LoadedSlot): IdleKv[] {
    const isOpen = ({ id }: IdleKv) => !slot.relieving.has(id) && !slot.unrelievable.has(id)
    return this.#effects.idleKv(slot.modelId).filter(isOpen)
  }

  #fail(
    { modelId, name, pinned }: { readonly modelId: string; readonly name: string; readonly pinned: boolean },
    problem: Problem,
  ): void {
    this.#ledger.release(modelId)
    this.#slots.set(modelId, { kind: 'failed', name, pinned, problem })
  }

  #revoke(slot: LoadedSlot, reason: Error): void {
    slot.idleTimer?.[Symbol.dispose]()
    slot.idleTimer = null
    const leases = [...slot.leases]
    slot.leases.clear()
    for (const lease of leases) lease.revoke(reason)
  }

  #armIdleTimer(slot: LoadedSlot): void {
    slot.idleTimer?.[Symbol.dispose]()
    slot.idleTimer = null
    const minutes = this.#idleUnloadMinutes
    if (minutes === null || slot.pinned || slot.leases.size > 0) return
    const dueMs = slot.lastUsedAt + minutes * 60_000 - this.#clock.now()
    slot.idleTimer = this.#clock.setTimer(Math.min(Math.max(0, dueMs), longestTimerMs), () => {
      // Longer than a timer can be: go on waiting.
      if (this.#clock.now() < slot.lastUsedAt + minutes * 60_000) this.#armIdleTimer(slot)
      else {
        this.leave(slot, 'unloaded', `Unloaded after ${minutes} min without use`)
        this.#onFact()
      }
    })
  }

  #historyOf(modelId: string): History {
    const known = this.#history.get(modelId)
    if (known) return known
    const history = { accesses: 0, loadBytesPerSecond: null, prefillTokensPerSecond: null }
    this.#history.set(modelId, history)
    return history
  }
}
