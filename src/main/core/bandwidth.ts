import type { PoolSnapshot } from '../../contract/memory.ts'
import type { KvType, ModelFacts } from '../../contract/model.ts'
import { kvBytesPerToken } from './footprint.ts'

/** Weights and KV cache that are read from memory to write one token, in bytes. */
export type TokenBytes = {
  /** Read for every token: dense weights, and of a mixture the experts in use. */
  readonly weightBytes: number
  /** Read besides, of a KV cache that holds so many tokens. */
  readonly kvBytes: (usedTokens: number) => number
}

/**
 * What a model reads for each token of a single answer: all weights once, but of the token embeddings one row where they are not the output too,
 * and of the experts of a mixture those in use; and the KV cache as far as it is filled, of sliding windows what is in them. What decoding
 * speed is bound by: tokens a second = bandwidth ÷ these bytes.
 */
export function tokenBytes(
  facts: Pick<
    ModelFacts,
    'weightBytes' | 'inputBytes' | 'outputBytes' | 'experts' | 'kvLayerGroups' | 'recurrentStateBytes'
  > &
    ExpertSizes,
  { kvType = 'f16' }: { readonly kvType?: KvType } = {},
): TokenBytes {
  const { weightBytes, inputBytes, outputBytes, experts, kvLayerGroups, recurrentStateBytes } = facts
  // Without output weights the embeddings serve twice, and are read whole.
  const lookedUpBytes = outputBytes * 2 < inputBytes ? 0 : inputBytes
  const idleBytes = experts ? expertBytes(facts) * (1 - experts.used / experts.count) : 0
  return {
    weightBytes: Math.max(0, weightBytes - lookedUpBytes - idleBytes),
    kvBytes: (usedTokens) =>
      recurrentStateBytes +
      kvLayerGroups.reduce(
        (bytes, group) =>
          bytes + kvBytesPerToken([group], kvType) * Math.min(usedTokens, group.windowTokens ?? usedTokens),
        0,
      ),
  }
}

type ExpertSizes = Pick<ModelFacts, 'parameters' | 'layers' | 'embeddingLength'>

/** All experts of a mixture: as its file says, else by arithmetic (three matrices each, in every layer). */
function expertBytes({
  experts,
  weightBytes,
  parameters,
  layers,
  embeddingLength,
}: Pick<ModelFacts, 'weightBytes' | 'experts'> & ExpertSizes): number {
  if (!experts) return 0
  if (experts.bytes !== undefined) return experts.bytes
  const weights = layers * experts.count * 3 * experts.feedForwardLength * embeddingLength
  return weightBytes * Math.min(1, weights / Math.max(1, parameters))
}

type Sample = { readonly at: number; readonly tokens: number; readonly bytes: number }
type Reading = PoolSnapshot['bandwidth']

/** Speed is that of the last second, or of the last two tokens where they take longer. */
const windowMs = 1000
/** A speed over less time says little. */
const leastSpanMs = 250
/** Who has written nothing for so long, and for so many times its usual step, stands still. */
const stillMs = 2000
const stillSteps = 4

/** Measures from what is written how fast all models together read memory. `now` is in milliseconds. */
export class BandwidthMeter {
  readonly #now: () => number
  /** Of each model that writes an answer, oldest first: when it had written so many tokens more, and what was read for them. */
  readonly #writing = new Map<string, { generatedTokens: number; steps: number; samples: Sample[] }>()
  #bestBytesPerSecond: number | null

  constructor(options: { readonly now: () => number; readonly bestBytesPerSecond: number | null }) {
    this.#now = options.now
    this.#bestBytesPerSecond = options.bestBytesPerSecond
  }

  /** The most that was measured on this machine over all models, in bytes a second; null before anything was. */
  get bestBytesPerSecond(): number | null {
    return this.#bestBytesPerSecond
  }

  /** A model has written so many tokens of its answer by now, in so many steps (fewer where a draft was right), for so many bytes each. What a draft model reads is not counted. */
  take(
    modelId: string,
    written: {
      readonly generatedTokens: number
      readonly steps: number
      readonly bytesPerStep: number
    },
  ): void {
    const { generatedTokens, steps, bytesPerStep } = written
    const at = this.#now()
    const model = this.#writing.get(modelId) ?? { generatedTokens, steps, samples: [] }
    const tokens = Math.max(0, generatedTokens - model.generatedTokens)
    const bytes = Math.max(0, steps - model.steps) * bytesPerStep
    Object.assign(model, { generatedTokens, steps })
    model.samples.push({ at, tokens, bytes })
    while (model.samples.length > 2 && at - (model.samples[1]?.at ?? at) >= windowMs) model.samples.shift()
    this.#writing.set(modelId, model)
    const { decoding, bytesPerSecond } = this.reading()
    if (decoding.length > 0 && decoding.every((each) => this.#span(each.modelId) >= 2 * leastSpanMs))
      this.#bestBytesPerSecond = Math.max(this.#bestBytesPerSecond ?? 0, bytesPerSecond)
  }

  /** A model's answer has ended. */
  end(modelId: string): void {
    this.#writing.delete(modelId)
  }

  /** What is read now, over all models that write. */
  reading(): Reading {
    const now = this.#now()
    const decoding = [...this.#writing].flatMap(([modelId, { samples }]) => {
      const [first, ...rest] = samples
      const last = rest.at(-1)
      if (!first || !last || last.at - first.at < leastSpanMs) return []
      const stepMs = (last.at - first.at) / rest.length
      if (now - last.at > Math.max(stillMs, stillSteps * stepMs)) return []
      const perSecond = (of: (sample: Sample) => number) =>
        (rest.reduce((sum, sample) => sum + of(sample), 0) * 1000) / (last.at - first.at)
      return [
        {
          modelId,
          tokensPerSecond: perSecond(({ tokens }) => tokens),
          bytesPerSecond: perSecond(({ bytes }) => bytes),
        },
      ]
    })
    const bytesPerSecond = decoding.reduce((sum, each) => sum + each.bytesPerSecond, 0)
    return { bytesPerSecond, decoding, bestBytesPerSecond: this.#bestBytesPerSecond }
  }

  #span(modelId: string): number {
    const samples = this.#writing.get(modelId)?.samples ?? []
    return (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)
  }
}
