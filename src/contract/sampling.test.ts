import { expect, test } from 'vitest'
import { defaultSampling, resolveSampling, samplingSchema } from './sampling.ts'

test('the first layer that has a value decides, and llama.cpp’s defaults come last', () => {
  const conversation = { temperature: 0, stopTexts: [] }
  const model = { temperature: 1, topK: 20, stopTexts: ['END'], seed: 4 }
  const recommended = { temperature: 0.6, topK: 5, minP: 0 }
  expect(resolveSampling(conversation, undefined, model, recommended)).toEqual({
    ...defaultSampling,
    ...{ temperature: 0, stopTexts: [], topK: 20, seed: 4, minP: 0 },
  })
})

test('an absent value hides none below it', () => {
  // As it comes from a form that was emptied.
  const emptied = { temperature: undefined } as unknown as { temperature: number }
  expect(resolveSampling(emptied, { temperature: 0.5 }).temperature).toBe(0.5)
})

test('values out of range are refused', () => {
  const wrong = [
    { temperature: -1 },
    { topP: 1.1 },
    { topK: 0.5 },
    { seed: 2 ** 32 },
    { maxTokens: 0 },
    { stopTexts: [''] },
  ]
  expect(wrong.filter((sampling) => samplingSchema.safeParse(sampling).success)).toEqual([])
})
