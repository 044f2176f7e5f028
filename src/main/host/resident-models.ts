import { AppError, fromProblem, toProblem, type Problem } from '../../contract/errors.ts'
import {
  predictionError,
  type Footprint,
  type LoadedWith,
  type LoadPreview,
  type Measurement,
} from '../../contract/memory.ts'
import { definedOf } from '../../contract/defined.ts'
import type { LibraryModel, LoadOptions, ModelFacts } from '../../contract/model.ts'
import { tokenBytes, type TokenBytes } from '../core/bandwidth.ts'
import { shortContextTokens } from '../core/context-growth.ts'
import { asPrediction, correctFootprint } from '../core/correction.ts'
import { bytesByDomain, type DomainBytes } from '../core/domain-bytes.ts'
import {
  gpuLayerShare,
  kvBytesPerToken,
  kvCacheBytes,
  predictFootprint,
  withAdmissionMargin,
} from '../core/footprint.ts'
import { resolveLoad } from '../core/load-plan.ts'
import type { IdleKv } from '../core/relief.ts'
import type { ModelDescription, ResidencyEffects, ResidentFigures } from '../core/residency-state.ts'
import { describeDraft, planDraftLoad, type DraftPlan, type Drafts, type PlannedDraft } from './drafts.ts'
import type { Library } from './library.ts'
import type { MeasuredFile, Measurements, WritingSpeed } from './measurements.ts'
import { placeModel, type PoolShape } from './pool-shape.ts'
import type { ContextEvent } from './live-context.ts'
import type { ModelProcess } from './model-process.ts'
import type { ModelParking, Parking } from './parking.ts'
import { ResidentModel } from './resident-model.ts'
import type { DomainCapacity } from '../core/ledger.ts'
import type { Vocabulary } from './tokenizers.ts'
import type { StartChild } from './starter.ts'

/**
 * Conversations that are live at once, for each model, each in a context of its own; others are parked. Measured with 100 million weights and
 * contexts of 4,096 tokens: a second sequence in one context would spare that of a second context 34 MB of compute buffers. But all sequences
 * have the size of the largest (one of two grown to 8,192: 226 MB together, 213 MB apart), and all stand still and are moved when
 * one grows. Parking takes no memory and 0.16 s a switch at 2,000 tokens, 0.5 s at 8,000, against 10 s and 109 s of reading
 * (`bench/parking.ts`): more than one conversation beside the current one would not be worth its memory.
 */
const liveContexts = 2
/** What a model without contexts is given to leave, in milliseconds. */
const unloadLimitMs = 10_000

/** What loading models takes. */
export type ResidentModelsOptions = {
  readonly library: Pick<Library, 'get' | 'stamp'>
  readonly measurements: Measurements
  readonly drafts: Drafts
  readonly shape: () => PoolShape
  /** The processor has AMX. Default false. */
  readonly hasAmx?: boolean | undefined
  readonly startChild: StartChild
  readonly modelProgram: string
  readonly childEnv: Readonly<Record<string, string>>
  /** Asked at each load, so that changed settings count from the next one on. */
  readonly threads: () => number
  readonly contextTokens: () => number
  readonly startContextTokens: () => number
  readonly parking: Parking
  /** A process that was started ahead, for the model of this name; null when there is none. */
  readonly takeSpare: (name: string) => ModelProcess | null
  readonly domains: () => readonly DomainCapacity[]
  /** Asks for room for another footprint, or reports a measured one. False: there is none. */
  readonly resize: (modelId: string, footprint: Footprint) => boolean
  /** Has other models give back what they do not use, so that one may grow. False: there is nothing that would do. */
  readonly relieveFor: (modelId: string, footprint: Footprint) => Promise<boolean>
  /** Whether so much is free, and the pool not under pressure with it. */
  readonly fitsWithEase: (
    bytes: DomainBytes,
    options?: { readonly inPlaceOf?: string | undefined },
  ) => boolean
  readonly onCrash: (modelId: string, problem: Problem) => void
  /** Something happened to a context of a resident. */
  readonly onEvent: (event: ContextEvent & { readonly modelId: string; readonly name: string }) => void
  /** Something that a snapshot shows has changed. */
  readonly onChange: () => void
}

/** How fast a model is; null where nothing was measured. */
export type ModelSpeeds = {
  readonly loadSeconds: number | null
  readonly readTokensPerSecond: number | null
  readonly writing: WritingSpeed | null
}

/** How a model is or would be loaded. */
type LoadPlan = ReturnType<typeof chatOptionsOf> & {
  /** As at first: a context may grow to `contextTokens`. */
  readonly loadedWith: LoadedWith
  readonly contextTokens: number
  readonly kvBudgetBytes: number
  readonly warnings: readonly string[]
  readonly fileAccessReason: string | null
  readonly draft: DraftPlan & { readonly load: PlannedDraft['load'] | null }
  /** By arithmetic and dry runs alone, and with what was learned. */
  readonly predicted: Footprint
  readonly corrected: Footprint
}

/** A model in a process, and how it came there. */
type LoadedEntry = {
  readonly model: ResidentModel
  readonly plan: LoadPlan
  warnings: readonly string[]
  /** With one context as large as at first; empty until it is loaded. */
  measured: Footprint
}

const noFigures: ResidentFigures = {
  ...{ kvBytesPerToken: 0, kvBudgetBytes: 0, contextLimitTokens: 0 },
  ...{ predicted: [], measured: [], predictionError: null, loadedWith: null, warnings: [] },
}

/** The models behind the pool: starts and ends their processes for residency, and says beforehand what each would take. */
export class ResidentModels implements ResidencyEffects {
  readonly #options: ResidentModelsOptions
  /** Loading and loaded models. */
  readonly #models = new Map<string, LoadedEntry>()
  /** Rows of the measurements that the loads under way have made. */
  readonly #recordings = new WeakMap<ResidentModel, number | undefined>()
  /** Models whose process died of a KV type, as their files were. */
  readonly #refusedKvTypes = new Set<string>()

  constructor(options: ResidentModelsOptions) {
    this.#options = options
  }

  /** A model that loads or is loaded. */
  get(modelId: string): ResidentModel | undefined {
    return this.#models.get(modelId)?.model
  }

  *values(): Iterable<ResidentModel> {
    for (const { model } of this.#models.values()) yield model
  }

  /** An entry of the library; throws `NOT_FOUND`. */
  entry(modelId: string): LibraryModel {
    const entry = this.#options.library.get(modelId)
    if (!entry) throw new AppError('NOT_FOUND', `There is no model "${modelId}"`, { details: { modelId } })
    return entry
  }

  /** What residency has to know before a load. Throws what is wrong with the model. */
  describe(modelId: string): ModelDescription {
    const { name, pinned } = this.entry(modelId)
    const { weightBytes } = this.#facts(modelId)
    return {
      name,
      pinned,
      weightBytes,
      settle: (options) => this.#settle(modelId, options),
      startContextTokens: (options) => this.#plan(modelId, options).loadedWith.contextTokens,
      contextTokens: (options) => this.#plan(modelId, options).contextTokens,
      footprint: (options) => this.#plan(modelId, options).corrected,
    }
  }

  /** What a preview says of how a model would be loaded. Throws what is wrong with the model. */
  explain(modelId: string, options: LoadOptions): Pick<LoadPreview, 'loadedWith' | 'warnings' | 'drafts'> {
    const { loadedWith, warnings } = this.#plan(modelId, this.#settle(modelId, options))
    const drafts = this.#options.drafts.measured(this.entry(modelId), this.#measuredFile(modelId))
    return { loadedWith, warnings: [...warnings], ...(drafts.length > 0 && { drafts }) }
  }

  /** What the snapshot shows of how a model is or would be loaded; zeros when it has left the library. */
  figures(modelId: string, options: LoadOptions): ResidentFigures {
    const loaded = this.#models.get(modelId)
    const file = this.#options.library.get(modelId)?.file
    if (file?.kind !== 'usable') return noFigures
    const plan = loaded?.plan ?? this.#plan(modelId, options)
    const { draft } = plan.loadedWith
    const loadedWith = { ...(loaded?.model.loadedWith ?? plan.loadedWith), ...(draft && { draft }) }
    const predicted = asPrediction(plan.corrected)
    const measured = loaded?.measured ?? []
    // A KV type that was refused is another load than the one that was predicted.
    const isAsPlanned = loadedWith.kvType === plan.loadedWith.kvType
    return {
      kvBytesPerToken: kvBytesPerToken(file.facts.kvLayerGroups, loadedWith.kvType),
      kvBudgetBytes: plan.kvBudgetBytes,
      contextLimitTokens: plan.contextTokens,
      predicted,
      measured,
      predictionError: isAsPlanned ? predictionError(predicted, measured) : null,
      loadedWith: loaded ? loadedWith : null,
      ...(loaded && plan.fileAccessReason !== null && { fileAccessReason: plan.fileAccessReason }),
      warnings: [...plan.warnings, ...(loaded?.warnings ?? [])],
    }
  }

  /** What earlier loads were predicted to take and took, newest first. Throws `NOT_FOUND`. */
  history(modelId: string): Measurement[] {
    this.entry(modelId)
    return this.#options.measurements.history(modelId)
  }

  /** Keeps how fast a model has read, for what the next turn costs. */
  recordReading(modelId: string, { tokens, ms }: { readonly tokens: number; readonly ms: number }): void {
    const file = this.#measuredFile(modelId)
    if (!file || ms <= 0) return
    this.#options.measurements.addReading(file, { tokens, ms })
  }

  /** What a resident reads from memory for each token; null when it is not there. */
  tokenBytes(modelId: string): TokenBytes | null {
    const loaded = this.#models.get(modelId)
    const file = this.#options.library.get(modelId)?.file
    return loaded && file?.kind === 'usable' ? tokenBytes(file.facts, loaded.model.loadedWith) : null
  }

  /** Keeps how fast a model has written, for what the next answer takes. */
  recordWriting(modelId: string, speed: WritingSpeed): void {
    const file = this.#measuredFile(modelId)
    if (file) this.#options.measurements.addWriting(file, speed)
  }

  /** How fast a model loads, reads and writes; null where nothing was measured. Loading: as its last load, or as fast as others were read. */
  speeds(modelId: string): ModelSpeeds {
    const { measurements, shape } = this.#options
    const file = this.#measuredFile(modelId)
    const own = (file && measurements.latest(file)?.reading?.ms) ?? null
    const loads = measurements.speeds(shape().device.name).filter(({ ms }) => ms > 0)
    const bytesPerMs =
      loads.reduce((sum, { bytes }) => sum + bytes, 0) / loads.reduce((sum, { ms }) => sum + ms, 0)
    const loadMs = own ?? (loads.length > 0 ? this.entry(modelId).fileBytes / bytesPerMs : null)
    return {
      loadSeconds: loadMs === null ? null : loadMs / 1000,
      readTokensPerSecond: file && measurements.readingSpeed(file),
      writing: file && measurements.writingSpeed(file),
    }
  }

  /** How much of a conversation a model may hold, how fast it reads, and how long its last load took. Throws what is wrong with it. */
  readingFigures(modelId: string): {
    contextTokens: number
    tokensPerSecond: number | null
    loadingSeconds: number | null
  } {
    const { measurements } = this.#options
    const plan = this.#models.get(modelId)?.plan ?? this.#plan(modelId, {})
    const file = this.#measuredFile(modelId)
    const loadingMs = (file && measurements.latest(file)?.reading?.ms) ?? null
    return {
      contextTokens: plan.contextTokens,
      tokensPerSecond: file && measurements.readingSpeed(file),
      loadingSeconds: loadingMs === null ? null : loadingMs / 1000,
    }
  }

  /** What its tokenizer is read from where it is not in memory. Throws what is wrong with it. */
  vocabulary(modelId: string): Vocabulary {
    const { name, paths, loadOptions } = this.entry(modelId)
    const { chatFormat } = this.#facts(modelId)
    const { parking } = this.#options
    return {
      ...{ modelId, name, paths },
      chat: { ...chatOptionsOf(loadOptions), chatFormat },
      parkedTokens: (conversationId) => parking.parkedTokens(conversationId, modelId),
    }
  }

  /** What earlier loads of a model's file taught, and how fast it read last; nothing of a model that is not known. */
  measuredFigures(modelId: string): { lesson: Measurement | undefined; readingSpeed: number | null } {
    const file = this.#measuredFile(modelId)
    if (!file) return { lesson: undefined, readingSpeed: null }
    const { measurements } = this.#options
    return { lesson: measurements.latest(file), readingSpeed: measurements.readingSpeed(file) }
  }

  async load(
    modelId: string,
    { options, signal, onProgress }: Parameters<ResidencyEffects['load']>[1],
  ): ReturnType<ResidencyEffects['load']> {
    const plan = this.#plan(modelId, options)
    const parking = await this.#options.parking.ofModel(modelId, this.entry(modelId).paths)
    signal.throwIfAborted()
    const model = this.#start(modelId, plan, parking)
    const entry: LoadedEntry = { model, plan, warnings: [], measured: [] }
    this.#models.set(modelId, entry)
    try {
      const footprint = await model.load({ signal, onProgress })
      entry.warnings = model.warnings
      entry.measured = footprint
      this.#recordings.set(model, this.#record(modelId, { plan, model, measured: footprint }))
      model.onExit((crash) => {
        this.#forget(modelId, model)
        if (crash) this.#options.onCrash(modelId, toProblem(crash))
      })
      return { footprint, processId: model.processId }
    } catch (error) {
      this.#forget(modelId, model)
      // The type is tried where it does no harm to anybody else: it has cost this process, and the next one does without.
      if (plan.loadedWith.kvType !== 'f16' && error instanceof AppError && error.code === 'MODEL_CRASHED') {
        this.#refusedKvTypes.add(this.#fileKey(modelId))
        return this.load(modelId, { options, footprint: plan.corrected, signal, onProgress })
      }
      throw error
    }
  }

  async unload(modelId: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const model = this.get(modelId)
    if (!model) return
    await model.leave(signal)
    await model[Symbol.asyncDispose]()
    this.#forget(modelId, model)
  }

  unloadLimitMs(modelId: string): number {
    return this.get(modelId)?.leaveLimitMs ?? unloadLimitMs
  }

  usedTokens(modelId: string): number {
    const contexts = this.get(modelId)?.contexts() ?? []
    return contexts.reduce((sum, context) => sum + context.usedTokens, 0)
  }

  idleKv(modelId: string): readonly IdleKv[] {
    return this.get(modelId)?.idleKv() ?? []
  }

  async relieve(modelId: string, kv: IdleKv): Promise<number> {
    return (await this.get(modelId)?.giveBack(kv.id)) ?? 0
  }

  #start(modelId: string, plan: LoadPlan, parking: ModelParking): ResidentModel {
    const { startChild, modelProgram, childEnv, resize, relieveFor, onChange, onEvent } = this.#options
    const { loadedWith, chatTemplate, thinking, thinkingBudgetTokens, kvBudgetBytes } = plan
    const { gpuLayers, contextTokens, threads } = loadedWith
    const { name, paths } = this.entry(modelId)
    const facts = this.#facts(modelId)
    const [path] = paths
    if (path === undefined) throw new AppError('INTERNAL', `"${name}" has no file`)
    const model = new ResidentModel({
      ...{ name, path, gpuLayers, contextTokens, liveContexts, kvBudgetBytes, threads, parking, onChange },
      limitTokens: plan.contextTokens,
      load: {
        ...loadedWith,
        ...{ chatTemplate, thinking, thinkingBudgetTokens },
        chatFormat: facts.chatFormat,
        draft: plan.draft.load,
      },
      drafts: this.#options.drafts.ofLoad(plan.draft, this.#measuredFile(modelId)),
      process: this.#options.takeSpare(name),
      start: startChild,
      program: modelProgram,
      env: childEnv,
      facts,
      domains:
        this.#options.shape().kind === 'split'
          ? {
              ...{ host: 'ram', device: 'vram' },
              deviceShare: gpuLayerShare(facts, gpuLayers ?? Infinity),
            }
          : { host: 'unified', device: 'unified' },
      resize: (footprint) => resize(modelId, footprint),
      relieve: (footprint) => relieveFor(modelId, footprint),
      fitsWithEase: (bytes) => this.#options.fitsWithEase(bytes),
      onMeasured: (measured) => {
        const entry = this.#models.get(modelId)
        if (entry?.model === model) entry.measured = measured
        const id = this.#recordings.get(model)
        if (id !== undefined) this.#record(modelId, { plan, model, measured, id })
      },
      onEvent: (event) => onEvent({ ...event, modelId, name }),
    })
    return model
  }

  /** Keeps what a load took: to learn from, and for the history. Without a file's identity there is nothing to keep it by. */
  #record(
    modelId: string,
    load: { plan: LoadPlan; model: ResidentModel; measured: Footprint; id?: number | undefined },
  ): number | undefined {
    const { measurements } = this.#options
    const file = this.#measuredFile(modelId)
    const { predicted, corrected } = load.plan
    const { readingMs } = load.model
    // A KV type that was refused is another load than the one that was predicted.
    if (!file || load.model.loadedWith.kvType !== load.plan.loadedWith.kvType) return undefined
    const measurement = {
      ...{ predicted: [...predicted], corrected: [...asPrediction(corrected)], measured: [...load.measured] },
      ...{ at: Date.now(), backend: file.backend, loadedWith: load.plan.loadedWith },
      ...(readingMs !== null && { reading: { bytes: this.#facts(modelId).weightBytes, ms: readingMs } }),
    }
    if (load.id === undefined) return measurements.add(file, measurement)
    measurements.replace(load.id, measurement)
    return load.id
  }

  #measuredFile(modelId: string): MeasuredFile | null {
    const stamp = this.#options.library.stamp(modelId)
    return stamp === null ? null : { modelId, stamp, backend: this.#options.shape().device.name }
  }

  #fileKey(modelId: string): string {
    return `${modelId} ${this.#options.library.stamp(modelId) ?? ''}`
  }

  /**
   * Decides with how large a context a load begins, unless somebody has said so: as in the settings where that fits with ease; else small,
   * so that nobody has to leave for room that is not used yet.
   */
  #settle(modelId: string, options: LoadOptions): LoadOptions {
    const usual = this.#plan(modelId, options)
    if (usual.draft.problem) throw usual.draft.problem
    const { startContextTokens: wanted } = { ...this.entry(modelId).loadOptions, ...definedOf(options) }
    const { contextTokens } = usual.loadedWith
    const isUsual =
      wanted !== undefined ||
      contextTokens <= shortContextTokens ||
      this.#options.fitsWithEase(bytesByDomain(withAdmissionMargin(usual.corrected)), {
        inPlaceOf: modelId,
      })
    return { ...options, startContextTokens: isUsual ? contextTokens : shortContextTokens }
  }

  /** What was asked for goes before the library's options, these before the settings; the training context is the upper limit. */
  #plan(modelId: string, options: LoadOptions): LoadPlan {
    const { domains } = this.#options
    const shape = this.#options.shape()
    const facts = this.#facts(modelId)
    const wanted = { ...this.entry(modelId).loadOptions, ...definedOf(options) }
    const isRefused = wanted.kvType === 'q8_0' && this.#refusedKvTypes.has(this.#fileKey(modelId))
    const { warnings, fileAccessReason, ...resolved } = resolveLoad(
      facts,
      { ...wanted, ...(isRefused ? { kvType: 'f16' } : {}) },
      {
        contextTokens: this.#options.contextTokens(),
        threads: this.#options.threads(),
        isCpu: shape.device.name === 'CPU' || wanted.gpuLayers === 0,
        hasAmx: this.#options.hasAmx,
        reading: {
          ...{ platform: process.platform, device: shape.device },
          loads: this.#options.measurements.speeds(shape.device.name),
        },
      },
    )
    const { gpuLayers } = wanted
    const fullBytes = kvCacheBytes(facts, resolved.contextTokens, resolved)
    const load = {
      ...resolved,
      contextTokens: Math.min(
        resolved.contextTokens,
        wanted.startContextTokens ?? this.#options.startContextTokens(),
      ),
      ...(shape.device.runtimeBytes && { runtimeBytes: shape.device.runtimeBytes }),
      hasAmx: this.#options.hasAmx,
    }
    const file = this.#measuredFile(modelId)
    const drafts = this.#options.drafts.plan({
      ...{ model: this.entry(modelId), facts, file, choice: wanted.draft ?? 'auto' },
      fullWindowCache: resolved.fullWindowCache,
    })
    const draft = planDraftLoad(drafts, { ...load, contextTokens: resolved.contextTokens })
    const draftBytes = draft?.deviceBytes ?? 0
    const placement = placeModel(facts, { shape, domains: domains(), load, gpuLayers, draftBytes })
    const loadedWith = {
      ...resolved,
      contextTokens: load.contextTokens,
      gpuLayers: placement.kind === 'split' ? placement.gpuLayers : (gpuLayers ?? null),
      ...(draft && drafts.model && { draft: describeDraft(drafts.model, draft.load) }),
    }
    const predicted = [
      ...predictFootprint(facts, { ...load, placement }),
      ...(draft?.footprint(placement) ?? []),
    ]
    const lesson = file ? this.#options.measurements.latest(file) : undefined
    return {
      loadedWith,
      contextTokens: resolved.contextTokens,
      kvBudgetBytes: wanted.kvBudgetBytes ?? liveContexts * fullBytes,
      ...chatOptionsOf(wanted),
      warnings: [
        ...warnings,
        ...(isRefused ? ['This model does not run with a q8_0 KV cache here: it is f16 instead'] : []),
        ...drafts.warnings,
      ],
      fileAccessReason,
      draft: {
        ...drafts,
        load: draft && { ...draft.load, gpuLayers: loadedWith.gpuLayers === 0 ? 0 : null },
      },
      predicted,
      corrected: correctFootprint(predicted, { loadedWith, lesson }),
    }
  }

  /** The facts of a model that can be loaded; throws what is wrong with it. */
  #facts(modelId: string): ModelFacts {
    const { file, name, paths } = this.entry(modelId)
    const details = { modelId, ...(paths[0] === undefined ? {} : { path: paths[0] }) }
    switch (file.kind) {
      case 'usable':
        return file.facts
      case 'unusable':
        throw fromProblem(file.problem)
      case 'missing':
        throw new AppError('NOT_FOUND', `Cannot load "${name}": its file is not there`, { details })
      case 'inspecting':
        throw new AppError('MODEL_BUSY', `Cannot load "${name}" yet: its file is being looked at`, {
          details,
        })
      default:
        return file satisfies never
    }
  }

  #forget(modelId: string, model: ResidentModel): void {
    if (this.get(modelId) === model) this.#models.delete(modelId)
    this.#options.onChange()
  }
}

/** How a model is talked to, as the load options say. */
function chatOptionsOf({ chatTemplate, thinking, thinkingBudgetTokens }: LoadOptions) {
  return {
    chatTemplate: chatTemplate ?? null,
    thinking: thinking === undefined ? null : thinking === 'on',
    thinkingBudgetTokens: thinkingBudgetTokens ?? null,
  }
}
