import { expect, test } from 'vitest'
import type { Turn } from '../../contract/conversation.ts'
import { findPlaces } from './find.ts'

function turn(id: string, text: string, answers: readonly string[]): Turn {
  return {
    ...{ id, parentId: null, parentAnswerId: null, siblingIds: [id], isUndecided: false, text, createdAt: 0 },
    chosenAnswerId: `${id}-${String(answers.length - 1)}`,
    answers: answers.map((answer, index) => ({
      ...{
        id: `${id}-${String(index)}`,
        modelId: 'm',
        modelName: 'M',
        text: answer,
        stats: null,
        createdAt: 0,
      },
      state: { kind: 'done', stopReason: 'end' },
    })),
  }
}

const path = [
  turn('a', 'A pool, a Pool.', ['whirlpool']),
  turn('b', 'nothing', ['a pool', 'the full memory pool']),
]

test('finds a piece of text in messages and in the answers that are shown', () => {
  expect(findPlaces(path, { text: 'POOL', as: 'piece' })).toEqual([
    { turnId: 'a', answerId: null, count: 2 },
    { turnId: 'a', answerId: 'a-0', count: 1 },
    { turnId: 'b', answerId: 'b-1', count: 1 },
  ])
  expect(findPlaces(path, { text: ' ', as: 'piece' })).toEqual([])
})

test('finds where all words of a search are', () => {
  expect(findPlaces(path, { text: 'pool memory', as: 'words' })).toEqual([
    { turnId: 'b', answerId: 'b-1', count: 2 },
  ])
  expect(findPlaces(path, { text: '"', as: 'words' })).toEqual([])
})

test('a message is found by the names and texts of its attachments, each once', () => {
  const attachment = (id: string, name: string) => ({ id, name, kind: 'text' as const, characters: 1 })
  const [first, second] = path
  const withFiles = [
    {
      ...first!,
      attachments: [attachment('f', 'pool.txt'), attachment('g', 'b.txt'), attachment('h', 'c.txt')],
    },
    second!,
  ]
  const textOf = (id: string) => ({ f: 'pool pool', g: 'Swimming\npool', h: 'none' })[id] ?? ''
  expect(findPlaces(withFiles, { text: 'pool', as: 'piece', textOf })[0]).toEqual({
    ...{ turnId: 'a', answerId: null, count: 4 },
  })
  expect(findPlaces(withFiles, { text: 'swimming b.txt', as: 'words', textOf })).toEqual([
    { turnId: 'a', answerId: null, count: 1 },
  ])
})
