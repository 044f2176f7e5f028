import { MB } from '../../contract/bytes.ts'
import type { DomainId, Footprint, FootprintPart, FootprintPartName } from '../../contract/memory.ts'
import type { FileAccess, KvLayerGroup, KvType, ModelFacts } from '../../contract/model.ts'
import { asPrediction } from './correction.ts'
import { dryRunComputeBytes } from './dry-run.ts'

/** Where a model's layers go. `split`: this many of its layers, counted with the output layer, on the GPU. */
export type Placement = { readonly kind: 'unified' } | { readonly kind: 'split'; readonly gpuLayers: number }

export type FootprintOptions = {
  /** Context size of one conversation, in tokens. */
  readonly contextTokens: number
  /** Contexts that are open at once, each with its own KV cache and compute buffer. Default 1. */
  readonly contexts?: number
  /** Default `unified`. */
  readonly placement?: Placement
  /** What a model process costs with no model. Default 40 MB. */
  readonly runtimeBytes?: number
  /** Default `f16`. */
  readonly kvType?: KvType
  /** Default: as `usesFlashAttention` says. */
  readonly flashAttention?: boolean
  /** Default `defaultBatchTokens`. */
  readonly batchTokens?: number
  /** Default `mmap`. */
  readonly fileAccess?: FileAccess
  /** Sliding-window layers keep the whole context. Default: they stop at their window. */
  readonly fullWindowCache?: boolean
  /** The processor has AMX. Default false. */
  readonly hasAmx?: boolean | undefined
}

/** Private memory of a process that has loaded the backend and no model, until it was measured on this machine: Linux x64, Node 24, CPU. */
const defaultRuntimeBytes = 40 * MB

/** The batch that prefill runs in, and so what compute buffers are made for: node-llama-cpp's default. */
export const defaultBatchTokens = 512

/** llama.cpp rounds contexts and window caches up to this many cells (`GGML_PAD(…, 256)` in llama-context.cpp and llama-kv-cache-iswa.cpp). */
const cellPadding = 256

/** Bytes of one number in a KV cache: q8_0 keeps 32 numbers in 34 bytes. */
const kvElementBytes = { f16: 2, q8_0: 34 / 32 } as const
const f16Bytes = 2
const f32Bytes = 4

/** Share that is added to what is not measured, weights excepted: much until the file has been measured once, then little. */
const admissionMargins = { predicted: 0.15, learned: 0.03, measured: 0 } as const

/**
 * What a model takes, in bytes by part and domain, all of it `predicted`, from its facts alone. Weights and KV cache are exact for
 * what one domain holds; compute buffers come from the dry runs among the facts, else from arithmetic (see `computeBytes`); runtime is
 * the process and the tokenizer. Between GPU and CPU, layers are taken to be of equal size.
 */
export function predictFootprint(facts: ModelFacts, options: FootprintOptions): Footprint {
  const { contexts = 1, placement = { kind: 'unified' }, runtimeBytes = defaultRuntimeBytes } = options
  const kvCache = contexts * kvCacheBytes(facts, options.contextTokens, options)
  const compute = contexts * contextComputeBytes(facts, options)
  const checkpoints = contexts * checkpointBytes(facts, options)
  const runtime = runtimeBytes + processBytes + tokenizerBytes(facts)
  switch (placement.kind) {
    case 'unified': {
      const { movedBytes, madeBytes } = rearrangedBytes(facts, options)
      const isMapped = options.fileAccess === undefined || options.fileAccess === 'mmap'
      return [
        predicted('weights', 'unified', facts.weightBytes + madeBytes - (isMapped ? 0 : movedBytes)),
        predicted('kvCache', 'unified', kvCache),
        predicted('compute', 'unified', compute + checkpoints),
        predicted('runtime', 'unified', runtime),
      ]
    }
    case 'split': {
      const { gpuLayers } = placement
      const share = gpuLayerShare(facts, gpuLayers)
      const movedWeights = weightsOnGpu(facts, gpuLayers)
      // Tied embeddings are there twice: their rows in main memory, and the whole as the output.
      const outputBytes = isTied(facts) ? facts.inputBytes : facts.outputBytes
      const vramWeights = movedWeights + (isTied(facts) && gpuLayers > 0 ? outputBytes : 0)
      const vramKvCache = Math.round(kvCache * share)
      // Large batches are computed on the GPU whatever lies there: weights that do not are copied over, the output too.
      const copied = gpuLayers > 0 ? 0 : contexts * outputBytes
      return [
        predicted('weights', 'vram', vramWeights),
        predicted('weights', 'ram', facts.weightBytes - movedWeights),
        predicted('kvCache', 'vram', vramKvCache),
        predicted('kvCache', 'ram', kvCache - vramKvCache),
        predicted('compute', 'vram', compute + copied),
        predicted('compute', 'ram', contexts * inputBytes(facts, options) + checkpoints),
        predicted('runtime', 'ram', runtime),
      ].filter((part) => part.bytes > 0)
    }
    default:
      return placement satisfies never
  }
}

/**
 * KV cache of one context in bytes: Σ over layers of cells × kv_heads × (key_len + value_len) × size(type), plus the
 * constant state of recurrent layers. Cells are the context, rounded up to 256; sliding-window layers stop at the
 * window plus one batch (`llama_kv_cache_iswa`).
 */
export function kvCacheBytes(
  facts: Pick<ModelFacts, 'kvLayerGroups' | 'recurrentStateBytes'>,
  contextTokens: number,
  options: Pick<FootprintOptions, 'kvType' | 'batchTokens' | 'fullWindowCache'> = {},
): number {
  const { kvType = 'f16', batchTokens = defaultBatchTokens, fullWindowCache = false } = options
  const cells = paddedCells(contextTokens)
  let bytes = facts.recurrentStateBytes
  for (const group of facts.kvLayerGroups) {
    const held = fullWindowCache ? cells : groupCells(group, cells, batchTokens)
    bytes += held * kvElementsPerCell(group) * kvElementBytes[kvType]
  }
  return bytes
}

/**
 * A copy of what layers hold that cannot go back by themselves, in bytes: the state of recurrent layers and what is in sliding windows. One
 * is kept in main memory beside each context, to go back to where its last answer began (`llama_state_seq_get_size_ext`, partial only).
 */
export function checkpointBytes(
  facts: Pick<ModelFacts, 'kvLayerGroups' | 'recurrentStateBytes'>,
  options: Pick<FootprintOptions, 'contextTokens' | 'kvType' | 'fullWindowCache'>,
): number {
  const { contextTokens, kvType = 'f16', fullWindowCache = false } = options
  let bytes = facts.recurrentStateBytes
  for (const group of facts.kvLayerGroups) {
    if (group.windowTokens === null || fullWindowCache) continue
    const tokens = Math.min(paddedCells(contextTokens), group.windowTokens)
    bytes += tokens * kvElementsPerCell(group) * kvElementBytes[kvType]
  }
  return bytes
}

/** Bytes that one token adds to the KV cache of a context that is within every window. */
export function kvBytesPerToken(groups: readonly KvLayerGroup[], kvType: KvType = 'f16'): number {
  return groups.reduce((bytes, group) => bytes + kvElementsPerCell(group) * kvElementBytes[kvType], 0)
}

/** What of a model's facts its contexts depend on. */
export type ContextFacts = Pick<
  ModelFacts,
  | 'kvLayerGroups'
  | 'recurrentStateBytes'
  | 'headCount'
  | 'vocabularySize'
  | 'embeddingLength'
  | 'feedForwardLength'
  | 'experts'
> &
  Partial<Pick<ModelFacts, 'dryRuns'>>

/** Compute buffers of one context in bytes: by dry runs where there are any, else by arithmetic. */
export function contextComputeBytes(
  facts: ContextFacts,
  options: Pick<
    FootprintOptions,
    'contextTokens' | 'kvType' | 'flashAttention' | 'batchTokens' | 'fullWindowCache'
  >,
): number {
  const { contextTokens, kvType = 'f16', batchTokens = defaultBatchTokens } = options
  const { flashAttention = usesFlashAttention(facts), fullWindowCache = false } = options
  const run = { contextTokens: paddedCells(contextTokens), kvType, batchTokens, flashAttention }
  const known = dryRunComputeBytes(facts.dryRuns ?? [], run, (sample) =>
    kvCacheBytes(facts, sample.contextTokens, sample),
  )
  // Dry runs are made with windows.
  if (known !== null)
    return (
      known + (fullWindowCache ? wideMaskBytes(facts, { contextTokens, batchTokens, flashAttention }) : 0)
    )
  const attention = flashAttention ? 0 : attentionBytes(facts, contextTokens, batchTokens)
  return Math.max(computeBytes(facts, contextTokens, batchTokens), attention)
}

/**
 * Compute buffer of one context in bytes, where no dry run was made. llama.cpp reserves it for the largest step of a full batch, in f32
 * (`llama_context::graph_reserve`): either the output (logits, and two embeddings) or one layer (three vectors of
 * the feed-forward width and four embeddings, beside the attention mask in f16). Within 2 % of llama.cpp's dry run with
 * flash attention on the shapes of the test.
 */
export function computeBytes(
  facts: Pick<ModelFacts, 'vocabularySize' | 'embeddingLength' | 'feedForwardLength' | 'experts'>,
  contextTokens: number,
  batchTokens: number = defaultBatchTokens,
): number {
  const cells = paddedCells(contextTokens)
  const tokens = Math.min(cells, batchTokens)
  const embedding = facts.embeddingLength
  const output = facts.vocabularySize + 2 * embedding
  const { experts } = facts
  // Each expert in use has vectors of its own, and their results are kept apart until they are summed.
  const feedForward = experts
    ? experts.used * Math.max(3 * experts.feedForwardLength, experts.feedForwardLength + 2 * embedding)
    : 3 * facts.feedForwardLength
  const layer = (feedForward + 4 * embedding) * f32Bytes + cells * f16Bytes
  return tokens * Math.max(output * f32Bytes, layer)
}

/** What the attention mask of window layers takes more, in bytes, when it is as wide as the context: in f16 with flash attention, else in f32. */
function wideMaskBytes(
  { kvLayerGroups }: Pick<ModelFacts, 'kvLayerGroups'>,
  {
    contextTokens,
    batchTokens,
    flashAttention,
  }: Required<Pick<FootprintOptions, 'contextTokens' | 'batchTokens' | 'flashAttention'>>,
): number {
  const cells = paddedCells(contextTokens)
  const windowed = kvLayerGroups.filter(({ windowTokens }) => windowTokens !== null)
  const held = Math.max(0, ...windowed.map((group) => groupCells(group, cells, batchTokens)))
  if (held === 0) return 0
  return (cells - held) * Math.min(cells, batchTokens) * (flashAttention ? f16Bytes : f32Bytes)
}

/** What says whether a model can do with flash attention. */
type AttentionFacts = Pick<ModelFacts, 'kvLayerGroups'> & Partial<Pick<ModelFacts, 'architecture'>>

/** Whether node-llama-cpp allows flash attention (`GgufInsights.flashAttentionSupported`): not where keys and values differ in length, as in latent attention. */
export function supportsFlashAttention({ architecture, kvLayerGroups }: AttentionFacts): boolean {
  if (architecture === 'grok' || architecture === 'gemma2') return false
  return kvLayerGroups.every(({ keyLength, valueLength }) => keyLength === valueLength)
}

/**
 * Whether a model runs with flash attention where it can. Not with heads narrower than 64: on a processor (one thread, heads of 32) that
 * read 20 tokens after 500 in 34 ms with it and in 4.4 ms without, and decoded at half the speed.
 */
export function usesFlashAttention(facts: AttentionFacts): boolean {
  return supportsFlashAttention(facts) && facts.kvLayerGroups.every(({ keyLength }) => keyLength >= 64)
}

/**
 * Compute buffer of one context without flash attention, in bytes: the scores of every head, the mask and seven embeddings, in f32.
 * Up to 4 % above what llama.cpp allocates for contexts of 512 to 4,096 tokens, four to sixteen heads of 16 to 48.
 */
function attentionBytes(
  facts: Pick<ModelFacts, 'headCount' | 'embeddingLength'>,
  contextTokens: number,
  batchTokens: number = defaultBatchTokens,
): number {
  const cells = paddedCells(contextTokens)
  const tokens = Math.min(cells, batchTokens)
  return tokens * (cells * (facts.headCount + 1) + 7 * facts.embeddingLength) * f32Bytes
}

/**
 * Weights that the CPU computes with in an order of its own, in bytes: what is moved there, and what is made of it, which comes in addition
 * while the file stays mapped. x64 with AVX2 rearranges some types for its vector units (`ggml_repack_get_optimal_repack_type` in
 * ggml-cpu/repack.cpp), AMX more of them, but not experts (`supports_op` and `get_row_size` in ggml-cpu/amx: q8_0 grows by a sum of 4 bytes for
 * 32 numbers). Embeddings, from which rows are taken, stay; where they are the output too, that is made once more.
 */
export function rearrangedBytes(
  facts: Pick<
    ModelFacts,
    'tensorTypes' | 'inputBytes' | 'outputBytes' | 'weightBytes' | 'vocabularySize' | 'experts'
  >,
  { hasAmx = false }: Pick<FootprintOptions, 'hasAmx'> = {},
): { readonly movedBytes: number; readonly madeBytes: number } {
  const types = hasAmx && facts.experts === null ? amxTypes : vectorTypes
  const sum = (factor: (type: string) => number) =>
    facts.tensorTypes.reduce((bytes, each) => bytes + each.bytes * factor(each.type), 0)
  const allBytes = sum((type) => (types.has(type) ? 1 : 0))
  if (allBytes === 0) return { movedBytes: 0, madeBytes: 0 }
  const growth = hasAmx
    ? sum((type) => (types.has(type) ? (type === 'Q8_0' ? 38 / 34 : 1) : 0)) / allBytes
    : 1
  // The embeddings have the type of most weights in nearly all files.
  const embeddings = allBytes * 2 > facts.weightBytes ? facts.inputBytes : 0
  const movedBytes = Math.max(0, allBytes - embeddings)
  // Rows are rearranged by so many at a time.
  const isOutputMade = isTied(facts) && facts.vocabularySize % (hasAmx ? 32 : 8) === 0
  const madeBytes = (isOutputMade ? allBytes : movedBytes) * growth
  return { movedBytes, madeBytes }
}

const vectorTypes: ReadonlySet<string> = new Set(['Q4_0', 'Q4_K', 'Q2_K', 'IQ4_NL', 'MXFP4'])
const amxTypes: ReadonlySet<string> = new Set([
  ...vectorTypes,
  'F16',
  'Q4_1',
  'Q8_0',
  'Q5_K',
  'Q6_K',
  'IQ4_XS',
])

/** The embeddings serve as the output as well. */
function isTied(facts: Pick<ModelFacts, 'inputBytes' | 'outputBytes'>): boolean {
  return facts.outputBytes * 2 < facts.inputBytes
}

/**
 * Private bytes of the tokenizer, by its tokens and merge rules: fitted to processes with 300 to 262,144 tokens, with and without merges
 * (22 MB measured for 128k tokens, 44 MB with as many merges; within 5 MB).
 */
export function tokenizerBytes({
  vocabularySize,
  mergeCount,
}: Pick<ModelFacts, 'vocabularySize' | 'mergeCount'>): number {
  return vocabularySize * bytesPerToken + mergeCount * bytesPerMerge
}

const bytesPerToken = 150
const bytesPerMerge = 165
/** What a process takes with any model, beside its tokenizer: chat template, compiled code. 5 to 7 MB measured. */
const processBytes = 6 * MB

/**
 * What to reserve for a footprint, in whole bytes: predicted parts that are not weights get 15 % on top, learned ones 3 %, ones that the same
 * load has taken before nothing. All of it is a prediction.
 */
export function withAdmissionMargin(footprint: Footprint): Footprint {
  return asPrediction(
    footprint.map((part) => {
      const margin = part.part === 'weights' ? 0 : admissionMargins[part.source]
      return { ...part, bytes: Math.ceil(part.bytes * (1 + margin)) }
    }),
  )
}

/** The cells that llama.cpp makes for a context size. */
function paddedCells(tokens: number): number {
  return Math.ceil(tokens / cellPadding) * cellPadding
}

function predicted(part: FootprintPartName, domain: DomainId, bytes: number): FootprintPart {
  return { part, domain, bytes, source: 'predicted' }
}

/** Share of a model's layers that are on the GPU. Of those asked for the first is the output (`n_gpu_layers` in llama-model.cpp). */
export function gpuLayerShare({ layers }: Pick<ModelFacts, 'layers'>, gpuLayers: number): number {
  return layers === 0 ? 0 : Math.max(0, Math.min(gpuLayers - 1, layers)) / layers
}

/** llama.cpp gives the GPU the output, then the last layers; the token embeddings stay in main memory. */
function weightsOnGpu(facts: ModelFacts, gpuLayers: number): number {
  const { weightBytes, inputBytes, outputBytes } = facts
  const inLayers = weightBytes - inputBytes - outputBytes
  return Math.round(inLayers * gpuLayerShare(facts, gpuLayers)) + (gpuLayers > 0 ? outputBytes : 0)
}

/** What a context keeps in main memory for a GPU to fetch: the embeddings of a batch, twice, and the attention mask. */
function inputBytes(facts: ContextFacts, options: Parameters<typeof contextComputeBytes>[1]): number {
  const { contextTokens, batchTokens = defaultBatchTokens } = options
  const { flashAttention = usesFlashAttention(facts) } = options
  const cells = paddedCells(contextTokens)
  const tokens = Math.min(cells, batchTokens)
  return tokens * (2 * facts.embeddingLength * f32Bytes + cells * (flashAttention ? f16Bytes : f32Bytes))
}

function groupCells({ windowTokens }: KvLayerGroup, contextCells: number, batchTokens: number): number {
  if (windowTokens === null) return contextCells
  // node-llama-cpp makes the batch one token larger for models with windows.
  const batch = Math.min(contextCells, batchTokens) + 1
  return Math.min(contextCells, paddedCells(windowTokens + batch))
}

function kvElementsPerCell({ layers, kvHeads, keyLength, valueLength }: KvLayerGroup): number {
  return layers * kvHeads * (keyLength + valueLength)
}
