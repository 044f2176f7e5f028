import { AppError, fromProblem, toProblem, type Problem } from '../../contract/errors.ts'
import type { Footprint } from '../../contract/memory.ts'
import type { LibraryModel, LoadOptions, ModelFacts } from '../../contract/model.ts'
import { kvCacheBytes, predictFootprint } from '../core/footprint.ts'
import type { IdleKv } from '../core/relief.ts'
import type { ModelDescription, ResidencyEffects } from '../core/residency-state.ts'
import type { Library } from './library.ts'
import { placeModel, type PoolShape } from './pool-shape.ts'
import type { ContextEvent } from './live-contexts.ts'
import type { ModelParking, Parking } from './parking.ts'
import { ResidentModel } from './resident-model.ts'
import type { DomainCapacity } from '../core/ledger.ts'
import type { StartChild } from './starter.ts'

/** Conversations whose context is live at once, for each model. */
const liveContexts = 2

/** What loading models takes. */
export type ResidentModelsOptions = {
  readonly library: Pick<Library, 'get'>
  readonly shape: () => PoolShape
  readonly startChild: StartChild
  readonly modelProgram: string
  readonly childEnv: Readonly<Record<string, string>>
  /** Asked at each load, so that changed settings count from the next one on. */
  readonly threads: () => number
  readonly contextTokens: () => number
  readonly startContextTokens: () => number
  readonly parking: Parking
  readonly domains: () => readonly DomainCapacity[]
  /** Asks for room for another footprint, or reports a measured one. False: there is none. */
  readonly resize: (modelId: string, footprint: Footprint) => boolean
  readonly onCrash: (modelId: string, problem: Problem) => void
  /** Something happened to a context of a resident. */
  readonly onEvent: (event: ContextEvent & { readonly modelId: string; readonly name: string }) => void
  /** Something that a snapshot shows has changed. */
  readonly onChange: () => void
}

/** How a model is or would be loaded. */
type LoadPlan = {
  /** How large a context may become, and how large it is at first. */
  readonly contextTokens: number
  readonly startTokens: number
  readonly gpuLayers: number | null
  readonly footprint: Footprint
}

/** The models behind the pool: starts and ends their processes for residency, and says beforehand what each would take. */
export class ResidentModels implements ResidencyEffects {
  readonly #options: ResidentModelsOptions
  /** Loading and loaded models. */
  readonly #models = new Map<string, ResidentModel>()
  /** What models took when they were last loaded, and the plan by which they were. */
  readonly #measured = new Map<string, { readonly plan: LoadPlan; readonly footprint: Footprint }>()

  constructor(options: ResidentModelsOptions) {
    this.#options = options
  }

  /** A model that loads or is loaded. */
  get(modelId: string): ResidentModel | undefined {
    return this.#models.get(modelId)
  }

  values(): Iterable<ResidentModel> {
    return this.#models.values()
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
      contextTokens: (options) => this.#plan(modelId, options).contextTokens,
      footprint: (options) => {
        const plan = this.#plan(modelId, options)
        const measured = this.#measured.get(modelId)
        const isSame =
          measured?.plan.startTokens === plan.startTokens && measured.plan.gpuLayers === plan.gpuLayers
        return isSame ? measured.footprint : plan.footprint
      },
    }
  }

  /** KV cache bytes a token, and the most that all contexts together may reserve; 0 when the model has left the library. */
  kvFigures(modelId: string, options: LoadOptions): { kvBytesPerToken: number; kvBudgetBytes: number } {
    const file = this.#options.library.get(modelId)?.file
    if (file?.kind !== 'usable') return { kvBytesPerToken: 0, kvBudgetBytes: 0 }
    return {
      kvBytesPerToken: file.facts.kvBytesPerToken,
      kvBudgetBytes: liveContexts * kvCacheBytes(file.facts, this.#plan(modelId, options).contextTokens),
    }
  }

  async load(
    modelId: string,
    { options, signal, onProgress }: Parameters<ResidencyEffects['load']>[1],
  ): ReturnType<ResidencyEffects['load']> {
    const plan = this.#plan(modelId, options)
    const parking = await this.#options.parking.ofModel(modelId, this.entry(modelId).paths)
    signal.throwIfAborted()
    const model = this.#start(modelId, plan, parking)
    this.#models.set(modelId, model)
    try {
      const footprint = await model.load({ signal, onProgress })
      this.#measured.set(modelId, { plan, footprint })
      model.onExit((crash) => {
        this.#forget(modelId, model)
        if (crash) this.#options.onCrash(modelId, toProblem(crash))
      })
      return { footprint, processId: model.processId }
    } catch (error) {
      this.#forget(modelId, model)
      throw error
    }
  }

  async unload(modelId: string): Promise<void> {
    const model = this.#models.get(modelId)
    if (!model) return
    await model.leave()
    await model[Symbol.asyncDispose]()
    this.#forget(modelId, model)
  }

  usedTokens(modelId: string): number {
    const contexts = this.#models.get(modelId)?.contexts() ?? []
    return contexts.reduce((sum, context) => sum + context.usedTokens, 0)
  }

  idleKv(modelId: string): readonly IdleKv[] {
    return this.#models.get(modelId)?.idleKv() ?? []
  }

  async relieve(modelId: string, kv: IdleKv): Promise<number> {
    return (await this.#models.get(modelId)?.giveBack(kv.id)) ?? 0
  }

  #start(
    modelId: string,
    { contextTokens, startTokens, gpuLayers }: LoadPlan,
    parking: ModelParking,
  ): ResidentModel {
    const { startChild, modelProgram, childEnv, threads, resize, onChange, onEvent } = this.#options
    const { name, paths } = this.entry(modelId)
    const [path] = paths
    if (path === undefined) throw new AppError('INTERNAL', `"${name}" has no file`)
    return new ResidentModel({
      ...{ name, path, gpuLayers, liveContexts, parking, onChange },
      contextTokens: startTokens,
      limitTokens: contextTokens,
      start: startChild,
      program: modelProgram,
      env: childEnv,
      facts: this.#facts(modelId),
      threads: threads(),
      domains:
        this.#options.shape().kind === 'split'
          ? { host: 'ram', device: 'vram' }
          : { host: 'unified', device: 'unified' },
      resize: (footprint) => resize(modelId, footprint),
      onEvent: (event) => onEvent({ ...event, modelId, name }),
    })
  }

  /** What was asked for goes before the library's options, these before the settings; the training context is the upper limit. */
  #plan(modelId: string, options: LoadOptions): LoadPlan {
    const { domains } = this.#options
    const shape = this.#options.shape()
    const { loadOptions } = this.entry(modelId)
    const facts = this.#facts(modelId)
    const wanted = options.contextTokens ?? loadOptions.contextTokens ?? this.#options.contextTokens()
    const contextTokens = Math.min(wanted, facts.trainContextTokens || wanted)
    const startTokens = Math.min(contextTokens, this.#options.startContextTokens())
    const gpuLayers = options.gpuLayers ?? loadOptions.gpuLayers
    const placement = placeModel(facts, {
      ...{ shape, gpuLayers },
      domains: domains(),
      contextTokens: startTokens,
    })
    return {
      contextTokens,
      startTokens,
      gpuLayers: placement.kind === 'split' ? placement.gpuLayers : (gpuLayers ?? null),
      footprint: predictFootprint(facts, { contextTokens: startTokens, placement }),
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
    if (this.#models.get(modelId) === model) this.#models.delete(modelId)
    this.#options.onChange()
  }
}
