import { expect, test } from 'vitest'
import { DraftPace } from './draft-pace.ts'

/** A pace that knows that a token takes 10 ms. */
function begun(options: { persists?: boolean } = {}): DraftPace {
  const pace = new DraftPace(options)
  for (let step = 0; step < 4; step++) pace.takePlain(10)
  return pace
}

test('the first tokens are written without drafts, to know what that takes', () => {
  const pace = new DraftPace()
  expect(pace.length).toBe(0)
  for (let step = 0; step < 3; step++) pace.takePlain(10)
  expect(pace.length).toBe(0)
  pace.takePlain(10)
  expect(pace.length).toBeGreaterThan(0)
})

test('drafts become longer while all is accepted, and shorter where it is not', () => {
  const pace = begun()
  const lengths = [pace.length]
  for (let step = 0; step < 8; step++) {
    pace.takeDrafted({ proposed: pace.length, accepted: pace.length, ms: 12 })
    lengths.push(pace.length)
  }
  expect(lengths).toEqual([4, 6, 8, 10, 12, 14, 16, 16, 16])
  pace.takeDrafted({ proposed: 16, accepted: 1, ms: 12 })
  expect(pace.length).toBe(3)
})

test('drafts that are not accepted are left out for a while, each time longer', () => {
  const pace = begun()
  const rests: number[] = []
  for (let round = 0; round < 3; round++) {
    for (let step = 0; step < 8; step++) pace.takeDrafted({ proposed: 4, accepted: 0, ms: 15 })
    let rest = 0
    for (; pace.length === 0; rest++) pace.takePlain(10)
    rests.push(rest)
  }
  expect(rests).toEqual([32, 64, 128])
})

test('drafts pay when the steps are slower and fewer', () => {
  const pace = begun()
  for (let step = 0; step < 16; step++) pace.takeDrafted({ proposed: 4, accepted: 1, ms: 15 })
  expect(pace.length).toBeGreaterThan(0)
})

test('a draft model that takes time and proposes nothing is left out', () => {
  const pace = begun()
  for (let token = 0; token < 40 && pace.length > 0; token++) {
    pace.takeNothing(5, { isReading: false })
    pace.takePlain(10)
  }
  expect(pace.length).toBe(0)
})

test('catching up is not held against a draft in this answer, and is in its figures', () => {
  const pace = begun()
  for (let step = 0; step < 20; step++) pace.takeNothing(50, { isReading: true })
  expect(pace.length).toBeGreaterThan(0)
  expect(pace.figures).toEqual({
    proposedTokens: 0,
    acceptedTokens: 0,
    plain: { tokens: 4, ms: 40 },
    drafted: { tokens: 0, ms: 1000 },
  })
})

test('asked to persist, it drafts from the first token on and never rests', () => {
  const pace = new DraftPace({ persists: true })
  expect(pace.length).toBe(4)
  for (let step = 0; step < 100; step++) pace.takeDrafted({ proposed: 2, accepted: 0, ms: 100 })
  expect(pace.length).toBeGreaterThan(0)
})
