import { expect, test } from 'vitest'
import type { TurnCost } from '../../contract/attachment.ts'
import { loadingText, readingText } from './reading-cost.ts'

const cost: TurnCost = {
  ...{ promptTokens: 1300, aloneTokens: 12, reusedTokens: 96, isExact: true, lostTokens: 0 },
  ...{ attachmentTokens: [], contextTokens: 4096, readingSeconds: 2.1, loadingSeconds: null },
}

test('says what is to be read, what is reused, and how long that takes', () => {
  expect(readingText(cost)).toBe('1,204 tokens to read, 96 reused, about 2.1 s')
  expect(readingText({ ...cost, reusedTokens: 0, readingSeconds: null })).toBe('1,300 tokens to read')
  expect(readingText({ ...cost, isExact: false })).toMatch(/^about 1,204 tokens to read/)
})

test('what has to be read again is named', () => {
  expect(readingText({ ...cost, reusedTokens: 2, lostTokens: 94 })).toBe(
    '1,298 tokens to read, 94 of them again, 2 reused, about 2.1 s',
  )
})

test('a few tokens are read at once', () => {
  expect(readingText({ ...cost, reusedTokens: 1290 })).toBe('answers at once, 1,290 tokens reused')
  expect(readingText({ ...cost, promptTokens: 9, reusedTokens: 0 })).toBe('answers at once')
})

test('a model that is not there says how long its last load took', () => {
  expect(loadingText({ ...cost, reusedTokens: 0, isExact: false, loadingSeconds: 0.8 })).toBe(
    'about 1,300 tokens to read, about 2.1 s, about 0.8 s to load',
  )
})
