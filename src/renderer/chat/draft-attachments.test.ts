// @vitest-environment jsdom
import { expect, test } from 'vitest'
import { partsOf } from './attachment-parts.ts'
import { isLongPaste } from './draft-attachments.ts'
import { asJsonCode } from '../markdown/json-answer.ts'

test('a pasted text of more than 2,000 characters or 40 lines is long', () => {
  const texts = ['a'.repeat(2000), 'a'.repeat(2001), 'a\n'.repeat(39) + 'a', 'a\n'.repeat(40) + 'a']
  expect(texts.map(isLongPaste)).toEqual([false, true, false, true])
})

test('a text in parts is the same text, with and without lines, and no character is broken', () => {
  const lines = 'a line of some words\n'.repeat(20_000) + 'end'
  const endless = '😀'.repeat(50_000)
  expect(partsOf(lines).join('\n')).toBe(lines)
  for (const text of [endless, 'short', '']) expect(partsOf(text).join('')).toBe(text)
  expect(partsOf(endless).every((part) => part.isWellFormed())).toBe(true)
  expect(Math.max(...partsOf(endless).map(({ length }) => length))).toBeLessThanOrEqual(32_000)
})

test('JSON becomes code, after the thoughts if there are any', () => {
  expect([
    asJsonCode('{"a":1}'),
    asJsonCode('<think>\nWell\n</think>\n\n{"a":'),
    asJsonCode('<think>We'),
  ]).toEqual(['```json\n{"a":1}\n```', '<think>\nWell\n</think>\n\n```json\n{"a":\n```', '<think>We'])
})
