import { MB } from '../../contract/bytes.ts'
import type { DomainId, Footprint, FootprintPart, FootprintPartName } from '../../contract/memory.ts'
import type { KvLayerGroup, ModelFacts } from '../../contract/model.ts'

/** Where a model's layers go. `split`: this many of its layers, counted with the output layer, on the GPU. */
export type Placement = { readonly kind: 'unified' } | { readonly kind: 'split'; readonly gpuLayers: number }

export type FootprintOptions = {
  /** Context size of one conversation, in tokens. */
  readonly contextTokens: number
  /** Contexts that are open at once, each with its own KV cache and compute buffer. Default 1. */
  readonly contexts?: number
  /** Default `unified`. */
  readonly placement?: Placement
  /** What a model process costs with no model. Default 92 MB. */
  readonly runtimeBytes?: number
}

/** Private memory of a process that has loaded the backend and no model: 91 MB measured on Linux x64, Node 24, CPU. */
const defaultRuntimeBytes = 92 * MB

/** Private bytes of the tokenizer for each entry of the vocabulary: 128k tokens took about 280 MB. */
const tokenizerBytesPerEntry = 2200

/** The batch that prefill runs in, and so what compute buffers are made for: node-llama-cpp's default. */
const batchTokens = 512

/** llama.cpp rounds contexts and window caches up to this many cells (`GGML_PAD(…, 256)` in llama-context.cpp and llama-kv-cache-iswa.cpp). */
const cellPadding = 256

const f16Bytes = 2
const f32Bytes = 4

/** Share that is added to what was only predicted, weights excepted, until the file has been measured. */
const admissionMargin = 0.15

/**
 * Plain arithmetic for what a model takes, in bytes by part and domain, all of it `predicted`. Weights are exact; the
 * KV cache is exact for f16; compute buffers are an estimate (see `computeBytes`); runtime is the process and the
 * tokenizer. Between GPU and CPU, layers are taken to be of equal size.
 */
export function predictFootprint(facts: ModelFacts, options: FootprintOptions): Footprint {
  const {
    contextTokens,
    contexts = 1,
    placement = { kind: 'unified' },
    runtimeBytes = defaultRuntimeBytes,
  } = options
  const kvCache = contexts * kvCacheBytes(facts, contextTokens)
  const attention = usesFlashAttention(facts) ? 0 : attentionBytes(facts, contextTokens)
  const compute = contexts * Math.max(computeBytes(facts, contextTokens), attention)
  const runtime = runtimeBytes + facts.vocabularySize * tokenizerBytesPerEntry
  switch (placement.kind) {
    case 'unified':
      return [
        predicted('weights', 'unified', facts.weightBytes),
        predicted('kvCache', 'unified', kvCache),
        predicted('compute', 'unified', compute),
        predicted('runtime', 'unified', runtime),
      ]
    case 'split': {
      const onGpu = Math.min(placement.gpuLayers, facts.layers + 1)
      const vramWeights = Math.round(facts.weightBytes * (onGpu / (facts.layers + 1)))
      const vramKvCache = Math.round(
        kvCache * (facts.layers === 0 ? 0 : Math.min(onGpu, facts.layers) / facts.layers),
      )
      // Both sides hold compute buffers while layers are on both.
      return [
        predicted('weights', 'vram', vramWeights),
        predicted('weights', 'ram', facts.weightBytes - vramWeights),
        predicted('kvCache', 'vram', vramKvCache),
        predicted('kvCache', 'ram', kvCache - vramKvCache),
        predicted('compute', 'vram', onGpu > 0 ? compute : 0),
        predicted('compute', 'ram', onGpu > facts.layers ? 0 : compute),
        predicted('runtime', 'ram', runtime),
      ].filter((part) => part.bytes > 0)
    }
    default:
      return placement satisfies never
  }
}

/**
 * KV cache of one context in bytes at f16: Σ over layers of cells × kv_heads × (key_len + value_len) × 2, plus the
 * constant state of recurrent layers. Cells are the context, rounded up to 256; sliding-window layers stop at the
 * window plus one batch (`llama_kv_cache_iswa`).
 */
export function kvCacheBytes(
  facts: Pick<ModelFacts, 'kvLayerGroups' | 'recurrentStateBytes'>,
  contextTokens: number,
): number {
  const cells = padded(contextTokens)
  let bytes = facts.recurrentStateBytes
  for (const group of facts.kvLayerGroups) bytes += groupCells(group, cells) * kvBytesPerCell(group)
  return bytes
}

/** Bytes that one token adds to the KV cache of a context that is within every window, at f16. */
export function kvBytesPerToken(groups: readonly KvLayerGroup[]): number {
  return groups.reduce((bytes, group) => bytes + kvBytesPerCell(group), 0)
}

/**
 * Compute buffer of one context in bytes. llama.cpp reserves it for the largest step of a full batch, in f32
 * (`llama_context::graph_reserve`): either the output (logits, and two embeddings) or one layer (three vectors of
 * the feed-forward width and four embeddings, beside the attention mask in f16). Within 2 % of llama.cpp's dry run with
 * flash attention on the shapes of the test; too much for mixtures of experts whose dense layers are wider than an
 * expert (the width of an expert is not among the facts), which is little beside their weights.
 */
export function computeBytes(
  facts: Pick<ModelFacts, 'vocabularySize' | 'embeddingLength' | 'feedForwardLength' | 'experts'>,
  contextTokens: number,
): number {
  const cells = padded(contextTokens)
  const tokens = Math.min(cells, batchTokens)
  const embedding = facts.embeddingLength
  const output = facts.vocabularySize + 2 * embedding
  // Each expert in use has vectors of its own, and their results are kept apart until they are summed.
  const feedForward = facts.experts
    ? facts.experts.used * Math.max(3 * facts.feedForwardLength, facts.feedForwardLength + 2 * embedding)
    : 3 * facts.feedForwardLength
  const layer = (feedForward + 4 * embedding) * f32Bytes + cells * f16Bytes
  return tokens * Math.max(output * f32Bytes, layer)
}

/**
 * Whether a model runs with flash attention where it can. Not with heads narrower than 64: on a processor (one thread, heads of 32) that
 * read 20 tokens after 500 in 34 ms with it and in 4.4 ms without, and decoded at half the speed.
 */
export function usesFlashAttention({ kvLayerGroups }: Pick<ModelFacts, 'kvLayerGroups'>): boolean {
  return kvLayerGroups.every(({ keyLength }) => keyLength >= 64)
}

/**
 * Compute buffer of one context without flash attention, in bytes: the scores of every head, the mask and seven embeddings, in f32.
 * Up to 4 % above what llama.cpp allocates for contexts of 512 to 4,096 tokens, four to sixteen heads of 16 to 48.
 */
function attentionBytes(
  facts: Pick<ModelFacts, 'headCount' | 'embeddingLength'>,
  contextTokens: number,
): number {
  const cells = padded(contextTokens)
  const tokens = Math.min(cells, batchTokens)
  return tokens * (cells * (facts.headCount + 1) + 7 * facts.embeddingLength) * f32Bytes
}

/** What to reserve for a footprint, in whole bytes: predicted parts that are not weights get 15 % on top, measured ones nothing. */
export function withAdmissionMargin(footprint: Footprint): Footprint {
  return footprint.map((part) => {
    const margin = part.source === 'measured' || part.part === 'weights' ? 0 : admissionMargin
    return { ...part, bytes: Math.ceil(part.bytes * (1 + margin)) }
  })
}

function predicted(part: FootprintPartName, domain: DomainId, bytes: number): FootprintPart {
  return { part, domain, bytes, source: 'predicted' }
}

function padded(tokens: number): number {
  return Math.ceil(tokens / cellPadding) * cellPadding
}

function groupCells({ windowTokens }: KvLayerGroup, contextCells: number): number {
  if (windowTokens === null) return contextCells
  // node-llama-cpp makes the batch one token larger for models with windows.
  const batch = Math.min(contextCells, batchTokens) + 1
  return Math.min(contextCells, padded(windowTokens + batch))
}

function kvBytesPerCell({ layers, kvHeads, keyLength, valueLength }: KvLayerGroup): number {
  return layers * kvHeads * (keyLength + valueLength) * f16Bytes
}
