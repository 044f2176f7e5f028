import type { ModelFacts } from '../../contract/model.ts'
import { tokenBytes } from './bandwidth.ts'

/** Weights that one token is computed with: of experts those in use. */
export function activeParameters(facts: ModelFacts): number {
  if (facts.weightBytes === 0) return 0
  return (facts.parameters * tokenBytes(facts).weightBytes) / facts.weightBytes
}

/** Tokens a second that memory allows: each reads the weights in use and the KV cache so far once. What a backend reaches is somewhat less. */
export function decodeTokensPerSecond(reads: {
  readonly bytesPerSecond: number
  readonly weightBytes: number
  readonly kvBytes: number
}): number {
  return reads.bytesPerSecond / (reads.weightBytes + reads.kvBytes)
}

/** Bits that a weight takes in a file, scales included, by the lower-case name of the quantization (llama.cpp's tools/quantize, Llama 3 8B). */
const bitsByQuantization: Readonly<Record<string, number>> = {
  ...{ f32: 32, f16: 16, bf16: 16, q8_0: 8.5, q6_k: 6.56, q5_k_m: 5.7, q5_k_s: 5.57, q5_0: 5.5, q5_1: 6 },
  ...{
    q4_k_m: 4.89,
    q4_k_s: 4.67,
    q4_0: 4.5,
    q4_1: 5,
    fp4: 4.5,
    mxfp4: 4.25,
    nvfp4: 4.5,
    iq4_nl: 4.68,
    iq4_xs: 4.46,
  },
  ...{
    q3_k_l: 4.3,
    q3_k_m: 4,
    q3_k_s: 3.64,
    iq3_m: 3.76,
    iq3_s: 3.6,
    iq3_xs: 3.5,
    iq3_xxs: 3.25,
    fp8: 8,
    tq1_0: 1.69,
  },
  ...{
    q2_k: 3.16,
    q2_k_s: 2.97,
    iq2_m: 2.93,
    iq2_s: 2.74,
    iq2_xs: 2.59,
    iq2_xxs: 2.38,
    iq1_m: 2.15,
    iq1_s: 2,
    tq2_0: 2.06,
  },
}

/** Whether a quantization of this name is known; case does not count. */
export function isKnownQuantization(name: string): boolean {
  return Object.hasOwn(bitsByQuantization, name.toLowerCase())
}

/** Weights of a dense model by its size and quantization; Q4_K_M where that is not said. */
export function assumedParameters(bytes: number, quantization: string | undefined): number {
  return (bytes * 8) / (bitsByQuantization[quantization?.toLowerCase() ?? ''] ?? 4.89)
}

/**
 * KV cache bytes a token at f16 of a model of which only the size is known: as Llama 3 has them, between its 8B (131,072) and its 70B (327,680).
 */
export function assumedKvBytesPerToken(parameters: number): number {
  const exponent = Math.log(327_680 / 131_072) / Math.log(70 / 8)
  return Math.round(131_072 * (Math.max(1, parameters) / 8e9) ** exponent)
}
