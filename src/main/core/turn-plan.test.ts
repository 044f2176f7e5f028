import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PoolMember, RoomRequest } from './planning.ts'
import { planTurn } from './turn-plan.ts'

function member(modelId: string, bytes: number, more: Partial<PoolMember> = {}): PoolMember {
  return {
    ...{ modelId, name: modelId, state: 'ready', pinned: false, leases: 0, bytes: { unified: bytes } },
    ...{ weightBytes: bytes, loadBytesPerSecond: null, prefillTokensPerSecond: null, usedTokens: 0 },
    ...{ idleKv: [], accesses: 1, lastUsedAt: 0 },
    ...more,
  }
}

function absent(modelId: string, bytes: number): RoomRequest {
  const neededBytes = { unified: bytes }
  return { modelId, name: modelId, neededBytes, contextTokens: 100, neededWith: () => neededBytes }
}

function plan(members: readonly PoolMember[], free: number, asked: Parameters<typeof planTurn>[1]) {
  return planTurn({ members, freeBytes: { unified: free }, policy: 'lru', now: 0 }, asked)
}

function rounds({ models }: ReturnType<typeof planTurn>) {
  return models.map(({ modelId, kind, round }) => `${modelId} ${kind} ${String(round)}`)
}

test('residents answer first, and nobody leaves while there is room', () => {
  const result = plan([member('a', 10)], 30, [absent('b', 20), { modelId: 'a', name: 'a' }])
  expect(rounds(result)).toEqual(['a resident 0', 'b loads 0'])
  expect(result).toMatchObject({ rounds: 1, leaving: [] })
})

test('others leave before one that is asked does', () => {
  const result = plan([member('a', 10), member('idle', 10, { lastUsedAt: 5 })], 0, [
    { modelId: 'a', name: 'a' },
    absent('b', 10),
  ])
  expect(rounds(result)).toEqual(['a resident 0', 'b loads 0'])
  expect(result.leaving).toEqual([{ modelId: 'idle', name: 'idle', freesBytes: 10 }])
})

test('what does not fit beside the others waits for the next round, when these may leave', () => {
  const result = plan([], 30, [absent('a', 20), absent('b', 20), absent('c', 10)])
  expect(rounds(result)).toEqual(['a loads 0', 'b loads 1', 'c loads 1'])
  expect(result).toMatchObject({ rounds: 2, leaving: [{ modelId: 'a' }] })
})

test('what fits in no round is refused, and the others answer all the same', () => {
  const result = plan([member('pinned', 10, { pinned: true })], 20, [absent('huge', 25), absent('a', 20)])
  expect(rounds(result)).toEqual(['huge refused 0', 'a loads 0'])
  expect(result.models[0]?.problem?.code).toBe('NO_ROOM')
  expect(result.rounds).toBe(1)
})

test('who is busy elsewhere is waited for', () => {
  const result = plan([member('busy', 20, { state: 'busy', leases: 1 })], 0, [absent('a', 20)])
  expect(rounds(result)).toEqual(['a loads 0'])
  expect(result.leaving.map(({ modelId }) => modelId)).toEqual(['busy'])
})

test('models of one round fit into the pool together, each is named once, and the pinned stay', () => {
  const residents = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 40 }), pinned: fc.boolean() }), {
    maxLength: 5,
  })
  const wanted = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(residents, wanted, fc.nat(40), fc.nat(4), (held, sizes, free, fromHeld) => {
      const members = held.map(({ bytes, pinned }, index) => member(`r${String(index)}`, bytes, { pinned }))
      const total = free + held.reduce((sum, { bytes }) => sum + bytes, 0)
      const there = members.slice(0, Math.min(fromHeld, 4 - Math.min(4, sizes.length)))
      const asked = [...sizes.map((bytes, index) => absent(`n${String(index)}`, bytes)), ...there]
      const result = plan(
        members,
        free,
        asked.map((each) => ('neededBytes' in each ? each : { modelId: each.modelId, name: each.name })),
      )
      expect(result.models.map(({ modelId }) => modelId).sort()).toEqual(
        asked.map(({ modelId }) => modelId).sort(),
      )
      for (const { modelId } of result.leaving)
        expect(members.find((each) => each.modelId === modelId)?.pinned ?? false).toBe(false)
      const pinnedBytes = members.reduce(
        (sum, each) => sum + (each.pinned ? (each.bytes.unified ?? 0) : 0),
        0,
      )
      for (let round = 0; round < result.rounds; round++) {
        const loaded = result.models.filter((each) => each.round === round && each.kind === 'loads')
        expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(total - pinnedBytes)
      }
      for (const { modelId, kind } of result.models)
        if (kind === 'refused')
          expect(pinnedBytes + (sizes[Number(modelId.slice(1))] ?? 0)).toBeGreaterThan(total)
    }),
  )
})
