import { GB } from '../../contract/bytes.ts'
import { definedOf } from '../../contract/defined.ts'
import type { Problem } from '../../contract/errors.ts'
import type { Measurement } from '../../contract/memory.ts'
import { loadOptionsSchema, type LoadOptions, type ModelFacts } from '../../contract/model.ts'
import type { Figure, PipelinePlan, PlannedPart } from '../../contract/pipeline-report.ts'
import {
  plainLoadOptions,
  reservedDrafts,
  type PipelineFile,
  type PipelineModel,
} from '../../contract/pipeline.ts'
import { fromSnakeShape } from '../../contract/snake-case.ts'
import { correctFootprint } from './correction.ts'
import { bytesByDomain } from './domain-bytes.ts'
import { tokenBytes } from './bandwidth.ts'
import { activeParameters, assumedKvBytesPerToken, assumedParameters } from './fit.ts'
import { kvBytesPerToken, kvCacheBytes, predictFootprint, withAdmissionMargin } from './footprint.ts'
import { resolveLoad } from './load-plan.ts'
import { capacityBytes, placeOn, type PlannedMachine, type ThisMachine } from './pipeline-machine.ts'

/** What is known of a model of a file before it is loaded. */
export type KnownModel = {
  /** Where its file is or would be. */
  readonly path: string
  readonly name: string
  /** Its entry in the library; null without one. */
  readonly modelId: string | null
  readonly file:
    | { readonly kind: 'usable'; readonly facts: ModelFacts }
    | { readonly kind: 'missing' }
    | { readonly kind: 'unusable'; readonly problem: Problem }
  /** An earlier load of this very file on this machine. */
  readonly lesson: Measurement | undefined
  /** Measured on this machine, in tokens a second; null before that. */
  readonly readingSpeed: number | null
  readonly decodingSpeed: number | null
}

/** What a model takes, reads and may hold. */
export type SizedModel = PipelinePlan['models'][number] & {
  /** With its KV caches as full as they may get. */
  readonly grownBytes: number
  /** Read for each token beside the KV cache, and what it is computed with. */
  readonly readBytes: number
  readonly parameters: number
  readonly known: KnownModel
  readonly warnings: readonly string[]
}

/** Conversations that a model keeps live, when its budget does not say. */
const liveContexts = 2

/** The load options that a model of a file stands for. `libraryIdOf`: what the library calls a model of the file. */
export function loadOptionsOf(
  model: PipelineModel,
  { memory }: PipelineFile,
  libraryIdOf: (id: string) => string | null,
): LoadOptions {
  const budgetGb = model.kv_cache_budget_gb ?? memory?.kv_cache_budget_gb
  return loadOptionsSchema.parse(
    definedOf({
      ...fromSnakeShape(plainLoadOptions, model),
      contextTokens: model.max_context,
      bandwidthThrottle: model.bandwidth_throttle,
      draft: draftChoice(model.draft, libraryIdOf),
      kvBudgetBytes: budgetGb === undefined ? undefined : Math.round(budgetGb * GB),
    }),
  )
}

function draftChoice(
  draft: string | undefined,
  libraryIdOf: (id: string) => string | null,
): string | undefined {
  if (draft === undefined || reservedDrafts.some((word) => word === draft)) return draft
  const modelId = libraryIdOf(draft)
  return modelId === null ? undefined : `model:${modelId}`
}

/** Sizes of all models of a file on the planned machine. Pure. */
export function sizeModels(
  file: PipelineFile,
  known: readonly KnownModel[],
  machines: { readonly planned: PlannedMachine; readonly here: ThisMachine },
): SizedModel[] {
  const sized = file.models.map((model, index) => {
    const each = known[index] ?? missing
    // A draft is sized by itself.
    const options = loadOptionsOf(model, file, () => null)
    return each.file.kind === 'usable'
      ? sizeByFacts({ model, options, known: each, facts: each.file.facts }, machines)
      : sizeByEstimate({ model, options, known: each }, machines)
  })
  if (file.runtime?.speculative_decoding === false) return sized
  return sized.map((model, index) => withDraft(model, file.models[index]?.draft, sized))
}

const missing: KnownModel = {
  ...{ path: '', name: '', modelId: null, file: { kind: 'missing' }, lesson: undefined },
  ...{ readingSpeed: null, decodingSpeed: null },
}

type Input = { readonly model: PipelineModel; readonly options: LoadOptions; readonly known: KnownModel }
type Machines = { readonly planned: PlannedMachine; readonly here: ThisMachine }

function sizeByFacts(
  { model, options, known, facts }: Input & { readonly facts: ModelFacts },
  { planned, here }: Machines,
): SizedModel {
  const { defaults } = here
  const resolved = resolveLoad(facts, options, {
    ...{ contextTokens: defaults.contextTokens, threads: defaults.threads },
    ...{ isCpu: here.isCpu, hasAmx: here.hasAmx, reading: here.reading },
  })
  const start = Math.min(resolved.contextTokens, options.startContextTokens ?? defaults.startContextTokens)
  const load = {
    ...{ ...resolved, contextTokens: start, hasAmx: here.hasAmx },
    ...(here.runtimeBytes !== undefined && { runtimeBytes: here.runtimeBytes }),
  }
  const predict = (placement: Parameters<typeof predictFootprint>[1]['placement']) =>
    predictFootprint(facts, { ...load, ...(placement && { placement }) })
  const vram = planned.rooms.find(({ id }) => id === 'vram')
  const placement = placeOn(planned, facts, {
    gpuLayers: options.gpuLayers,
    fits: (tried) =>
      (bytesByDomain(withAdmissionMargin(predict(tried))).vram ?? 0) <= (vram ? capacityBytes(vram) : 0),
  })
  const loadedWith = {
    ...{ ...resolved, contextTokens: start },
    gpuLayers: placement.kind === 'split' ? placement.gpuLayers : (options.gpuLayers ?? null),
  }
  const footprint = withAdmissionMargin(
    correctFootprint(predict(placement), {
      loadedWith,
      // What was learned here says nothing of another machine.
      lesson: planned.isHere ? known.lesson : undefined,
    }),
  )
  const parts = footprint.map((part): PlannedPart => part)
  const bytes = sumOf(parts)
  const kvStart = kvCacheBytes(facts, start, resolved)
  const kvFull = kvCacheBytes(facts, resolved.contextTokens, resolved)
  const budget = options.kvBudgetBytes ?? liveContexts * kvFull
  const perToken = kvBytesPerToken(facts.kvLayerGroups, resolved.kvType)
  return {
    ...entryOf(model, known),
    ...{
      parts,
      bytes,
      quantization: facts.quantization,
      kvType: resolved.kvType,
      warnings: resolved.warnings,
    },
    ...{ startContextTokens: start, contextTokens: resolved.contextTokens },
    kvBudgetBytes: budget,
    kvBudgetTokens: perToken > 0 ? Math.floor(budget / perToken) : null,
    kvBytesPerToken: { value: perToken, source: 'measured', from: 'from the file' },
    grownBytes: bytes + Math.max(0, Math.min(budget, liveContexts * kvFull) - kvStart),
    readBytes: tokenBytes(facts).weightBytes,
    parameters: activeParameters(facts),
  }
}

/** Of a file that is not there: as large as the pipeline file says, and otherwise like Llama 3 of that size. */
function sizeByEstimate({ model, options, known }: Input, { planned, here }: Machines): SizedModel {
  const bytes = Math.round((model.estimated_footprint_gb ?? 0) * GB)
  const domain = planned.rooms[0]?.id ?? 'unified'
  const parameters = assumedParameters(bytes, model.quantization)
  const activeShare =
    model.estimated_active_gb !== undefined && bytes > 0
      ? Math.min(1, (model.estimated_active_gb * GB) / bytes)
      : 1
  const contextTokens = options.contextTokens ?? here.defaults.contextTokens
  const kvType = options.kvType ?? 'f16'
  const perToken = Math.round(assumedKvBytesPerToken(parameters) * (kvType === 'q8_0' ? 34 / 64 : 1))
  const kvFigure: Figure | null =
    bytes > 0 ? { value: perToken, source: 'assumed', from: 'as Llama 3 of this size has it' } : null
  const kvBudgetBytes = options.kvBudgetBytes ?? liveContexts * contextTokens * perToken
  return {
    ...entryOf(model, known),
    parts: [{ part: 'whole', domain, bytes, source: 'estimated' }],
    ...{ bytes, quantization: model.quantization ?? null, kvType, contextTokens, kvBudgetBytes },
    startContextTokens: Math.min(
      contextTokens,
      options.startContextTokens ?? here.defaults.startContextTokens,
    ),
    kvBudgetTokens: kvFigure && Math.floor(kvBudgetBytes / perToken),
    kvBytesPerToken: kvFigure,
    // Nothing says how much of it is in the estimate.
    grownBytes: bytes + kvBudgetBytes,
    readBytes: bytes * activeShare,
    parameters: parameters * activeShare,
    warnings: [],
  }
}

function entryOf(model: PipelineModel, known: KnownModel) {
  const { path, modelId } = known
  return {
    ...{
      id: model.id,
      name: model.name ?? (known.name === '' ? model.id : known.name),
      path,
      modelId,
      known,
    },
    ...{ state: known.file.kind, pinned: model.pinned ?? false },
  }
}

/** With the weights of its draft model, which are in its own process. */
function withDraft(model: SizedModel, draft: string | undefined, all: readonly SizedModel[]): SizedModel {
  if (draft === undefined || reservedDrafts.some((word) => word === draft)) return model
  const drafter = all.find(({ id }) => id === draft)
  if (!drafter) return model
  const parts = drafter.parts
    .filter(({ part }) => part !== 'runtime')
    .map((part): PlannedPart => ({ ...part, part: 'draft' }))
  const merged = parts.reduce<PlannedPart[]>((sums, part) => {
    const same = sums.find(({ domain }) => domain === part.domain)
    return same
      ? sums.map((each) => (each === same ? { ...same, bytes: same.bytes + part.bytes } : each))
      : [...sums, part]
  }, [])
  const bytes = sumOf(merged)
  return {
    ...model,
    parts: [...model.parts, ...merged],
    bytes: model.bytes + bytes,
    grownBytes: model.grownBytes + bytes,
  }
}

function sumOf(parts: readonly PlannedPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}
