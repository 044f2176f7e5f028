import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { GB } from '../../contract/bytes.ts'
import { definedOf } from '../../contract/defined.ts'
import { AppError } from '../../contract/errors.ts'
import type { LibraryModel, LoadOptions } from '../../contract/model.ts'
import type {
  PipelineLoaded,
  PipelinePlan,
  PipelineReport,
  PipelineSource,
} from '../../contract/pipeline-report.ts'
import type { PipelineFile, PipelineModel } from '../../contract/pipeline.ts'
import type { ModelRole } from '../../contract/routing.ts'
import { samplingSchema } from '../../contract/sampling.ts'
import type { SettingsChanges } from '../../contract/settings.ts'
import { fromSnakeShape } from '../../contract/snake-case.ts'
import { addBytes, type DomainBytes } from '../core/domain-bytes.ts'
import type { RoomRequest } from '../core/planning.ts'
import { loadOptionsOf, type KnownModel } from '../core/pipeline-sizes.ts'
import { routerOf, verifierOf } from '../core/pipeline-steps.ts'
import type { Library } from './library.ts'
import type { ModelPlaces } from './pipeline-models.ts'
import { checkPipeline, type CheckedPipeline } from './pipeline-report.ts'
import { readPipelineText, type PipelineText } from './pipeline-source.ts'
import { writePipeline } from './pipeline-write.ts'
import type { Pool } from './pool.ts'
import type { Probe } from './probe.ts'
import type { SettingsStore } from './settings.ts'
import { describeThisMachine } from './this-machine.ts'

/** What pipelines are checked against and loaded into. */
export type PipelinesOptions = {
  readonly pool: Pool
  readonly library: Library
  readonly settings: SettingsStore
  readonly probe: Probe
  readonly home: string
  /** Paths of a text without a place of its own go on from here. */
  readonly modelsFolder: string
  readonly schemaFile: string
}

/** Pipeline files: checked, loaded as a set, and written from what is in memory. */
export class Pipelines {
  readonly #options: PipelinesOptions

  constructor(options: PipelinesOptions) {
    this.#options = options
  }

  /** The dry run of a file or a text. Nothing changes by it. */
  async check(source: PipelineSource, signal?: AbortSignal): Promise<PipelineReport> {
    const { report } = await this.#check(await this.#read(source), signal)
    return report
  }

  /**
   * Loads the set of a file, with one plan for all of it: who has to leave leaves first. Before anything changes it throws `BAD_INPUT` for what is
   * wrong with the file, `NOT_FOUND` with all files that are missing, and `NO_ROOM` or `MODEL_BUSY` with what would help.
   */
  async load(source: PipelineSource, signal?: AbortSignal): Promise<PipelineLoaded> {
    const { pool, library } = this.#options
    const text = await this.#read(source)
    const checked = await this.#check(text, signal)
    const { file, report, known } = checked
    const plan = refuseUnfit(checked, text.name)
    if (!file || !plan) throw new AppError('INTERNAL', `Cannot load "${text.name}": it has no plan`)
    const memory = memoryChanges(file, plan)
    const request = requestOf(plan, text.name)
    const before = pool.snapshot().residents
    const entries = new Map(library.list().map((model) => [model.id, model]))
    const knownIdOf = (id: string) => plan.models.find((model) => model.id === id)?.modelId ?? null
    const changed = plan.models.filter(({ modelId }, index) => {
      const entry = modelId === null ? undefined : entries.get(modelId)
      const written = file.models[index]
      return (
        entry && written && !isDeepStrictEqual(entry.loadOptions, loadOptionsOf(written, file, knownIdOf))
      )
    })
    const inUse = before.find(
      ({ modelId, leases }) => leases > 0 && changed.some((each) => each.modelId === modelId),
    )
    if (inUse)
      throw new AppError(
        'MODEL_BUSY',
        `Cannot load "${text.name}": "${inUse.name}" is in use, and would be loaded anew`,
        {
          details: { modelId: inUse.modelId, help: 'Wait for its answer to end, or stop it' },
        },
      )
    const ownIds = plan.models.flatMap(({ modelId }) => (modelId === null ? [] : [modelId]))
    const leaving = await pool.planSet(request, { modelIds: ownIds, settings: memory })
    signal?.throwIfAborted()

    // From here on the set is what is wanted; what fails now has failed for one model, and says so.
    const modelIds = await this.#addAll(known, signal)
    for (const [index, id] of modelIds.entries()) {
      const model = file.models[index]
      if (model) this.#describe(id, model, { file, modelIds })
    }
    for (const { modelId } of leaving) await pool.unload(modelId, { force: false })
    for (const { modelId } of changed)
      if (modelId !== null && pool.isResident(modelId)) await pool.unload(modelId, { force: false })
    await pool.changeSettings({ ...memory, ...routingChanges(file, modelIds) })
    for (const id of modelIds) await pool.load(id, { signal, why: `for "${text.name}"` })
    return { modelIds, report }
  }

  /** The set in memory as the text of a pipeline file. Throws `NOT_FOUND` when nothing is in memory. */
  write(): { text: string } {
    const { pool, library, settings, schemaFile } = this.#options
    const snapshot = pool.snapshot()
    const models = snapshot.residents.flatMap(({ modelId, state }): LibraryModel[] => {
      const model = library.get(modelId)
      return model && (state === 'ready' || state === 'busy' || state === 'loading') ? [model] : []
    })
    if (models.length === 0)
      throw new AppError('NOT_FOUND', 'Cannot save a set: no model is in memory', {
        details: { help: 'Load the models of the set first' },
      })
    return { text: writePipeline({ snapshot, models, settings: settings.get(), schemaFile }) }
  }

  async #read(source: PipelineSource): Promise<PipelineText> {
    const { home, modelsFolder } = this.#options
    return readPipelineText(source, { home, folder: modelsFolder })
  }

  async #check({ text, folder }: PipelineText, signal?: AbortSignal): Promise<CheckedPipeline> {
    const { home, probe, library, pool, settings } = this.#options
    const measured: ModelPlaces['measured'] = (modelId) => ({
      ...pool.measuredFigures(modelId),
      decodingSpeed: pool.speeds(modelId).writing?.tokensPerSecond ?? null,
    })
    return checkPipeline(text, {
      places: { folder, home, probe, find: async (file) => library.find(file), measured },
      machine: async () => {
        const { machineName, ...facts } = await pool.planningFacts()
        const all = library.list().map((model): KnownModel => ({
          ...{ path: model.paths[0] ?? '', name: model.name, modelId: model.id, ...measured(model.id) },
          file: model.file.kind === 'usable' ? model.file : { kind: 'missing' },
        }))
        const { bestBytesPerSecond } = pool.snapshot().bandwidth
        return describeThisMachine({
          ...{ name: machineName, ...facts, settings: settings.get(), measured: all, bestBytesPerSecond },
        })
      },
      signal,
    })
  }

  /** The entries of all models, added where they are not there yet. */
  async #addAll(known: readonly KnownModel[], signal?: AbortSignal): Promise<string[]> {
    const ids: string[] = []
    for (const { modelId, path } of known) {
      if (modelId !== null) {
        ids.push(modelId)
        continue
      }
      const [result] = await this.#options.library.add(path, { signal })
      if (!result || result.kind === 'refused')
        throw new AppError('BAD_MODEL_FILE', result?.problem.message ?? `Cannot add "${path}"`, {
          details: result?.problem.details ?? { path },
        })
      ids.push(result.model.id)
    }
    return ids
  }

  /** Writes what the file says of a model into its entry. What the file leaves open becomes open. */
  #describe(
    id: string,
    model: PipelineModel,
    { file, modelIds }: { readonly file: PipelineFile; readonly modelIds: readonly string[] },
  ): void {
    const { library, pool } = this.#options
    const loadOptions: LoadOptions = loadOptionsOf(
      model,
      file,
      (name) => modelIds[file.models.findIndex((each) => each.id === name)] ?? null,
    )
    library.update(id, {
      loadOptions,
      ...(model.name !== undefined && { name: model.name }),
      ...(model.sampling && {
        sampling: samplingSchema.parse(fromSnakeShape(samplingSchema.shape, model.sampling)),
      }),
      ...(model.role && { role: roleOf(model.role) }),
    })
    if (model.pinned !== undefined) pool.setPinned(id, model.pinned)
  }
}

/** The plan of a file that can be loaded; throws what is wrong, all of it. */
function refuseUnfit({ report, known }: CheckedPipeline, name: string): PipelinePlan | null {
  const errors = report.findings.filter(({ severity }) => severity === 'error')
  const missing = known.filter(({ file }) => file.kind === 'missing')
  if (missing.length > 0) {
    const files = missing.map(({ path }) => `"${path}"`).join(', ')
    const are = missing.length === 1 ? 'this file is' : `${missing.length} files are`
    throw new AppError('NOT_FOUND', `Cannot load "${name}": ${are} not there: ${files}`, {
      details: {
        help: 'Put them there, or correct the paths in the file',
        ...(missing[0] && { path: missing[0].path }),
      },
    })
  }
  const [first] = errors
  if (first) {
    const more = errors.length === 1 ? '' : `, and ${errors.length - 1} more`
    const at = first.line === null ? '' : `line ${first.line}, column ${first.column ?? 1}: `
    throw new AppError('BAD_INPUT', `Cannot load "${name}": ${at}${first.message}${more}`, {
      details: first.help === undefined ? {} : { help: first.help },
    })
  }
  return report.plan
}

/** The set as one request for room. */
function requestOf({ models }: PipelinePlan, name: string): RoomRequest {
  const neededBytes = models
    .flatMap(({ parts }) => parts)
    .map(({ domain, bytes }): DomainBytes => ({ [domain]: bytes }))
    .reduce(addBytes, {})
  return {
    // No model has this id.
    modelId: `set:${createHash('sha256').update(name).digest('hex').slice(0, 8)}`,
    ...{ name, neededBytes, contextTokens: 0 },
    neededWith: () => neededBytes,
  }
}

/** What the file says of memory, as far as this machine can have it. */
function memoryChanges({ memory }: PipelineFile, { machine }: PipelinePlan): SettingsChanges {
  if (!machine.isHere) return definedOf({ evictionPolicy: memory?.eviction_policy })
  const inBytes = (gb: number | undefined) => (gb === undefined ? undefined : Math.round(gb * GB))
  return definedOf({
    poolSizeBytes: inBytes(memory?.total_gb),
    reserveBytes: inBytes(memory?.reserve_gb),
    evictionPolicy: memory?.eviction_policy,
  })
}

function routingChanges(file: PipelineFile, modelIds: readonly string[]): SettingsChanges {
  const idOf = (id: string | undefined) => {
    const index = file.models.findIndex((model) => model.id === id)
    return index === -1 ? undefined : modelIds[index]
  }
  return definedOf({
    routerId: idOf(routerOf(file)),
    routerLimitMs: file.router?.time_limit_ms,
    verifierId: idOf(verifierOf(file)),
    repairerId: idOf(file.verifier?.repair_by),
    verifiesAnswers: file.verifier ? true : undefined,
    speculativeDecoding: speculation(file),
    earlyStopping: file.runtime?.early_stopping,
  })
}

function speculation({ runtime }: PipelineFile): SettingsChanges['speculativeDecoding'] {
  const wanted = runtime?.speculative_decoding
  return wanted === undefined ? undefined : wanted ? 'auto' : 'off'
}

function roleOf({
  labels = [],
  routes = false,
  verifies = false,
}: NonNullable<PipelineModel['role']>): ModelRole {
  return { labels, routes, verifies }
}
