import { z } from 'zod'

/** How the next token is chosen. What is absent is inherited; the descriptions are shown to the user. */
export const samplingSchema = z.object({
  temperature: z
    .number()
    .min(0)
    .max(5)
    .optional()
    .describe('How freely words are chosen: 0 always takes the likeliest, higher values are more varied.'),
  topK: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Only so many of the likeliest tokens can be chosen. 0: all of them.'),
  topP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'Only the likeliest tokens can be chosen that together reach this probability. 1: all of them.',
    ),
  minP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'Only tokens can be chosen that are at least this probable, as a share of the likeliest. 0: all of them.',
    ),
  repeatPenalty: z
    .number()
    .min(0.1)
    .max(5)
    .optional()
    .describe('Makes tokens less likely that came up lately. 1: off. Much above 1.2 harms code and lists.'),
  repeatWindowTokens: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('How far the repeat penalty looks back, over the answer and what was read before it.'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(4_294_967_295)
    .optional()
    .describe(
      'The same seed gives the same answer to the same conversation, on the same machine. Empty: another one each time. Has no effect at temperature 0.',
    ),
  maxTokens: z
    .number()
    .int()
    .min(1)
    .max(16_777_216)
    .optional()
    .describe('An answer ends after so many tokens, thoughts included. Empty: when the model ends it.'),
  stopTexts: z
    .array(z.string().min(1).max(200))
    .max(16)
    .optional()
    .describe('An answer ends before any of these texts, one on each line.'),
})
export type Sampling = z.infer<typeof samplingSchema>

/** Every value of a sampling, decided. Null: no fixed seed; no limit. */
export const resolvedSamplingSchema = samplingSchema
  .required()
  .extend({ seed: samplingSchema.shape.seed.unwrap().nullable() })
  .extend({ maxTokens: samplingSchema.shape.maxTokens.unwrap().nullable() })
export type ResolvedSampling = z.infer<typeof resolvedSamplingSchema>

/** As llama.cpp has it (common/common.h, `common_params_sampling`). */
export const defaultSampling: ResolvedSampling = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  repeatPenalty: 1,
  repeatWindowTokens: 64,
  seed: null,
  maxTokens: null,
  stopTexts: [],
}

/** Always the likeliest token, to the end that the model chooses. */
export const greedySampling: ResolvedSampling = { ...defaultSampling, temperature: 0 }

/** Decides every value: each layer that has one goes before those after it, the defaults come last. Pure. */
export function resolveSampling(...layers: readonly (Sampling | undefined)[]): ResolvedSampling {
  return layers.reduceRight<ResolvedSampling>(
    (below, layer) => ({ ...below, ...definedOf(layer ?? {}) }),
    defaultSampling,
  )
}

/** What a layer sets: an absent value must not hide one below. */
function definedOf(layer: Sampling): Partial<ResolvedSampling> {
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined))
}
