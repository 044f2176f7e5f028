import { expect, test } from 'vitest'
import { grownContextSizes } from './context-growth.ts'

test('a context doubles, or becomes a quarter larger than what is needed', () => {
  const grown = (contextTokens: number, neededTokens: number, limitTokens = 32_768) =>
    grownContextSizes({ contextTokens, neededTokens, limitTokens })
  expect(grown(4096, 4098)).toEqual([8192, 4352])
  expect(grown(4096, 10_000)).toEqual([12_544, 10_240])
})

test('a context never grows past its limit, and not at all when that would not do', () => {
  const grown = (contextTokens: number, neededTokens: number, limitTokens: number) =>
    grownContextSizes({ contextTokens, neededTokens, limitTokens })
  expect(grown(4096, 4098, 6000)).toEqual([6144, 4352])
  expect(grown(4096, 6100, 6144)).toEqual([6144])
  expect(grown(4096, 7000, 6144)).toEqual([])
  expect(grown(1024, 1025, 1024)).toEqual([])
})
