import { formatBytes } from '../../contract/bytes.ts'
import { AppError, fromProblem, type Problem } from '../../contract/errors.ts'
import type {
  Domain,
  DomainId,
  Footprint,
  LoadPreview,
  PoolCounters,
  PoolEvent,
  ReliefStep,
  Thrash,
  TurnPlan,
} from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { Activity } from './activity.ts'
import type { Clock } from './clock.ts'
import {
  addBytes,
  bytesByDomain,
  footprintBytes,
  subtractBytes,
  sumOfDomains,
  type DomainBytes,
} from './domain-bytes.ts'
import { isEvictable, planGrowthRelief, planPressureRelief, type EvictionPolicy } from './relief.ts'
import { findThrash, type Switch } from './thrash.ts'
import { withAdmissionMargin } from './footprint.ts'
import { abortError, type Lease } from './lease.ts'
import type { DomainCapacity, Ledger } from './ledger.ts'
import { LoadJob, roomRequest, type Waiter } from './load-job.ts'
import { Planning, type PoolMember, type PoolPlan, type RoomRequest } from './planning.ts'
import { describeQueued, type LoadedSlot, type ModelDescription } from './residency-state.ts'
import type { LoadingSlot, ResidencyEffects, ResidencyState } from './residency-state.ts'
import { Residents } from './residents.ts'
import { planTurn } from './turn-plan.ts'

export type ResidencyOptions = {
  readonly ledger: Ledger
  readonly effects: ResidencyEffects
  /** Throws NOT_FOUND or BAD_MODEL_FILE. */
  readonly describe: (modelId: string) => ModelDescription
  readonly clock: Clock
  readonly policy: EvictionPolicy
  /** Unload a model that was idle this long; null: never. */
  readonly idleUnloadMinutes?: number | null
  /** From this share of the pool on, idle KV caches are given back; default 1: only when there is no room. */
  readonly pressureShare?: number
}

/** What residency knows of a preview; how exactly the model would be loaded is its host's. */
export type RoomPreview = Omit<LoadPreview, 'loadedWith' | 'warnings'>

export type AcquireOptions = {
  readonly signal?: AbortSignal | undefined
  /** How to load it, if it has to be; a resident model stays as it was loaded. */
  readonly options?: LoadOptions | undefined
  /** Why it is loaded, if it has to be, for the activity list; goes on from "Loaded". Default: "on request". */
  readonly why?: string | undefined
  /** Models that may not leave for it: rather is it refused. Not while somebody else waits for the same load without saying so. Default: none. */
  readonly keep?: readonly string[] | undefined
  /** Told in plain words what it waits for, at once and whenever that changes. Must not throw. */
  readonly onWait?: ((reason: string) => void) | undefined
}

/** Under pressure a KV cache is given back when it was not used for this long, in milliseconds. */
export const idleKvMs = 30_000
/** More than two models that take turns ever come to within the time that counts. */
const keptSwitches = 50

/** How often the busy models that the first load in line waits for may be taken for use again. */
const mostOvertakes = 8

/**
 * Decides which models are in memory: the only writer of their state, and of the ledger. Callers ask for an outcome,
 * `acquire`, and hold a lease while they use the model. A leased, loading or pinned model is never evicted. Loads are
 * admitted first in, first out; after every change the head of the line is decided again, from the facts as they are.
 *
 * Who waits for a lease while holding another may wait for himself: give leases back first.
 */
export class Residency implements AsyncDisposable {
  readonly #ledger: Ledger
  readonly #describe: (modelId: string) => ModelDescription
  readonly #clock: Clock
  readonly #activity: Activity
  readonly #residents: Residents
  /** Loads that wait for room, in the order in which they came. */
  readonly #queue = new Map<string, LoadJob>()
  readonly #listeners = new Set<() => void>()
  #policy: EvictionPolicy
  #pressureShare: number
  #pressureTimer: Disposable | null = null
  /** Who had to leave for others, newest last. */
  #switches: readonly Switch[] = []
  #isDeciding = false
  #isDecisionDue = false
  #isClosed = false

  constructor(options: ResidencyOptions) {
    const { ledger, effects, describe, clock, policy, idleUnloadMinutes = null, pressureShare = 1 } = options
    this.#pressureShare = pressureShare
    this.#ledger = ledger
    this.#describe = describe
    this.#clock = clock
    this.#policy = policy
    this.#activity = new Activity(clock)
    this.#residents = new Residents({
      ...{ ledger, effects, clock, idleUnloadMinutes, activity: this.#activity },
      onFact: () => this.#decide(),
      onProgress: () => this.#changed(),
    })
  }

  /**
   * Resolves with a lease on the model, loading it first when it is not there and evicting for it as planned. Waits
   * when models that are busy or loading could make room; otherwise rejects with NO_ROOM and the remedies. Rejects with
   * `signal.reason` when aborted, with the load's error when that fails, with an `AbortError` when somebody unloads the
   * model while it is waited for. Concurrent callers share one load; it is cancelled when the last of them has gone.
   */
  async acquire(
    modelId: string,
    { signal, options = {}, why = 'on request', keep = [], onWait }: AcquireOptions = {},
  ): Promise<Lease> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw abortError('The pool is closed')
    const slot = this.#residents.get(modelId)
    if (slot?.kind === 'loaded' && !this.#queue.has(modelId) && this.#mayOvertake(slot)) {
      const lease = this.#residents.lease(slot)
      this.#changed()
      return lease
    }
    const loading = slot?.kind === 'loading' ? slot.job : undefined
    const kept = new Set(keep)
    const job = this.#queue.get(modelId) ?? loading ?? this.#enqueue(modelId, options, { why, keep: kept })
    job.keep = job.keep.intersection(kept)
    const { promise, resolve, reject } = Promise.withResolvers<Lease>()
    const waiter: Waiter = { onWait, resolve, reject }
    const onAbort = () => {
      if (!job.waiters.delete(waiter)) return
      reject(signal?.reason)
      if (job.waiters.size === 0) this.#drop(job)
    }
    job.waiters.add(waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (job.reason !== '') onWait?.(job.reason)
    this.#decide()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Takes a model out of memory and ends when the memory is back. Cancels a load that is queued or under way, and
   * clears a failure. Throws MODEL_BUSY while it is leased, unless `force`. Harmless when it is not there.
   */
  async unload(
    modelId: string,
    { force = false }: { readonly force?: boolean | undefined } = {},
  ): Promise<void> {
    const slot = this.#residents.get(modelId)
    if (slot?.kind === 'loaded' && slot.leases.size > 0 && !force) {
      throw new AppError('MODEL_BUSY', `Cannot unload "${slot.name}": it is in use`, {
        details: { modelId, help: 'Wait for its answer to end, or stop it' },
      })
    }
    const job = this.#queue.get(modelId)
    if (job) this.#cancel(job)
    if (slot?.kind === 'loading') this.#cancel(slot.job)
    if (slot?.kind === 'loaded') this.#residents.leave(slot, 'unloaded', 'Unloaded on request')
    this.#residents.clearFailure(modelId)
    this.#decide()
    const left = this.#residents.get(modelId)
    const problem = left?.kind === 'unloading' ? await left.done : null
    if (problem) throw fromProblem(problem)
  }

  /** Protects a model from eviction and from unloading when idle, or ends that. Keeping it over restarts is the library's. */
  setPinned(modelId: string, { pinned }: { readonly pinned: boolean }): void {
    const job = this.#queue.get(modelId)
    if (job) job.pinned = pinned
    this.#residents.setPinned(modelId, pinned)
    this.#decide()
  }

  /** Replaces what a resident has reserved. False, and nothing changes, when it does not fit; never evicts. */
  resize(modelId: string, footprint: Footprint): boolean {
    const isLoaded = this.#residents.get(modelId)?.kind === 'loaded'
    if (!isLoaded || !this.#ledger.resize(modelId, footprint)) return false
    this.#decide()
    return true
  }

  /**
   * Gives idle KV caches of other models back so that a resident may grow to a footprint, and ends when their memory is back. False when
   * all of them together are not enough, or when there is nothing to give back: then asking `resize` again is of no use. True says that
   * it is worth another try; somebody else may have taken the room. Waits for nothing but reliefs, which wait for nobody.
   */
  async relieveFor(modelId: string, footprint: Footprint): Promise<boolean> {
    const slot = this.#residents.get(modelId)
    if (slot?.kind !== 'loaded' || this.#isClosed) return false
    const under = bytesByDomain(this.#ledger.footprintOf(modelId))
    const { underWay, bytes } = this.#residents.relieving(modelId)
    const order = { candidates: this.#residents.members(), policy: this.#policy, now: this.#clock.now() }
    const steps = planGrowthRelief(order, {
      neededBytes: subtractBytes(bytesByDomain(footprint), under),
      freeBytes: addBytes(this.#ledger.room(), bytes),
      exclude: modelId,
    })
    if (!steps) return false
    const why = `so that a conversation with "${slot.name}" can grow`
    const reliefs = steps.flatMap(({ candidate, kv }) => {
      const other = this.#residents.get(candidate.modelId)
      return other?.kind === 'loaded' ? [this.#residents.relieve(other, kv, why)] : []
    })
    this.#changed()
    const freed = await Promise.all([...underWay, ...reliefs])
    return freed.length > 0
  }

  /**
   * Whether so much could be reserved now without anybody leaving and without the pool coming under pressure. What `inPlaceOf` holds
   * already counts as free.
   */
  fitsWithEase(
    neededBytes: DomainBytes,
    { inPlaceOf }: { readonly inPlaceOf?: string | undefined } = {},
  ): boolean {
    const own = inPlaceOf === undefined ? {} : bytesByDomain(this.#ledger.footprintOf(inPlaceOf))
    const room = addBytes(this.#ledger.room(), own)
    return this.#ledger.domains().every((domain) => {
      const bytes = neededBytes[domain.id] ?? 0
      return bytes === 0 || bytes <= (room[domain.id] ?? 0) - this.#spareBytes(domain)
    })
  }

  /**
   * What loading the model would take, and who would have to leave; with `isReload` also where it is in memory: its own room counts as free
   * then. Those of `keep` may not leave. Nothing happens by asking. Throws as `describe` does.
   */
  preview(
    modelId: string,
    options: LoadOptions = {},
    { isReload = false, keep = [] }: { readonly isReload?: boolean; readonly keep?: readonly string[] } = {},
  ): RoomPreview {
    if (!isReload) return this.#preview(modelId, options, this.#planning({ keep: new Set(keep) }))
    const own = bytesByDomain(this.#ledger.footprintOf(modelId))
    const freeBytes = addBytes(addBytes(this.#ledger.room(), this.#residents.leavingBytes()), own)
    return this.#previewLoad(modelId, options, this.#planning({ freeBytes }))
  }

  /** `preview` of many models with one look at the pool. */
  previews(requests: readonly { readonly modelId: string; readonly options?: LoadOptions }[]): RoomPreview[] {
    const planning = this.#planning()
    return requests.map(({ modelId, options = {} }) => this.#preview(modelId, options, planning))
  }

  /** What asking these models at once would take. Nothing happens by asking. */
  planTurn(modelIds: readonly string[]): TurnPlan {
    const freeBytes = addBytes(this.#ledger.room(), this.#residents.leavingBytes())
    const pool = {
      members: this.#residents.members(),
      freeBytes,
      policy: this.#policy,
      now: this.#clock.now(),
    }
    return planTurn(
      pool,
      modelIds.map((modelId) => {
        const description = this.#describe(modelId)
        if (this.isResident(modelId)) return { modelId, name: description.name }
        const settled = description.settle({})
        return roomRequest(modelId, settled, description, withAdmissionMargin(description.footprint(settled)))
      }),
    )
  }

  /**
   * Who would have to leave so that a set of models has room together, in place of those of it that are in memory. `moreBytes`: what a changed
   * pool has more than this one. Throws `NO_ROOM` with what would help. Nothing happens by asking.
   */
  planSet(
    request: RoomRequest,
    { modelIds, moreBytes }: { readonly modelIds: readonly string[]; readonly moreBytes: DomainBytes },
  ): PoolMember[] {
    const own = modelIds.map((modelId) => bytesByDomain(this.#ledger.footprintOf(modelId)))
    const room = addBytes(addBytes(this.#ledger.room(), this.#residents.leavingBytes()), moreBytes)
    const members = this.#residents.members().filter(({ modelId }) => !modelIds.includes(modelId))
    const planning = new Planning({
      ...{ members, freeBytes: own.reduce(addBytes, room), policy: this.#policy, now: this.#clock.now() },
    })
    const plan = planning.planNow(request.neededBytes, request.modelId)
    if (!plan) throw fromProblem(planning.refusal(request))
    return [...plan.leaving]
  }

  /** Whether a model is in memory or being loaded. */
  isResident(modelId: string): boolean {
    const kind = this.#residents.get(modelId)?.kind
    return kind === 'loaded' || kind === 'loading'
  }

  /** Tells that a model's process has died: its room is free, its leases are void, the next `acquire` loads it again. */
  reportCrash(modelId: string, problem: Problem): void {
    this.#residents.crash(modelId, problem)
    this.#decide()
  }

  /** Adds to the activity list what happened inside of a resident. */
  record(event: Pick<PoolEvent, 'kind' | 'modelId' | 'name' | 'text'> & { readonly tookMs: number }): void {
    const { kind, text, tookMs } = event
    this.#activity.record(kind, event, text, { tookMs })
    this.#changed()
  }

  /** Tells how long a model took to read so many tokens: what reading again would cost decides who leaves. */
  reportPrefill(modelId: string, prefill: { readonly tokens: number; readonly ms: number }): void {
    this.#residents.reportPrefill(modelId, prefill)
  }

  /** Gives all idle KV caches back, those of pinned models too, and ends when their memory is. */
  async consolidate(): Promise<{ readonly freedBytes: number; readonly kvCaches: number }> {
    const result = this.#residents.relieveAll('on request')
    this.#changed()
    return result
  }

  /** Tells what other programs hold inside of the pool. */
  setOther(domain: DomainId, bytes: number): void {
    this.#ledger.setOther(domain, bytes)
    this.#decide()
  }

  /**
   * Changes the size of a domain or its reserve. Idle models leave if they have to; throws NO_ROOM, and the size stays,
   * when those that may leave are not enough.
   */
  async setCapacity(capacity: DomainCapacity): Promise<void> {
    while (!this.#ledger.setCapacity(capacity)) {
      const usedBytes = this.#ledger.domains().find(({ id }) => id === capacity.id)?.usedBytes ?? 0
      const neededBytes = {
        [capacity.id]: usedBytes - Math.max(0, capacity.totalBytes - capacity.reserveBytes),
      }
      const plan = this.#planning({ freeBytes: this.#residents.leavingBytes() }).planNow(neededBytes, '')
      if (!plan) {
        const facts = `models hold ${formatBytes(usedBytes)}, and too few of them may leave`
        throw new AppError('NO_ROOM', `Cannot make the pool ${formatBytes(capacity.totalBytes)}: ${facts}`, {
          details: { help: 'Unpin or unload models first', neededBytes: usedBytes },
        })
      }
      this.#relieve(plan, 'because the pool was made smaller')
      this.#changed()
      await this.#residents.whenLeft()
    }
    this.#decide()
  }

  /** Follows changed settings from now on. */
  configure(settings: {
    readonly policy: EvictionPolicy
    readonly idleUnloadMinutes: number | null
    readonly pressureShare: number
  }): void {
    this.#policy = settings.policy
    this.#pressureShare = settings.pressureShare
    this.#residents.setIdleUnloadMinutes(settings.idleUnloadMinutes)
    this.#decide()
  }

  /** Every model that is in memory, on its way in or out, waiting for room, or failed. */
  states(): ResidencyState[] {
    // A model that failed before and is asked for again is queued; one that is still on its way out is not yet.
    const residents = this.#residents
      .states()
      .filter(({ modelId, state }) => state !== 'failed' || !this.#queue.has(modelId))
    const shown = new Set(residents.map(({ modelId }) => modelId))
    const queued = [...this.#queue.values()].filter(({ modelId }) => !shown.has(modelId))
    return [...residents, ...queued.map(describeQueued)]
  }

  /** Models that take turns in memory because they do not fit in together. */
  get thrash(): Thrash | null {
    return findThrash(this.#switches, this.#clock.now())
  }

  /** More than the set share of the pool is taken. */
  get isUnderPressure(): boolean {
    return this.#excessBytes() !== null
  }

  /** What `consolidate` would give back now. */
  get reclaimableBytes(): number {
    return this.#residents.reclaimableBytes()
  }

  get counters(): PoolCounters {
    return this.#activity.counters
  }

  /** Newest first, at most 100. */
  get events(): readonly PoolEvent[] {
    return this.#activity.events
  }

  /** Calls back after every change, at once; must not throw. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls back with every event; must not throw. */
  onEvent(listener: (event: PoolEvent) => void): () => void {
    return this.#activity.onEvent(listener)
  }

  /** Ends every wait and load, takes every model out of memory, and ends when that is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#pressureTimer?.[Symbol.dispose]()
      for (const job of [...this.#queue.values()]) this.#cancel(job)
      for (const [, slot] of this.#residents.entries()) {
        if (slot.kind === 'loading') this.#cancel(slot.job)
        if (slot.kind === 'loaded')
          this.#residents.leave(slot, 'unloaded', 'Unloaded because the app was closed')
      }
    }
    await this.#residents.whenLeft()
  }

  #enqueue(
    modelId: string,
    options: LoadOptions,
    { why, keep }: { readonly why: string; readonly keep: ReadonlySet<string> },
  ): LoadJob {
    const job = new LoadJob(modelId, options, { description: this.#describe(modelId), why, keep })
    // Refused at once, rather than at the head of the line, when not even waiting could make room.
    const isLoaded = this.#residents.get(modelId)?.kind === 'loaded'
    const planning = this.#planning(job)
    if (!isLoaded && !planning.planLater(job.room.neededBytes, modelId)) {
      const problem = planning.refusal(job.room)
      this.#activity.record('refused', job, problem.message)
      this.#changed()
      throw fromProblem(problem)
    }
    this.#queue.set(modelId, job)
    return job
  }

  /** The first in line may not wait for ever for a model that is taken for use again and again. */
  #mayOvertake(slot: LoadedSlot): boolean {
    const first = this.#first()
    return !first?.waitsFor.has(slot.modelId) || first.overtaken++ < mostOvertakes
  }

  #cancel(job: LoadJob): void {
    job.rejectAll(abortError(`Loading "${job.name}" was cancelled`))
    this.#drop(job)
  }

  /** Nobody waits for this load any more. */
  #drop(job: LoadJob): void {
    const slot = this.#residents.get(job.modelId)
    if (this.#queue.get(job.modelId) === job) this.#queue.delete(job.modelId)
    else if (slot?.kind === 'loading' && slot.job === job) this.#residents.cancelLoad(slot)
    this.#decide()
  }

  /** Decides whatever can be decided now. Called after every change; harmless when nothing can. */
  #decide(): void {
    this.#isDecisionDue = true
    if (this.#isDeciding) return
    this.#isDeciding = true
    try {
      while (this.#isDecisionDue && !this.#isClosed) {
        this.#isDecisionDue = false
        for (const [, slot] of this.#residents.entries()) if (slot.kind === 'loading') this.#fitArrival(slot)
        while (this.#admitFirst());
        this.#tellTheRest()
        this.#relievePressure()
      }
    } finally {
      this.#isDeciding = false
    }
    this.#changed()
  }

  /** Replaces a predicted footprint by the measured one. If that is larger, others may have to leave, or it has to itself. */
  #fitArrival(slot: LoadingSlot): void {
    const { arrived, job } = slot
    if (!arrived) return
    if (this.#ledger.resize(job.modelId, arrived.footprint)) {
      this.#residents.becomeReady(slot, arrived)
      return
    }
    const planning = this.#planning(job)
    const growth = subtractBytes(bytesByDomain(arrived.footprint), job.room.neededBytes)
    const plan = planning.planNow(growth, job.modelId)
    if (plan) {
      this.#relieve(plan, `because "${job.name}" takes more than predicted`)
      return
    }
    this.#residents.rejectArrival(slot, planning.misfit(job.room, bytesByDomain(arrived.footprint)))
  }

  /** Admits, refuses or holds the first in line; true when the next one is to be looked at. */
  #admitFirst(): boolean {
    const job = this.#first()
    if (!job) return false
    const { modelId } = job
    const { neededBytes } = job.room
    const slot = this.#residents.get(modelId)
    job.waitsFor = new Set()

    // 1. It is there after all: it was only kept from overtaking a load that is not in line any more.
    if (slot?.kind === 'loaded') {
      this.#queue.delete(modelId)
      job.grantAll(() => this.#residents.lease(slot))
      return true
    }
    // 2. What is there of it has to leave first.
    if (slot?.kind === 'unloading') return hold(job, `Waiting for "${job.name}" to leave memory`)
    // 3. A model that takes more than predicted is fitted in first.
    const arrival = this.#residents
      .entries()
      .find(([, other]) => other.kind === 'loading' && other.arrived)?.[1]
    if (arrival?.kind === 'loading') return hold(job, `Waiting for "${arrival.job.name}" to load`)
    // 4. There is room.
    if (this.#ledger.reserve(modelId, job.footprint)) {
      this.#queue.delete(modelId)
      this.#residents.start(job)
      return true
    }
    // 5. There will be room when idle models have left.
    const planning = this.#planning(job)
    const plan = planning.planNow(neededBytes, modelId)
    if (plan) {
      this.#noteSwitches(plan, job)
      this.#relieve(plan, `to make room for "${job.name}"`)
      return hold(job, `Waiting for ${this.#residents.leavingNames().join(', ')} to leave memory`)
    }
    // 6. There can be room when others are done.
    const later = planning.planLater(neededBytes, modelId)
    if (later) {
      const blockers = planning.blockers(later)
      job.waitsFor = new Set(blockers.map((blocker) => blocker.modelId))
      return hold(job, `Waiting for ${quoted(blockers.map(({ name }) => name))} to be done`)
    }
    // 7. There cannot.
    this.#queue.delete(modelId)
    const problem = planning.refusal(job.room)
    job.rejectAll(fromProblem(problem))
    this.#activity.record('refused', job, problem.message)
    return true
  }

  #tellTheRest(): void {
    let ahead: LoadJob | null = null
    for (const job of [...this.#queue.values()]) {
      if (ahead) job.tell(`Waiting behind "${ahead.name}"`)
      ahead = job
    }
  }

  /** Remembers who had to leave for whom, and says so once when models begin to take turns. */
  #noteSwitches({ leaving }: PoolPlan, job: LoadJob): void {
    if (leaving.length === 0) return
    const at = this.#clock.now()
    const wasThrashing = this.thrash !== null
    const left = leaving.map(({ modelId, name, weightBytes, loadBytesPerSecond, bytes }) => ({
      ...{ modelId, name, weightBytes, at, bytes: sumOfDomains(bytes) },
      reloadMs: loadBytesPerSecond === null ? null : (weightBytes / loadBytesPerSecond) * 1000,
    }))
    this.#switches = [...this.#switches, ...left].slice(-keptSwitches)
    const { thrash } = this
    if (thrash && !wasThrashing) this.#activity.record('thrash', job, thrash.text)
  }

  /** Gives idle KV caches back while the pool is nearly full, and looks again when the next one has been idle for long enough. */
  #relievePressure(): void {
    this.#pressureTimer?.[Symbol.dispose]()
    this.#pressureTimer = null
    const excessBytes = this.#excessBytes()
    if (excessBytes === null) return
    const now = this.#clock.now()
    const candidates = this.#residents.members()
    const order = { candidates, policy: this.#policy, now }
    const steps = planPressureRelief(order, { excessBytes, idleSince: now - idleKvMs })
    const why = `because more than ${Math.round(this.#pressureShare * 100)} % of the pool is taken`
    if (steps.length > 0) {
      this.#relieve({ relieved: steps, leaving: [] }, why)
      return
    }
    const dueAt = candidates
      .filter(isEvictable)
      .flatMap(({ idleKv }) => idleKv.map((kv) => kv.lastUsedAt + idleKvMs))
      .filter((at) => at > now)
    if (dueAt.length === 0) return
    this.#pressureTimer = this.#clock.setTimer(Math.min(...dueAt) - now, () => this.#decide())
  }

  /** What is taken beyond the pressure share, by domain, less what is being given back; null when nothing is. */
  #excessBytes(): DomainBytes | null {
    const room = addBytes(this.#ledger.room(), this.#residents.leavingBytes())
    const excess: Partial<Record<DomainId, number>> = {}
    for (const domain of this.#ledger.domains()) {
      const bytes = this.#spareBytes(domain) - (room[domain.id] ?? 0)
      if (bytes > 0) excess[domain.id] = bytes
    }
    return Object.keys(excess).length > 0 ? excess : null
  }

  /** What of a domain is to stay free so that it is not under pressure. */
  #spareBytes({ totalBytes, reserveBytes }: Pick<Domain, 'totalBytes' | 'reserveBytes'>): number {
    const bytes = totalBytes - reserveBytes
    return bytes - Math.floor(bytes * this.#pressureShare)
  }

  #first(): LoadJob | undefined {
    return this.#queue.values().next().value
  }

  /** `why` goes on from "Left" and from what happened to a KV cache. */
  #relieve(plan: PoolPlan, why: string): void {
    for (const { candidate, kv } of plan.relieved) {
      const slot = this.#residents.get(candidate.modelId)
      if (slot?.kind === 'loaded') void this.#residents.relieve(slot, kv, why)
    }
    for (const { modelId } of plan.leaving) {
      const slot = this.#residents.get(modelId)
      if (slot?.kind === 'loaded') this.#residents.leave(slot, 'evicted', `Left ${why}`)
    }
  }

  #preview(modelId: string, options: LoadOptions, planning: Planning): RoomPreview {
    const slot = this.#residents.get(modelId)
    if (slot?.kind !== 'loaded' && slot?.kind !== 'loading')
      return this.#previewLoad(modelId, options, planning)
    return {
      ...describeContext(this.#describe(modelId), slot.kind === 'loaded' ? slot.options : slot.job.options),
      modelId,
      footprint: this.#ledger.footprintOf(modelId),
      verdict: { kind: 'resident' },
    }
  }

  #previewLoad(modelId: string, options: LoadOptions, planning: Planning): RoomPreview {
    const description = this.#describe(modelId)
    const settled = description.settle(options)
    const footprint = withAdmissionMargin(description.footprint(settled))
    const request = roomRequest(modelId, settled, description, footprint)
    const preview = { ...describeContext(description, settled), modelId, footprint }
    const plan = planning.planNow(request.neededBytes, modelId)
    if (plan) {
      const leaving = plan.leaving.map(describeLeaver)
      const steps = describeRelief(plan)
      return {
        ...preview,
        verdict: leaving.length === 0 ? { kind: 'fits', ...steps } : { kind: 'evicts', leaving, ...steps },
      }
    }
    const later = planning.planLater(request.neededBytes, modelId)
    if (later) {
      const leaving = later.leaving.map(describeLeaver)
      const waitsFor = planning.blockers(later).map(describeLeaver)
      const remedies = [...planning.waitSavers(request)]
      return { ...preview, verdict: { kind: 'waits', leaving, waitsFor, remedies, ...describeRelief(later) } }
    }
    const problem = planning.refusal(request)
    return { ...preview, verdict: { kind: 'refused', problem, remedies: problem.details.remedies ?? [] } }
  }

  /** The pool as it is now. What is being given back counts as free unless told otherwise; those of `keep` may not leave. */
  #planning({
    freeBytes = addBytes(this.#ledger.room(), this.#residents.leavingBytes()),
    keep,
  }: { readonly freeBytes?: DomainBytes; readonly keep?: ReadonlySet<string> } = {}): Planning {
    const all = this.#residents.members()
    const members = keep?.size ? all.map((each) => ({ ...each, isKept: keep.has(each.modelId) })) : all
    return new Planning({ members, freeBytes, policy: this.#policy, now: this.#clock.now() })
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** The KV caches that a plan gives back, as a preview names them; nothing when there are none. */
function describeRelief({ relieved }: PoolPlan): { relieves?: ReliefStep[] } {
  if (relieved.length === 0) return {}
  const relieves = relieved.map(({ candidate, kv }) => ({
    ...{ modelId: candidate.modelId, name: candidate.name, kind: kv.kind },
    freesBytes: sumOfDomains(kv.bytes),
  }))
  return { relieves }
}

/** With which context a model begins, how large that may become, and what it would take then. */
function describeContext(
  description: ModelDescription,
  options: LoadOptions,
): Pick<LoadPreview, 'startContextTokens' | 'contextTokens' | 'grownBytes'> {
  const contextTokens = description.contextTokens(options)
  const grown = description.footprint({ ...options, startContextTokens: contextTokens })
  return {
    contextTokens,
    startContextTokens: description.startContextTokens(options),
    grownBytes: footprintBytes(withAdmissionMargin(grown)),
  }
}

function hold(job: LoadJob, reason: string): false {
  job.tell(reason)
  return false
}

function describeLeaver({ modelId, name, bytes }: PoolMember) {
  return { modelId, name, freesBytes: sumOfDomains(bytes) }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}
