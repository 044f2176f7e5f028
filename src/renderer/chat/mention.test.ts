import { expect, test } from 'vitest'
import { isMeant, isNamed, mentionAt, withoutMention } from './mention.ts'

test('an @ at the beginning of a word names a model, one within a word does not', () => {
  expect(mentionAt('@gu', 3)).toEqual({ at: 0, end: 3, query: 'gu' })
  expect(mentionAt('Ask @', 5)).toEqual({ at: 4, end: 5, query: '' })
  expect(mentionAt('Ask @guide now', 8)).toEqual({ at: 4, end: 8, query: 'gui' })
  expect([mentionAt('nora@example.org', 8), mentionAt('@guide now', 10), mentionAt('', 0)]).toEqual([
    null,
    null,
    null,
  ])
})

test('what was typed is found in a name whatever its spaces and dashes', () => {
  expect(isMeant('Qwen3 30B-A3B', 'qwen330')).toBe(true)
  expect(isMeant('Qwen3 30B-A3B', '30b-a')).toBe(true)
  expect(isMeant('Guide', 'coder')).toBe(false)
})

test('the whole of a name is one whatever its case, spaces and dashes', () => {
  expect(isNamed('Qwen3 30B-A3B', 'qwen3-30b-a3b')).toBe(true)
  expect(isNamed('Qwen3 30B-A3B', 'qwen3')).toBe(false)
})

test('what was accepted leaves the text as it was without it', () => {
  const text = 'Ask @gui how it is'
  expect(withoutMention(text, { at: 4, end: 8, query: 'gui' })).toEqual({ text: 'Ask how it is', caret: 4 })
  expect(withoutMention('Who? @gui', { at: 5, end: 9, query: 'gui' })).toEqual({ text: 'Who?', caret: 4 })
  expect(withoutMention('@gui', { at: 0, end: 4, query: 'gui' })).toEqual({ text: '', caret: 0 })
})
