import { expect, test } from 'vitest'
import { draftContext, predictDraft } from './draft-footprint.ts'
import { contextComputeBytes, kvCacheBytes, tokenizerBytes } from './footprint.ts'
import type { ModelFacts } from '../../contract/model.ts'

const draft = {
  ...{ weightBytes: 400e6, inputBytes: 100e6, outputBytes: 100e6, layers: 24, embeddingLength: 896 },
  ...{ feedForwardLength: 4864, headCount: 14, vocabularySize: 151_936, mergeCount: 151_387, experts: null },
  ...{ trainContextTokens: 32_768, recurrentStateBytes: 0, tensorTypes: [], dryRuns: [] },
  kvLayerGroups: [{ layers: 24, kvHeads: 2, keyLength: 64, valueLength: 64, windowTokens: 128 }],
} as Partial<ModelFacts> as ModelFacts
const options = { contextTokens: 4096, batchTokens: 256 } as const

test('a draft takes its weights, a KV cache with whole windows, buffers and its tokenizer, in one part', () => {
  const whole = { ...options, fullWindowCache: true }
  expect(predictDraft(draft, { ...options, placement: { kind: 'unified' } })).toEqual([
    {
      part: 'draft',
      source: 'predicted',
      domain: 'unified',
      bytes:
        draft.weightBytes +
        kvCacheBytes(draft, 4096, whole) +
        contextComputeBytes(draft, whole) +
        tokenizerBytes(draft),
    },
  ])
})

test('a draft is on the card where any of its model is', () => {
  const domains = (gpuLayers: number) =>
    predictDraft(draft, { ...options, placement: { kind: 'split', gpuLayers } }).map(({ domain, bytes }) => [
      domain,
      bytes > 300e6,
    ])
  expect(domains(3)).toEqual([
    ['vram', true],
    ['ram', false],
  ])
  // Large batches are computed on the card all the same.
  expect(domains(0)).toEqual([
    ['vram', false],
    ['ram', true],
  ])
})

test('a draft has no larger context than its model, than it was trained with, or than is of use', () => {
  expect(draftContext(draft, { contextTokens: 2048, batchTokens: 128 })).toEqual({
    contextTokens: 2048,
    batchTokens: 128,
  })
  expect(draftContext(draft, { contextTokens: 65_536 })).toEqual({ contextTokens: 8192, batchTokens: 256 })
  expect(draftContext({ trainContextTokens: 1024 }, { contextTokens: 65_536 }).contextTokens).toBe(1024)
})
