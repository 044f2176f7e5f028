import { expect, test } from 'vitest'
import { countHits, hitAt, numberOf } from './found-places.ts'

const places = [
  { turnId: 'a', answerId: null, count: 2 },
  { turnId: 'a', answerId: 'x', count: 1 },
  { turnId: 'b', answerId: 'y', count: 3 },
]

test('hits are counted through all places and go round', () => {
  expect(countHits(places)).toBe(6)
  const all = [0, 1, 2, 3, 4, 5].map((number) => hitAt(places, number))
  expect(all.map((at) => at && [at.turnId, at.answerId, at.index])).toEqual([
    ['a', null, 0],
    ['a', null, 1],
    ['a', 'x', 0],
    ['b', 'y', 0],
    ['b', 'y', 1],
    ['b', 'y', 2],
  ])
  expect(all.map((at) => at && numberOf(places, at))).toEqual([1, 2, 3, 4, 5, 6])
  expect(hitAt(places, 6)).toEqual(hitAt(places, 0))
  expect(hitAt(places, -1)).toEqual(hitAt(places, 5))
  expect(hitAt([], 0)).toBeNull()
  expect(numberOf(places, { turnId: 'gone', answerId: null, index: 0 })).toBe(0)
})
