import type { KvLayerGroup } from '../../contract/model.ts'
import type { GgufMetadata } from './gguf-metadata.ts'

/** What the layers of a model keep of the tokens that were read. */
export type LayerMemory = {
  readonly kvLayerGroups: readonly KvLayerGroup[]
  /** Constant state of recurrent layers for one sequence, in bytes. */
  readonly recurrentStateBytes: number
}

/**
 * Works out the KV cache of every layer and the state of recurrent layers, as the bundled llama.cpp allocates them.
 * Sources: llama_hparams (src/llama-hparams.cpp), load_arch_hparams of each architecture (src/models/*.cpp) and
 * create_memory (src/llama-model.cpp) in https://github.com/ggml-org/llama.cpp.
 */
export function describeLayers(metadata: GgufMetadata, layers: number): LayerMemory {
  const hasKv = findKvLayers(metadata, layers)
  const isRecurrent = findRecurrentLayers(metadata, layers)
  const windows = findWindows(metadata, { layers, isRecurrent })
  const shape = readHeadShape(metadata, layers)
  const groups = new GroupCounter()
  for (let layer = 0; layer < layers; layer++) {
    const kvHeads = shape.kvHeads[layer] ?? 0
    if (!hasKv(layer) || kvHeads === 0) continue
    const windowTokens = windows?.[layer] ?? null
    const [keyLength, valueLength] = windowTokens === null ? shape.full : shape.window
    groups.add({ kvHeads, keyLength, valueLength, windowTokens })
  }
  for (let layer = 0; layer < countIndexedLayers(metadata, layers); layer++)
    groups.add({
      kvHeads: 1,
      keyLength: metadata.count('.attention.indexer.key_length') ?? 0,
      valueLength: 0,
      windowTokens: null,
    })
  const recurrentLayers = isRecurrent.filter(Boolean).length
  return {
    kvLayerGroups: groups.list(),
    recurrentStateBytes: recurrentLayers === 0 ? 0 : recurrentLayers * recurrentBytesPerLayer(metadata),
  }
}

class GroupCounter {
  readonly #groups = new Map<string, KvLayerGroup>()

  add(shape: Omit<KvLayerGroup, 'layers'>): void {
    if (shape.keyLength + shape.valueLength === 0) return
    const key = JSON.stringify([shape.kvHeads, shape.keyLength, shape.valueLength, shape.windowTokens])
    this.#groups.set(key, { ...shape, layers: (this.#groups.get(key)?.layers ?? 0) + 1 })
  }

  list(): readonly KvLayerGroup[] {
    return [...this.#groups.values()]
  }
}

const recurrentArchitectures = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7'])
/** Hybrids whose recurrent layers are those without KV heads. */
const hybridByKvHeads = new Set([
  'jamba',
  'plamo2',
  'granitehybrid',
  'lfm2',
  'lfm2moe',
  'kimi-linear',
  'kimi-k3',
  'bailingmoe3',
])
/** Hybrids with one attention layer in every so many: a list of layers, an interval, or this default. */
const hybridByInterval: ReadonlyMap<string, number> = new Map([
  ['qwen3next', 4],
  ['qwen35', 4],
  ['qwen35moe', 4],
  ['qwen4exp', 4],
  ['minimax-01', 8],
])
/** Architectures that keep no KV cache for the layers that only predict further tokens. */
const withoutKvForNextN = new Set([
  ...hybridByInterval.keys(),
  'step35',
  'hy_v3',
  'glm-dsa',
  'mimo2',
  'deepseek32',
  'dots3note',
])
const sparseAttention = new Set(['deepseek32', 'glm-dsa'])

function isNemotronH(architecture: string): boolean {
  return architecture === 'nemotron_h' || architecture === 'nemotron_h_moe'
}

/** Layers without those that only predict further tokens (multi-token prediction). */
function countMainLayers(metadata: GgufMetadata, layers: number): number {
  return Math.max(0, layers - (metadata.count('.nextn_predict_layers') ?? 0))
}

function findKvLayers(metadata: GgufMetadata, layers: number): (layer: number) => boolean {
  const { architecture } = metadata
  const isRecurrent = findRecurrentLayers(metadata, layers)
  const mainLayers = countMainLayers(metadata, layers)
  if (recurrentArchitectures.has(architecture)) return () => false
  if (isNemotronH(architecture)) {
    const feedForward = metadata.perLayer('.feed_forward_length', layers)
    return (layer) => isRecurrent[layer] !== true && (feedForward?.[layer] ?? 0) === 0
  }
  if (architecture === 'falcon-h1') return () => true
  // Gemma 3n and 4: the last layers reuse the cache of earlier ones.
  if (architecture === 'gemma3n') return (layer) => layer < 20
  if (architecture === 'gemma4') {
    const shared = metadata.count('.attention.shared_kv_layers') ?? 0
    return (layer) => layer < layers - shared
  }
  if (withoutKvForNextN.has(architecture)) return (layer) => layer < mainLayers && isRecurrent[layer] !== true
  return (layer) => isRecurrent[layer] !== true
}

function findRecurrentLayers(metadata: GgufMetadata, layers: number): readonly boolean[] {
  const { architecture } = metadata
  const mainLayers = countMainLayers(metadata, layers)
  const kvHeads = metadata.perLayer('.attention.head_count_kv', layers)
  const perLayer = (isRecurrent: (layer: number) => boolean) =>
    Array.from({ length: layers }, (_, layer) => isRecurrent(layer))

  if (recurrentArchitectures.has(architecture) || architecture === 'falcon-h1') return perLayer(() => true)
  if (hybridByKvHeads.has(architecture)) return perLayer((layer) => kvHeads?.[layer] === 0)
  if (isNemotronH(architecture)) {
    const feedForward = metadata.perLayer('.feed_forward_length', layers)
    return perLayer(
      (layer) => layer < mainLayers && kvHeads?.[layer] === 0 && (feedForward?.[layer] ?? 0) === 0,
    )
  }
  const defaultInterval = hybridByInterval.get(architecture)
  if (defaultInterval !== undefined) {
    const listed = metadata.perLayer('.attention.recurrent_layers', layers)
    const interval = Math.max(1, metadata.count('.full_attention_interval') ?? defaultInterval)
    return perLayer((layer) =>
      listed === null ? layer < mainLayers && (layer + 1) % interval !== 0 : listed[layer] !== 0,
    )
  }
  return perLayer(() => false)
}

/**
 * How an architecture lays out its sliding windows. `period`: every nth layer sees everything (0: none does).
 * `list`: the file has an entry a layer. `window`: the size when the file does not say or does not decide.
 */
type WindowRule = {
  readonly period?: number
  readonly fullFirst?: boolean
  readonly list?: 'only' | 'or-period'
  readonly window?: number
  /** The file's own size is not used. */
  readonly fixed?: boolean
  /** Without a size in the file there are no windows. */
  readonly optional?: boolean
}

const windowRules: ReadonlyMap<string, WindowRule> = new Map<string, WindowRule>([
  ['afmoe', { period: 4, optional: true }],
  ['cohere2', { period: 4 }],
  ['cohere2moe', { period: 4, fullFirst: true, list: 'or-period' }],
  ['deepseek4', { period: 0 }],
  ['dots3note', { list: 'only' }],
  ['exaone-moe', { period: 4, window: 128 }],
  ['exaone4', { period: 4, window: 4096 }],
  ['gemma2', { period: 2, window: 4096 }],
  ['gemma3', { period: 6, optional: true }],
  ['gemma3n', { period: 5 }],
  ['gemma4', { list: 'only' }],
  ['gpt-oss', { period: 2 }],
  ['granite_swa', { list: 'only' }],
  ['laguna', { period: 4, fullFirst: true, optional: true }],
  ['lfm2', { period: 0, optional: true }],
  ['llama4', { period: 4, window: 8192, fixed: true }],
  ['mellum', { period: 4, list: 'or-period', optional: true }],
  ['mimo2', { list: 'only' }],
  ['muse-glimmer', { period: 4, list: 'or-period' }],
  ['olmo2', { period: 4, optional: true }],
  ['plamo3', { period: 8, optional: true }],
  ['smallthinker', { period: 4, fullFirst: true, window: 4096, fixed: true, optional: true }],
  ['step35', { list: 'only' }],
])

function findWindows(
  metadata: GgufMetadata,
  options: { layers: number; isRecurrent: readonly boolean[] },
): readonly (number | null)[] | null {
  const { architecture } = metadata
  const rule = windowRules.get(architecture)
  if (rule === undefined) return null
  const stated = metadata.count('.attention.sliding_window')
  // 1. The file or the model's size says that there are no windows.
  if (rule.optional === true && (stated === null || stated === 0)) return null
  if (architecture === 'llama4' && stated === 0) return null
  if (architecture === 'exaone4' && options.layers !== 64) return null
  const window = rule.fixed === true ? rule.window : (stated ?? rule.window)
  if (window === undefined || window === 0) return null

  const pattern = metadata.get(`${architecture}.attention.sliding_window_pattern`)
  const mainLayers = countMainLayers(metadata, options.layers)
  // 2. A list with an entry a layer. Architectures with a period take no notice of one.
  const isList = pattern?.kind === 'array'
  if (rule.list !== undefined && (rule.list === 'only' || isList)) {
    const numbers =
      isList && pattern.numbers !== null
        ? pattern.numbers
        : Array<number>(options.layers).fill(pattern?.kind === 'scalar' ? Number(pattern.value) : 0)
    return Array.from({ length: options.layers }, (_, layer) => ((numbers[layer] ?? 0) === 0 ? null : window))
  }
  // 3. A period.
  const period = pattern?.kind === 'scalar' ? Number(pattern.value) : (rule.period ?? 1)
  return Array.from({ length: options.layers }, (_, layer) => {
    if (layer >= mainLayers || options.isRecurrent[layer] === true) return null
    if (period === 0) return window
    const isWindow = rule.fullFirst === true ? layer % period !== 0 : layer % period < period - 1
    return isWindow ? window : null
  })
}

type HeadShape = {
  readonly kvHeads: readonly number[]
  /** Elements of a key and of a value, in layers that see everything and in window layers. */
  readonly full: readonly [number, number]
  readonly window: readonly [number, number]
}

function readHeadShape(metadata: GgufMetadata, layers: number): HeadShape {
  const heads = metadata.perLayer('.attention.head_count', layers) ?? Array<number>(layers).fill(0)
  const kvHeads = metadata.perLayer('.attention.head_count_kv', layers) ?? heads
  const firstHeads = heads[0] ?? 0
  const headLength =
    firstHeads === 0 ? 0 : Math.floor((metadata.count('.embedding_length') ?? 0) / firstHeads)
  const keyLength = metadata.count('.attention.key_length') ?? headLength
  const valueLength = metadata.count('.attention.value_length') ?? headLength
  // Multi-head latent attention keeps one compressed vector a token, and values are made from it.
  const isLatent =
    (metadata.count('.attention.key_length_mla') ?? 0) > 0 &&
    (metadata.count('.attention.value_length_mla') ?? 0) > 0
  return {
    kvHeads,
    full: [keyLength, isLatent ? 0 : valueLength],
    window: [
      metadata.count('.attention.key_length_swa') ?? keyLength,
      isLatent ? 0 : (metadata.count('.attention.value_length_swa') ?? valueLength),
    ],
  }
}

/** Layers with a key cache of their own for the indexer of sparse attention. */
function countIndexedLayers(metadata: GgufMetadata, layers: number): number {
  return sparseAttention.has(metadata.architecture) ? countMainLayers(metadata, layers) : 0
}

/** n_embd_r and n_embd_s of llama_hparams, both kept as 32-bit floats. */
function recurrentBytesPerLayer(metadata: GgufMetadata): number {
  const embedding = metadata.count('.embedding_length') ?? 0
  const heads = metadata.perLayer('.attention.head_count', 1)?.[0] ?? 0
  const convolution = metadata.count('.ssm.conv_kernel') ?? 0
  const wkvHead = metadata.count('.wkv.head_size') ?? 0
  const deltaHead = metadata.count('.kda.head_dim') ?? 0
  const shortConvolution = metadata.count('.shortconv.l_cache') ?? 0
  const inner = metadata.count('.ssm.inner_size') ?? 0
  const state = metadata.count('.ssm.state_size') ?? 0
  const groups = metadata.count('.ssm.group_count') ?? 0

  const elements = (() => {
    // 1. RWKV
    if (wkvHead > 0) return (metadata.count('.token_shift_count') ?? 2) * embedding + embedding * wkvHead
    // 2. LFM2: only a short convolution
    if (shortConvolution > 0) return embedding * (shortConvolution - 1)
    // 3. Kimi delta attention
    if (deltaHead > 0)
      return 3 * (convolution > 0 ? convolution - 1 : 3) * heads * deltaHead + deltaHead * deltaHead * heads
    // 4. MiniMax-Text-01: linear attention, a square matrix a head
    const convolutionState = Math.max(0, convolution - 1) * (inner + 2 * groups * state)
    if (metadata.architecture === 'minimax-01') {
      const headLength =
        metadata.count('.attention.key_length') ?? (heads === 0 ? 0 : Math.floor(embedding / heads))
      return convolutionState + headLength * headLength * heads
    }
    // 5. Mamba and what is built on it
    return convolutionState + state * inner
  })()
  return elements * 4
}
