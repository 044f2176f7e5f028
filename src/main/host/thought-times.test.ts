import { expect, test } from 'vitest'
import type { Answer } from '../../contract/conversation.ts'
import { endThoughts, timeThoughts } from './thought-times.ts'

test('times each thought from its first word to its end, and keeps its object while nothing happens', () => {
  const steps: [string, number][] = [
    ['<think>\nHm', 100],
    ['<think>\nHm, well', 200],
    ['<think>\nHm, well\n</think>\nYes.', 400],
    ['<think>\nHm, well\n</think>\nYes.\n<think>\nOr no', 500],
  ]
  const seen: Answer['thoughts'][] = []
  for (const [text, now] of steps) seen.push(timeThoughts(text, seen.at(-1), now))
  expect(seen).toEqual([
    [{ startedAt: 100, ms: null }],
    [{ startedAt: 100, ms: null }],
    [{ startedAt: 100, ms: 300 }],
    [
      { startedAt: 100, ms: 300 },
      { startedAt: 500, ms: null },
    ],
  ])
  expect(seen[1]).toBe(seen[0])
  expect(endThoughts(seen[3], 700)?.[1]).toEqual({ startedAt: 500, ms: 200 })
})

test('an answer without thoughts has no times', () => {
  expect([timeThoughts('I think so.', undefined, 1), endThoughts(undefined, 1)]).toEqual([
    undefined,
    undefined,
  ])
})

test('a thought that the prompt began took no time that anybody measured from its start, and has an end', () => {
  expect(timeThoughts('Well.\n</think>\nYes.', undefined, 5)).toEqual([{ startedAt: 5, ms: 0 }])
})
