import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { findThrash, thrashWindowMs } from './thrash.ts'

function left(
  modelId: string,
  at: number,
  { weightBytes = 41 * GB, reloadMs = null }: { weightBytes?: number; reloadMs?: number | null } = {},
) {
  return { modelId, name: modelId, weightBytes, reloadMs, bytes: weightBytes + GB, at }
}

test('names models that had to leave for each other again and again, and what each switch costs', () => {
  const switches = [left('Guide', 1), left('Coder', 2), left('Guide', 3), left('Coder', 4), left('Judge', 5)]
  expect(findThrash(switches.slice(0, 3), 5)).toBeNull()
  expect(findThrash(switches, 5)).toEqual({
    models: ['Coder', 'Guide'].map((name) => ({ modelId: name, name, bytes: 42 * GB })),
    reloadBytes: 41 * GB,
    reloadMs: null,
    text: '"Coder" and "Guide" take turns in memory: each switch reloads 41.0 GB',
  })
})

test('knows three that go round, and says how much the largest takes', () => {
  const round = ['a', 'b', 'c'].map((id, at) => left(id, at, { weightBytes: (at + 1) * GB }))
  expect(findThrash([...round, ...round], 9)?.text).toBe(
    '"a", "b" and "c" take turns in memory: each switch reloads up to 3.00 GB',
  )
})

test('says how long the slowest of them took to come back, as far as that is known', () => {
  const switches = [left('a', 1), left('b', 2), left('a', 3), left('b', 4, { reloadMs: 12_340 })]
  const thrash = findThrash(switches, 5)
  expect([thrash?.reloadMs, thrash?.text]).toEqual([
    12_340,
    '"a" and "b" take turns in memory: each switch reloads 41.0 GB and takes about 12.3 s',
  ])
})

test('forgets what was long ago', () => {
  const switches = [left('a', 1), left('b', 2), left('a', 3), left('b', 4)]
  expect(findThrash(switches, 1 + thrashWindowMs)).not.toBeNull()
  expect(findThrash(switches, 2 + thrashWindowMs)).toBeNull()
})
