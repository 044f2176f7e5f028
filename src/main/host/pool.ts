import type { DatabaseSync } from 'node:sqlite'
import { formatBytes, MB } from '../../contract/bytes.ts'
import { definedOf } from '../../contract/defined.ts'
import { AppError } from '../../contract/errors.ts'
import type { LoadPreview, Measurement, PoolSnapshot, Resident, TurnPlan } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import type { Settings, SettingsChanges } from '../../contract/settings.ts'
import { Arbiter } from '../core/arbiter.ts'
import { otherInPoolBytes, type MachineReading } from '../core/capacity.ts'
import { longestTimerMs, type Clock } from '../core/clock.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import { Ledger, type DomainCapacity } from '../core/ledger.ts'
import type { PoolMember, RoomRequest } from '../core/planning.ts'
import { Residency } from '../core/residency.ts'
import type { ResidencyState } from '../core/residency-state.ts'
import { AnswerPause } from './answer-pause.ts'
import { frameMs, watchState } from './frames.ts'
import { LastResidents } from './last-residents.ts'
import type { Library } from './library.ts'
import { cancelledLoadError, isAbortError, leaseModel, orLeave, takenAwayError } from './model-lease.ts'
import { DraftRecords } from './draft-records.ts'
import { Drafts } from './drafts.ts'
import { Measurements } from './measurements.ts'
import type { Parking } from './parking.ts'
import { PoolBandwidth } from './pool-bandwidth.ts'
import { PoolMemory } from './pool-memory.ts'
import { poolDomains, poolShape, type PoolShape } from './pool-shape.ts'
import type { ResidentModel } from './resident-model.ts'
import { ResidentModels, type ModelSpeeds } from './resident-models.ts'
import { startModelProcess } from './model-process.ts'
import { SpareProcess } from './spare-process.ts'
import type { Device } from './probe.ts'
import type { SettingsStore } from './settings.ts'
import type { StartChild } from './starter.ts'
import type { ReadingModel } from './turn-cost.ts'
import type { AcquireForTurn, KeptModels, ModelLease, TurnPool } from './turn-pool.ts'
import type { WarmPool, WarmWork } from './warming.ts'

/** What a pool is made of. */
export type PoolOptions = {
  readonly database: DatabaseSync
  readonly settings: SettingsStore
  readonly library: Library
  readonly machine: { readonly name: string; readonly totalBytes: number }
  /** As `hasAmx` of processor.ts says. Default false. */
  readonly hasAmx?: boolean | undefined
  /** What computes: as it was last time, and as it turns out to be. Nothing is loaded before that. */
  readonly device: {
    readonly likely: Device
    readonly found: Promise<Device>
    /** With what was measured of it later. */
    readonly measured?: Promise<Device> | undefined
  }
  readonly readMachine: () => Promise<MachineReading>
  readonly startChild: StartChild
  readonly modelProgram: string
  readonly childEnv: Readonly<Record<string, string>>
  readonly cores: number
  /** Conversations on disk. */
  readonly parking: Parking
  /** How long nothing must have happened before a spare process is started. Default 5 s. */
  readonly spareQuietMs?: number | undefined
  readonly onDefect: (error: unknown, path: readonly string[]) => void
  /** Given on the command line; they go before the settings. */
  readonly fixed: {
    readonly poolSizeBytes?: number
    readonly reserveBytes?: number
    readonly threads?: number
  }
}

/** Where less is free, a process that may never be used is too much. */
const spareRoomBytes = 512 * MB

const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, longestTimerMs))
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}

/** The memory pool of this host: its residency with real models behind it, and what the screen is shown of it. */
export class Pool implements TurnPool, WarmPool, AsyncDisposable {
  readonly #options: PoolOptions
  readonly #library: Library
  readonly #settings: SettingsStore
  readonly #ledger: Ledger
  readonly #residency: Residency
  readonly #memory: PoolMemory
  readonly #lastResidents: LastResidents
  readonly #arbiter = new Arbiter(systemClock)
  readonly #models: ResidentModels
  readonly #spare: SpareProcess
  readonly #bandwidth: PoolBandwidth
  readonly #listeners = new Set<() => void>()
  readonly #closing = new AbortController()
  readonly #unsubscribe: (() => void)[]
  readonly #deviceFound: Promise<void>
  #shape: PoolShape
  #otherOnMachineBytes = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#library = options.library
    this.#settings = options.settings
    this.#lastResidents = new LastResidents({
      ...options,
      loadIfItFits: (modelId) => this.#loadIfItFits(modelId),
      onChange: () => this.#changed(),
    })
    const settings = options.settings.get()
    this.#shape = poolShape(options.device.likely, options.machine.totalBytes)
    this.#ledger = new Ledger(this.#startDomains())
    this.#spare = new SpareProcess({
      start: () =>
        startModelProcess({
          start: options.startChild,
          file: options.modelProgram,
          name: 'spare',
          env: options.childEnv,
        }),
      onChange: () => this.#changed(),
      quietMs: options.spareQuietMs,
    })
    this.#models = new ResidentModels({
      ...options,
      takeSpare: (name) => this.#spare.take(name),
      measurements: new Measurements(options.database),
      drafts: new Drafts({
        library: options.library,
        records: new DraftRecords(options.database),
        isOn: () => options.settings.get().speculativeDecoding === 'auto',
      }),
      shape: () => this.#shape,
      threads: () => this.#threads(),
      contextTokens: () => options.settings.get().contextTokens,
      startContextTokens: () => options.settings.get().startContextTokens,
      domains: () => this.#ledger.domains(),
      resize: (modelId, footprint) => this.#residency.resize(modelId, footprint),
      relieveFor: async (modelId, footprint) => this.#residency.relieveFor(modelId, footprint),
      fitsWithEase: (bytes, options) => this.#residency.fitsWithEase(bytes, options),
      onCrash: (modelId, problem) => this.#residency.reportCrash(modelId, problem),
      onEvent: (event) => this.#residency.record(event),
      onChange: () => this.#changed(),
    })
    this.#bandwidth = new PoolBandwidth({
      database: options.database,
      device: () => this.#shape.device.name,
      bytesOf: (modelId) => this.#models.tokenBytes(modelId),
      onChange: () => this.#changed(),
    })
    this.#residency = new Residency({
      ledger: this.#ledger,
      effects: this.#models,
      describe: (modelId) => this.#models.describe(modelId),
      clock: systemClock,
      policy: settings.evictionPolicy,
      idleUnloadMinutes: settings.idleUnloadMinutes,
      pressureShare: settings.pressureShare,
    })
    this.#memory = new PoolMemory({
      readMachine: options.readMachine,
      ownProcesses: () =>
        this.#residency.states().map(({ modelId, footprint }) => ({
          processId: this.#models.get(modelId)?.processId ?? null,
          reservedPrivateBytes: footprintBytes(
            footprint.filter(({ part }) => part !== 'weights' && part !== 'draft'),
          ),
        })),
      onSample: (otherBytes) => this.#setOther(otherBytes),
    })
    this.#deviceFound = options.device.found.then((device) => this.#takeDevice(device))
    void options.device.measured?.then((device) => this.#takeDevice(device))
    this.#unsubscribe = [
      this.#residency.onChange(() => {
        this.#lastResidents.keep(this.#residentIds())
        this.#wantSpare()
        this.#changed()
      }),
      options.settings.onChange(({ evictionPolicy, idleUnloadMinutes, pressureShare }) => {
        this.#residency.configure({ policy: evictionPolicy, idleUnloadMinutes, pressureShare })
        this.#wantSpare()
      }),
    ]
  }

  /** Brings back or offers who was resident when the app last ended; at the very first start the demo models come. */
  start(): void {
    this.#lastResidents.start(this.#settings.get().restoreResidents)
  }

  /** Loads the models that are offered again, or takes the offer back. Loads go on in the background. */
  restore(answer: { accept: boolean }): void {
    this.#lastResidents.answer(answer)
  }

  /** The pool at this moment. */
  snapshot(): PoolSnapshot {
    const { machine } = this.#options
    const states = this.#residency.states()
    const resident = new Set(states.map(({ modelId }) => modelId))
    const residents = states.map((state) => this.#describeResident(state))
    const spare = this.#spare.state
    return {
      kind: this.#shape.kind,
      machine: { ...machine, otherBytes: this.#otherOnMachineBytes },
      device: this.#shape.device.name,
      domains: this.#ledger.domains(),
      residents,
      lastResidents: this.#lastResidents.offered
        .filter(({ id }) => !resident.has(id))
        .map(({ id, name }) => ({ modelId: id, name })),
      ...(spare && { spare }),
      kv: { ...kvTotals(residents), reclaimableBytes: this.#residency.reclaimableBytes },
      bandwidth: this.#bandwidth.reading(),
      isUnderPressure: this.#residency.isUnderPressure,
      pressureShare: this.#settings.get().pressureShare,
      thrash: this.#residency.thrash,
      counters: this.#residency.counters,
      events: [...this.#residency.events],
    }
  }

  /** Gives all idle KV caches back; what that has won. */
  async consolidate(): Promise<{ freedBytes: number; kvCaches: number }> {
    return this.#residency.consolidate()
  }

  /** The pool as it is, with a fresh look at the machine's memory. */
  async measureAndSnapshot(): Promise<PoolSnapshot> {
    await this.#memory.sample()
    return this.snapshot()
  }

  /** The snapshot now and after each change, at most ten a second, until `signal` aborts. */
  watch(signal?: AbortSignal): AsyncIteratorObject<PoolSnapshot, undefined, undefined> {
    return watchState({
      read: () => this.snapshot(),
      subscribe: (onChange) => {
        this.#listeners.add(onChange)
        const watching = this.#memory.watch()
        return () => {
          this.#listeners.delete(onChange)
          watching[Symbol.dispose]()
        }
      },
      signal: AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]),
    })
  }

  /** What loading a model would take, and who would have to leave; `isReload`: also where it is in memory; those of `keep` may not leave. */
  async preview(
    modelId: string,
    options: LoadOptions = {},
    how: { readonly isReload?: boolean; readonly keep?: readonly string[] } = {},
  ): Promise<LoadPreview> {
    await this.#prepare(modelId)
    return {
      ...this.#residency.preview(modelId, options, how),
      ...this.#models.explain(modelId, options),
    }
  }

  /** What earlier loads of a model were predicted to take and took, newest first. */
  history(modelId: string): Measurement[] {
    return this.#models.history(modelId)
  }

  /** Loads a model and ends when it is ready. */
  async load(
    modelId: string,
    {
      options = {},
      signal,
      why,
      keep,
    }: {
      options?: LoadOptions | undefined
      signal?: AbortSignal | undefined
      why?: string
      /** Models that may not leave for it. */
      keep?: readonly string[]
    } = {},
  ): Promise<void> {
    await this.#prepare(modelId, signal)
    const { name } = this.#models.entry(modelId)
    try {
      using _lease = await this.#residency.acquire(modelId, { options, signal, why, keep })
    } catch (error) {
      // Cancelled by somebody else, who took it out of memory.
      if (signal?.aborted !== true && isAbortError(error)) throw cancelledLoadError(name)
      throw error
    }
  }

  /** Takes a model out of memory; ends when the memory is back. */
  async unload(modelId: string, options: { force: boolean }): Promise<void> {
    // A model whose entry has left the library can still be resident.
    if (!this.#models.get(modelId)) this.#models.entry(modelId)
    await this.#residency.unload(modelId, options)
  }

  /** Protects a model from having to leave, or ends that; kept over restarts. */
  setPinned(modelId: string, pinned: boolean): void {
    this.#models.entry(modelId)
    this.#library.setPinned(modelId, pinned)
    this.#residency.setPinned(modelId, { pinned })
  }

  /** Takes a model out of memory and out of the library. Throws `MODEL_BUSY` while it is in use. */
  async removeModel(modelId: string): Promise<void> {
    this.#models.entry(modelId)
    await this.#residency.unload(modelId)
    this.#library.remove(modelId)
    this.#options.parking.forgetModel(modelId)
  }

  /** Changes settings; a smaller pool first has idle models leave. Throws `NO_ROOM` and changes nothing when they may not. */
  async changeSettings(changes: SettingsChanges): Promise<Settings> {
    if (changes.poolSizeBytes !== undefined || changes.reserveBytes !== undefined) {
      const { poolSizeBytes, reserveBytes } = { ...this.#settings.get(), ...changes }
      const [main] = poolDomains(
        this.#shape,
        this.#sizes({ poolSizeBytes: poolSizeBytes ?? null, reserveBytes: reserveBytes ?? null }),
      )
      if (main) await this.#residency.setCapacity(main)
      this.#setOther(this.#otherOnMachineBytes)
    }
    const settings = this.#settings.set(changes)
    if (changes.parking !== undefined || changes.parkingBudgetBytes !== undefined)
      await this.#options.parking.trim()
    return settings
  }

  /** What planning has to know of the memory and of what computes. Waits until the device is known. */
  async planningFacts(): Promise<{
    shape: PoolShape
    machineName: string
    rooms: readonly DomainCapacity[]
    hasAmx: boolean
    threads: number
  }> {
    await orLeave(this.#deviceFound, this.#closing.signal)
    const { machine, hasAmx = false } = this.#options
    return {
      ...{ shape: this.#shape, machineName: machine.name, hasAmx, threads: this.#threads() },
      rooms: this.#ledger.domains(),
    }
  }

  /** What earlier loads of a model taught, and how fast it read last. */
  measuredFigures(modelId: string): ReturnType<ResidentModels['measuredFigures']> {
    return this.#models.measuredFigures(modelId)
  }

  /** Who would have to leave for a set of models in a pool with changed settings; throws `NO_ROOM`. Nothing happens by asking. */
  async planSet(
    request: RoomRequest,
    { modelIds, settings }: { readonly modelIds: readonly string[]; readonly settings: SettingsChanges },
  ): Promise<PoolMember[]> {
    await this.#memory.sample()
    const { poolSizeBytes, reserveBytes } = { ...this.#settings.get(), ...definedOf(settings) }
    const before = this.#ledger.domains()
    const moreBytes = Object.fromEntries(
      poolDomains(this.#shape, this.#sizes({ poolSizeBytes, reserveBytes })).map((domain) => {
        const now = before.find(({ id }) => id === domain.id) ?? domain
        return [domain.id, domain.totalBytes - domain.reserveBytes - (now.totalBytes - now.reserveBytes)]
      }),
    )
    return this.#residency.planSet(request, { modelIds, moreBytes })
  }

  model(modelId: string): ReturnType<TurnPool['model']> {
    const { id, name, sampling, file } = this.#models.entry(modelId)
    const recommended = file.kind === 'usable' ? file.facts.recommendedSampling : undefined
    return { id, name, samplings: [sampling, recommended] }
  }

  /** What a draft's cost depends on: who would read it, how much of it fits, and how fast. Throws what is wrong with the model. */
  readingModel(modelId: string): ReadingModel {
    const resident = this.#atHand(modelId)
    return {
      resident,
      isComing: !resident && this.#residency.isResident(modelId),
      vocabulary: this.#models.vocabulary(modelId),
      ...this.#models.readingFigures(modelId),
    }
  }

  /** Whether a model could be asked, and none of its processes is at hand to count for it. */
  needsTokenizer(modelId: string): boolean {
    return this.#library.get(modelId)?.file.kind === 'usable' && this.#atHand(modelId) === null
  }

  /** Tells of each change that a snapshot shows. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A model that is in memory and need not be waited for. */
  #atHand(modelId: string): ResidentModel | null {
    const state = this.#residency.states().find((each) => each.modelId === modelId)?.state
    const isHere = state === 'ready' || state === 'busy'
    return isHere ? (this.#models.get(modelId) ?? null) : null
  }

  /** How fast a model is; throws `NOT_FOUND`. */
  speeds(modelId: string): ModelSpeeds {
    return this.#models.speeds(modelId)
  }

  /** The models that are in memory or being loaded. */
  residentIds(): readonly string[] {
    return this.#residentIds()
  }

  isResident(modelId: string): boolean {
    return this.#residency.isResident(modelId)
  }

  /** What asking these models at once would take, and who would have to leave. */
  async planTurn(modelIds: readonly string[]): Promise<TurnPlan> {
    const ids = [...new Set(modelIds)]
    for (const id of ids) await this.#prepare(id)
    return this.#residency.planTurn(ids)
  }

  async acquire(
    modelId: string,
    { signal, onWait, isBackground, keep }: AcquireForTurn,
  ): Promise<ModelLease> {
    await this.#prepare(modelId, signal)
    const { name, loadOptions } = this.#models.entry(modelId)
    const progress = this.#tellProgress(modelId, onWait)
    try {
      const lease = await this.#residency.acquire(modelId, {
        ...{ signal, onWait: progress.tell },
        why: isBackground ? 'for background work' : 'for a turn',
        keep: keep && this.#keptFor(modelId, keep),
      })
      const model = this.#models.get(modelId)
      if (!model) throw new AppError('INTERNAL', `"${name}" is resident without a process`)
      const runsBeside = loadOptions.bandwidthThrottle === false
      return leaseModel(lease, model, {
        ...{ name, arbiter: this.#arbiter, onWait, runsBeside, isBackground },
        follow: () => this.#bandwidth.follow(modelId),
        onPrefill: (prefill) => {
          this.#residency.reportPrefill(modelId, prefill)
          this.#models.recordReading(modelId, prefill)
        },
        onWritten: (speed) => this.#models.recordWriting(modelId, speed),
      })
    } catch (error) {
      // Somebody took it out of memory while this waited: no cancel of the one who asked.
      if (!signal.aborted && isAbortError(error)) throw takenAwayError(name)
      throw error
    } finally {
      progress[Symbol.dispose]()
    }
  }

  get isIdle(): boolean {
    return this.#arbiter.isIdle && this.#isQuiet && !this.#residency.isUnderPressure
  }

  onIdle(listener: () => void): () => void {
    const tell = () => {
      if (this.isIdle) listener()
    }
    const unsubscribe = [this.#arbiter.onIdle(tell), this.#residency.onChange(tell)]
    return () => {
      for (const each of unsubscribe) each()
    }
  }

  holdersOf(conversationId: string): readonly string[] {
    return this.#residentIds().filter((modelId) => this.#models.get(modelId)?.holds(conversationId))
  }

  async warm(modelId: string, conversationId: string, { messages, signal }: WarmWork): Promise<boolean> {
    const model = this.#models.get(modelId)
    if (!model) return true
    const { name, loadOptions } = this.#models.entry(modelId)
    const runsBeside = loadOptions.bandwidthThrottle === false
    const pause = new AnswerPause()
    const request = { modelId, name, runsBeside, signal, background: pause, onlyWhenIdle: true }
    const enter = async () => this.#arbiter.enter(request)
    try {
      const read = await model.warm(conversationId, messages, { signal, enter, pause })
      return !read || read.reusedTokens + read.readTokens >= read.promptTokens
    } catch (error) {
      signal.throwIfAborted()
      if (isAbortError(error)) return false
      throw error
    }
  }

  forget(conversationId: string, { keepsParked = false } = {}): void {
    for (const model of this.#models.values()) model.forget(conversationId)
    if (!keepsParked) this.#options.parking.forget(conversationId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#lastResidents[Symbol.dispose]()
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#memory[Symbol.dispose]()
    await Promise.all([this.#spare[Symbol.asyncDispose](), this.#residency[Symbol.asyncDispose]()])
  }

  // What a load needs

  #takeDevice(device: Device): void {
    if (this.#closing.signal.aborted) return
    const { kind, device: likely } = this.#shape
    this.#shape = poolShape(device, this.#options.machine.totalBytes)
    if (kind !== this.#shape.kind || likely.totalBytes !== device.totalBytes) {
      this.#ledger.replaceDomains(this.#startDomains())
      this.#setOther(this.#otherOnMachineBytes)
    }
    this.#wantSpare()
    this.#changed()
  }

  /** A spare process is kept while memory is plenty, and started while nobody loads or answers. */
  #wantSpare(): void {
    const isShort =
      this.#residency.isUnderPressure ||
      this.#ledger.domains().some(({ freeBytes }) => freeBytes < spareRoomBytes)
    this.#spare.want(this.#settings.get().spareProcess && !isShort, { isQuiet: this.#isQuiet })
  }

  /** Nobody loads or has a model to answer. */
  get #isQuiet(): boolean {
    return this.#residency.states().every(({ state }) => state === 'ready' || state === 'failed')
  }

  /** What a load and its preview wait for: facts of the device, the file and the machine. */
  async #prepare(modelId: string, signal?: AbortSignal): Promise<void> {
    const leaving = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])])
    await orLeave(this.#deviceFound, leaving)
    if (!this.#models.get(modelId)) await this.#memory.sample()
    // Last: until now the model may have been taken out and added again.
    await this.#whenInspected(modelId, leaving)
    signal?.throwIfAborted()
  }

  /** Ends when the library has looked at a model's file, whatever it found. */
  async #whenInspected(modelId: string, signal: AbortSignal): Promise<void> {
    const isInspecting = () => this.#library.get(modelId)?.file.kind === 'inspecting'
    if (!isInspecting()) return
    const { promise, resolve } = Promise.withResolvers<null>()
    const unsubscribe = this.#library.onChange(() => {
      if (!isInspecting()) resolve(null)
    })
    try {
      await orLeave(promise, signal)
    } finally {
      unsubscribe()
    }
  }

  async #loadIfItFits(modelId: string): Promise<void> {
    const { verdict } = await this.preview(modelId)
    if (verdict.kind === 'fits')
      await this.load(modelId, { signal: this.#closing.signal, why: 'at the start' })
  }

  /** Who stays for a load: those that are to stay firmly, others where there is room without waiting. */
  #keptFor(modelId: string, { modelIds, isFirm }: KeptModels): readonly string[] {
    if (isFirm) return modelIds
    const { kind } = this.#residency.preview(modelId, {}, { keep: modelIds }).verdict
    return kind === 'waits' || kind === 'refused' ? [] : modelIds
  }

  // What the screen is shown

  #describeResident({ options, ...state }: ResidencyState): Resident {
    const contexts = this.#models.get(state.modelId)?.contexts() ?? []
    return {
      ...state,
      name: this.#library.get(state.modelId)?.name ?? state.name,
      contexts,
      contextTokens: contexts.reduce((sum, context) => sum + context.contextTokens, 0),
      usedTokens: contexts.reduce((sum, context) => sum + context.usedTokens, 0),
      ...this.#models.figures(state.modelId, options),
    }
  }

  /** Adds to the reasons for waiting how far loading has come. */
  #tellProgress(
    modelId: string,
    onWait: (reason: string) => void,
  ): Disposable & { tell: (reason: string) => void } {
    let toldAt = 0
    const unsubscribe = this.#residency.onChange(() => {
      if (performance.now() - toldAt < frameMs) return
      const state = this.#residency.states().find((each) => each.modelId === modelId)
      if (state?.state !== 'loading' || !state.loadedBytes) return
      toldAt = performance.now()
      const weightBytes = footprintBytes(state.footprint.filter(({ part }) => part === 'weights'))
      const loaded = formatBytes(Math.min(weightBytes, state.loadedBytes))
      onWait(`Loading "${state.name}": ${loaded} of ${formatBytes(weightBytes)}`)
    })
    return { tell: onWait, [Symbol.dispose]: unsubscribe }
  }

  #residentIds(): string[] {
    return this.#residency
      .states()
      .filter(({ state }) => state === 'loading' || state === 'ready' || state === 'busy')
      .map(({ modelId }) => modelId)
  }

  #setOther(otherOnMachineBytes: number): void {
    this.#otherOnMachineBytes = otherOnMachineBytes
    const domain = this.#ledger.domains().find(({ id }) => id !== 'vram')
    if (!domain) return
    const otherBytes = otherInPoolBytes({
      totalBytes: this.#options.machine.totalBytes,
      otherBytes: otherOnMachineBytes,
      poolBytes: domain.totalBytes,
    })
    this.#residency.setOther(domain.id, otherBytes)
  }

  /** As the settings say; where they do not go with this machine or the command line, with the usual reserve. */
  #startDomains(): DomainCapacity[] {
    const sizes = this.#sizes(this.#settings.get())
    try {
      return poolDomains(this.#shape, sizes)
    } catch (error) {
      if (this.#options.fixed.reserveBytes !== undefined) throw error
      return poolDomains(this.#shape, { ...sizes, reserveBytes: null })
    }
  }

  #sizes(settings: Pick<Settings, 'poolSizeBytes' | 'reserveBytes'>) {
    const { fixed } = this.#options
    return {
      poolSizeBytes: fixed.poolSizeBytes ?? settings.poolSizeBytes,
      reserveBytes: fixed.reserveBytes ?? settings.reserveBytes,
    }
  }

  #threads(): number {
    const { fixed, settings, cores } = this.#options
    return fixed.threads ?? settings.get().threads ?? Math.max(1, cores - 1)
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** KV caches of all residents: see the snapshot's `kv`. */
function kvTotals(residents: readonly Resident[]): Omit<PoolSnapshot['kv'], 'reclaimableBytes'> {
  const totals = { reservedBytes: 0, unusedBytes: 0, strandedBytes: 0 }
  for (const context of residents.flatMap(({ contexts }) => contexts)) {
    const { kvBytes, contextTokens, usedTokens } = context
    totals.reservedBytes += kvBytes
    totals.unusedBytes += Math.round(kvBytes * Math.max(0, 1 - usedTokens / contextTokens))
    if (!context.isBusy && context.conversationId !== null) totals.strandedBytes += kvBytes
  }
  return totals
}
