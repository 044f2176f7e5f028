import { expect, test } from 'vitest'
import { ThoughtLimit } from './thought-limit.ts'

const marks = { prefix: '<think>\n', suffix: '\n</think>' }

/** After which of these tokens the thought is ended. */
function ends(
  texts: readonly string[],
  options: { readonly prompt?: string; readonly budgetTokens?: number; readonly prefix?: null } = {},
): number[] {
  const { prompt = '', budgetTokens = 3, ...mark } = options
  const limit = new ThoughtLimit({ marks: { ...marks, ...mark }, budgetTokens, prompt })
  return texts.flatMap((text, index) => (limit.push(text) ? [index] : []))
}

test('ends a thought that takes too long, once', () => {
  expect(ends(['<think>', 'a', 'b', 'c', 'd', 'e'])).toEqual([3])
  expect(ends(['<thi', 'nk>', 'a', 'b', 'c', 'd'])).toEqual([4])
})

test('leaves a thought alone that ends in time, and what is no thought', () => {
  expect(ends(['<think>', 'a', '</think>', 'b', 'c', 'd', 'e'])).toEqual([])
  expect(ends(['<think>', 'a', '</th', 'ink>', 'b', 'c', 'd'])).toEqual([])
  expect(ends(['a', 'b', 'c', 'd', 'e'])).toEqual([])
})

test('knows a thought that the template has begun, and one that begins with the answer', () => {
  expect(ends(['a', 'b', 'c', 'd'], { prompt: '<|im_start|>assistant\n<think>\n' })).toEqual([2])
  expect(ends(['a', 'b', 'c', 'd'], { prompt: '<think>\n\n</think>\n\n' })).toEqual([])
  expect(ends(['a', 'b', 'c', 'd'], { prefix: null })).toEqual([2])
})

test('counts the thoughts of an answer together', () => {
  expect(ends(['<think>', 'a', '</think>', 'x', '<think>', 'b', 'c'])).toEqual([5])
  expect(ends(['<think>', 'a'], { budgetTokens: 0 })).toEqual([0])
})
