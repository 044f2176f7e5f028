import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { addBytes, domainIds, type DomainBytes } from './domain-bytes.ts'
import {
  createEvictionPlanner,
  planEviction,
  type EvictionCandidate,
  type EvictionPolicy,
} from './eviction.ts'

const minute = 60_000
const now = 1_000_000_000

function idle(modelId: string, bytes: number, more: Partial<EvictionCandidate> = {}): EvictionCandidate {
  return {
    ...{ modelId, state: 'ready', pinned: false, leases: 0, bytes: { unified: bytes }, weightBytes: bytes },
    ...{ loadBytesPerSecond: null, usedTokens: 0, accesses: 1, lastUsedAt: now - minute },
    ...more,
  }
}

function leavingOf(
  candidates: readonly EvictionCandidate[],
  needed: number | DomainBytes,
  { free = 0, policy = 'lru', exclude }: { free?: number; policy?: EvictionPolicy; exclude?: string } = {},
): string[] | null {
  const neededBytes = typeof needed === 'number' ? { unified: needed } : needed
  const room = typeof needed === 'number' ? { unified: free } : {}
  const plan = planEviction({
    ...{ candidates, neededBytes, freeBytes: room, policy, now },
    ...(exclude !== undefined && { exclude }),
  })
  return plan?.leaving.map(({ modelId }) => modelId) ?? null
}

test('lets nobody leave when there is room', () => {
  expect(leavingOf([idle('a', 10)], 5, { free: 5 })).toEqual([])
})

test('evicts the idle model before the leased one', () => {
  const models = [idle('leased', 10, { leases: 1, state: 'busy', lastUsedAt: 0 }), idle('idle', 10)]
  expect(leavingOf(models, 10)).toEqual(['idle'])
})

test('has no plan when those that may leave do not make enough room', () => {
  const models = [
    idle('pinned', 100, { pinned: true }),
    idle('loading', 100, { state: 'loading' }),
    idle('leased', 100, { leases: 1 }),
    idle('requested', 100),
    idle('idle', 10),
  ]
  expect(leavingOf(models, 11, { exclude: 'requested' })).toBeNull()
  expect(leavingOf(models, 11, { free: 1, exclude: 'requested' })).toEqual(['idle'])
})

test('makes up for what other programs took beyond the room that was left', () => {
  const models = [idle('a', 10, { lastUsedAt: 1 }), idle('b', 10, { lastUsedAt: 2 })]
  expect(leavingOf(models, 10, { free: -10 })).toEqual(['a', 'b'])
  expect(leavingOf(models, 10, { free: -11 })).toBeNull()
})

test('lru lets the longest unused leave first', () => {
  const models = [
    idle('new', 10, { lastUsedAt: 3 }),
    idle('old', 10, { lastUsedAt: 1 }),
    idle('mid', 10, { lastUsedAt: 2 }),
  ]
  expect(leavingOf(models, 15, { policy: 'lru' })).toEqual(['old', 'mid'])
})

test('lru_access lets the least used leave first, and of these the oldest', () => {
  const models = [
    idle('often', 10, { accesses: 9, lastUsedAt: 1 }),
    idle('once, later', 10, { accesses: 1, lastUsedAt: 3 }),
    idle('once, earlier', 10, { accesses: 1, lastUsedAt: 2 }),
  ]
  expect(leavingOf(models, 15, { policy: 'lru_access' })).toEqual(['once, earlier', 'once, later'])
})

test('cost keeps what is slow to load for the room it takes', () => {
  const models = [
    idle('from a slow disk', 4 * GB, { loadBytesPerSecond: 1e8 }),
    idle('from a fast disk', 4 * GB, { loadBytesPerSecond: 5e9 }),
  ]
  expect(leavingOf(models, 1 * GB, { policy: 'cost' })).toEqual(['from a fast disk'])
})

test('cost keeps the model that has read a long conversation', () => {
  const models = [idle('has read', 4 * GB, { usedTokens: 30_000 }), idle('empty', 4 * GB)]
  expect(leavingOf(models, 1 * GB, { policy: 'cost' })).toEqual(['empty'])
})

test('cost lets even an expensive model leave when it has been idle long enough', () => {
  const models = [
    idle('expensive', 4 * GB, { usedTokens: 30_000, lastUsedAt: now - 3 * 24 * 60 * minute }),
    idle('cheap', 4 * GB, { lastUsedAt: now }),
  ]
  expect(leavingOf(models, 1 * GB, { policy: 'cost' })).toEqual(['expensive'])
})

test('lets nobody leave who is not needed in the end', () => {
  const models = [idle('small', 10, { lastUsedAt: 1 }), idle('large', 100, { lastUsedAt: 2 })]
  expect(leavingOf(models, 90)).toEqual(['large'])
})

test('spares models that free nothing where room is short', () => {
  const models = [
    idle('on the CPU', 10, { bytes: { ram: 10 }, lastUsedAt: 1 }),
    idle('on the GPU', 10, { bytes: { vram: 10 } }),
  ]
  expect(leavingOf(models, { vram: 5 })).toEqual(['on the GPU'])
  expect(leavingOf(models, { vram: 5, ram: 5 })).toEqual(['on the CPU', 'on the GPU'])
})

const amount = fc.nat(20)
const bytesIn = fc.oneof(
  fc.record({ unified: amount }),
  fc.record({ ram: amount, vram: amount }, { requiredKeys: [] }),
)
const candidate = fc.record({
  state: fc.constantFrom('ready', 'busy', 'loading', 'unloading', 'failed', 'queued'),
  pinned: fc.boolean(),
  leases: fc.nat(1),
  bytes: bytesIn,
  weightBytes: amount,
  loadBytesPerSecond: fc.option(fc.integer({ min: 1, max: 50 })),
  usedTokens: fc.nat(50),
  accesses: fc.nat(3),
  lastUsedAt: fc.nat(5).map((n) => now - n * minute),
}) satisfies fc.Arbitrary<Omit<EvictionCandidate, 'modelId'>>
const situation = fc.record({
  candidates: fc
    .array(candidate, { maxLength: 12 })
    .map((all) => all.map((one, at) => ({ ...one, modelId: `m${at}` }))),
  neededBytes: fc.oneof(fc.record({ unified: fc.nat(60) }), fc.record({ ram: fc.nat(60), vram: fc.nat(60) })),
  freeBytes: fc.record({
    unified: fc.integer({ min: -20, max: 40 }),
    ram: fc.integer({ min: -20, max: 40 }),
    vram: fc.integer({ min: -20, max: 40 }),
  }),
  policy: fc.constantFrom<EvictionPolicy>('cost', 'lru', 'lru_access'),
  exclude: fc.nat(12).map((at) => `m${at}`),
})

function isEnough(leaving: readonly EvictionCandidate[], needed: DomainBytes, free: DomainBytes): boolean {
  const freed = leaving.reduce((sum, { bytes }) => addBytes(sum, bytes), free)
  return domainIds.every((id) => (needed[id] ?? 0) === 0 || (needed[id] ?? 0) <= (freed[id] ?? 0))
}

test('over 10,000 random pools a plan frees enough with nobody to spare, or is none for a reason, and never takes who may not leave', () => {
  fc.assert(
    fc.property(situation, (input) => {
      const { candidates, neededBytes, freeBytes, exclude } = input
      const mayLeave = candidates.filter(
        ({ modelId, state, pinned, leases }) =>
          state === 'ready' && !pinned && leases === 0 && modelId !== exclude,
      )
      const plan = planEviction({ ...input, now })
      if (!plan) {
        expect(isEnough(mayLeave, neededBytes, freeBytes)).toBe(false)
        return
      }
      const { leaving } = plan
      expect(mayLeave).toEqual(expect.arrayContaining([...leaving]))
      expect(new Set(leaving).size).toBe(leaving.length)
      expect(isEnough(leaving, neededBytes, freeBytes)).toBe(true)
      for (const one of leaving) {
        const rest = leaving.filter((other) => other !== one)
        expect(isEnough(rest, neededBytes, freeBytes)).toBe(false)
      }
    }),
    { numRuns: 10_000 },
  )
})

test('a planner that is asked many times says the same as one made afresh, and changes nothing', () => {
  fc.assert(
    fc.property(fc.array(situation, { minLength: 1, maxLength: 5 }), ([first, ...others]) => {
      if (!first) return
      const before = JSON.stringify(first.candidates)
      const planner = createEvictionPlanner({ ...first, now })
      for (const { neededBytes, freeBytes, exclude } of others) {
        expect(planner({ neededBytes, freeBytes, exclude })).toEqual(
          planEviction({ ...first, now, neededBytes, freeBytes, exclude }),
        )
      }
      expect(JSON.stringify(first.candidates)).toBe(before)
    }),
    { numRuns: 500 },
  )
})
