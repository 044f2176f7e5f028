import { expect, test } from 'vitest'
import { contextSteps } from './context-steps.ts'

test('offers sizes that llama.cpp makes, evenly on a log scale, up to the training context', () => {
  expect(contextSteps(8192)).toEqual([256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192])
})

test('ends with a training context that is no power of two', () => {
  expect(contextSteps(10_000).slice(-3)).toEqual([6144, 8192, 10_000])
})

test('has what was chosen, wherever it lies', () => {
  expect(contextSteps(1024, 700)).toEqual([256, 512, 700, 768, 1024])
  expect(contextSteps(512, 2048)).toEqual([256, 512, 2048])
})

test('has one size for a model that knows less than the shortest', () => {
  expect(contextSteps(128)).toEqual([256])
  expect(contextSteps(0)).toEqual([256])
})
