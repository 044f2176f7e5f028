import { samplingSchema, type Sampling } from '../../contract/sampling.ts'
import type { GgufMetadata } from './gguf-metadata.ts'

/** Keys of a file's recommendation (gguf-py/gguf/constants.py, `Keys.General`), and what they are to us. */
const keys = {
  temperature: 'general.sampling.temp',
  topK: 'general.sampling.top_k',
  topP: 'general.sampling.top_p',
  minP: 'general.sampling.min_p',
  repeatPenalty: 'general.sampling.penalty_repeat',
  repeatWindowTokens: 'general.sampling.penalty_last_n',
} as const satisfies Partial<Record<keyof Sampling, string>>

/** How a file recommends that its tokens are chosen. What is out of range is left out: it is advice, and no reason to refuse the file. */
export function recommendedSampling(metadata: GgufMetadata): Sampling {
  const entries = Object.entries(keys).flatMap(([name, key]) => {
    const value = metadata.get(key)
    if (value?.kind !== 'scalar' || typeof value.value !== 'number') return []
    // Kept as 32-bit numbers: 0.95 would be shown as 0.949999988079071.
    return [[name, tidy(key, Number(value.value.toPrecision(6)))] as const]
  })
  const known = entries.filter(([name, value]) => samplingSchema.safeParse({ [name]: value }).success)
  return samplingSchema.parse(Object.fromEntries(known))
}

/** llama.cpp takes a negative temperature as 0, a negative top-k as all, and a window of -1 as the whole context. */
function tidy(key: string, value: number): number {
  if (key === keys.repeatWindowTokens) return value < 0 ? 4096 : Math.min(value, 4096)
  return key === keys.temperature || key === keys.topK ? Math.max(0, value) : value
}
