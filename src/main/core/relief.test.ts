import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { addBytes, domainIds, type DomainBytes } from './domain-bytes.ts'
import {
  createReliefPlanner,
  planGrowthRelief,
  planPressureRelief,
  planRelief,
  type ReliefCandidate,
  type EvictionPolicy,
  type IdleKv,
} from './relief.ts'

const minute = 60_000
const now = 1_000_000_000

function idle(modelId: string, bytes: number, more: Partial<ReliefCandidate> = {}): ReliefCandidate {
  return {
    ...{ modelId, state: 'ready', pinned: false, leases: 0, bytes: { unified: bytes }, weightBytes: bytes },
    ...{
      loadBytesPerSecond: null,
      prefillTokensPerSecond: null,
      usedTokens: 0,
      idleKv: [],
      accesses: 1,
      lastUsedAt: now - minute,
    },
    ...more,
  }
}

function leavingOf(
  candidates: readonly ReliefCandidate[],
  needed: number | DomainBytes,
  { free = 0, policy = 'lru', exclude }: { free?: number; policy?: EvictionPolicy; exclude?: string } = {},
): string[] | null {
  const neededBytes = typeof needed === 'number' ? { unified: needed } : needed
  const room = typeof needed === 'number' ? { unified: free } : {}
  const plan = planRelief({
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

/** A KV cache of 4 bytes with tokens in it, unless told otherwise. */
function cache(id: string, kind: IdleKv['kind'], more: Partial<IdleKv> = {}): IdleKv {
  return { ...{ id, kind, bytes: { unified: 4 }, tokens: 100, lastUsedAt: now - minute }, ...more }
}

/** A plan for so many bytes, in short: names of KV caches, then of models. */
function stepsOf(
  candidates: readonly ReliefCandidate[],
  unified: number,
  { policy = 'cost', exclude = 'new' }: { policy?: EvictionPolicy; exclude?: string } = {},
): string[] | null {
  const plan = planRelief({ candidates, neededBytes: { unified }, freeBytes: {}, policy, now, exclude })
  return plan && [...plan.relieved.map(({ kv }) => kv.id), ...plan.leaving.map(({ modelId }) => modelId)]
}

test('goes up the ladder: shrink or park, then drop what can be read again, then let a model leave', () => {
  const models = [
    idle('a', 40, { idleKv: [cache('a dropped', 'drop'), cache('a parked', 'park', { lastUsedAt: 5 })] }),
    idle('b', 40, { idleKv: [cache('b shrunk', 'shrink', { lastUsedAt: 9 })] }),
  ]
  for (const policy of ['cost', 'lru', 'lru_access'] as const) {
    expect(stepsOf(models, 4, { policy })).toEqual(['a parked'])
    expect(stepsOf(models, 8, { policy })).toEqual(['a parked', 'b shrunk'])
    expect(stepsOf(models, 12, { policy })).toEqual(['a parked', 'b shrunk', 'a dropped'])
  }
  // One model that leaves is enough: no cache has to go as well.
  expect(stepsOf(models, 40, { policy: 'lru' })).toEqual(['a'])
  // The caches of the model that stays spare it from leaving.
  expect(stepsOf(models, 44, { policy: 'lru' })).toEqual(['b shrunk', 'a'])
})

test('takes no KV cache of a model that is busy, loading, pinned or asked for', () => {
  const idleKv = [cache('cache', 'shrink')]
  for (const more of [{ leases: 1 }, { state: 'loading' }, { pinned: true }] as const)
    expect(stepsOf([idle('model', 40, { idleKv, ...more })], 4)).toBeNull()
  expect(stepsOf([idle('new', 40, { idleKv })], 4)).toBeNull()
})

test('by cost a small model that is read in fast leaves before a long conversation has to be read again', () => {
  const conversation = cache('conversation', 'drop', { tokens: 20_000, bytes: { unified: 4 * GB } })
  const large = idle('large', 40 * GB, { idleKv: [conversation], prefillTokensPerSecond: 100 })
  const small = idle('small', 4 * GB, { loadBytesPerSecond: 2 * GB })
  expect(stepsOf([large, small], 4 * GB)).toEqual(['small'])
  expect(stepsOf([{ ...large, prefillTokensPerSecond: 50_000 }, small], 4 * GB)).toEqual(['conversation'])
})

test('under pressure gives back idle KV caches, as many as it takes or as there are', () => {
  const models = [
    idle('a', 40, { idleKv: [cache('spare', 'shrink', { lastUsedAt: 0 }), cache('parked', 'park')] }),
    idle('b', 40, { idleKv: [cache('just used', 'drop', { lastUsedAt: now })] }),
    idle('c', 40, { idleKv: [cache('just used as well', 'shrink', { lastUsedAt: now })] }),
    idle('pinned', 40, { pinned: true, idleKv: [cache('pinned', 'shrink')] }),
  ]
  const relieved = (unified: number) =>
    planPressureRelief(
      { candidates: models, policy: 'cost', now },
      { excessBytes: { unified }, idleSince: now - minute / 2 },
    ).map(({ kv }) => kv.id)
  expect(relieved(3)).toEqual(['spare'])
  expect(relieved(100)).toEqual(['spare', 'parked'])
  expect(relieved(0)).toEqual([])
})

test('for a context that grows others give back what is idle, and nobody leaves', () => {
  const candidates = [
    idle('grows', 40, { idleKv: [cache('own', 'park')] }),
    idle('a', 40, { idleKv: [cache('dropped', 'drop'), cache('parked', 'park')] }),
    idle('busy', 40, { state: 'busy', leases: 1, idleKv: [cache('of a busy one', 'park')] }),
    idle('pinned', 40, { pinned: true, idleKv: [cache('of a pinned one', 'park')] }),
  ]
  const relieved = (needed: number, free = 0) =>
    planGrowthRelief(
      { candidates, policy: 'lru', now },
      { neededBytes: { unified: needed }, freeBytes: { unified: free, vram: -5 }, exclude: 'grows' },
    )?.map(({ kv }) => kv.id) ?? null
  const [bytes] = candidates[1]!.idleKv.map((kv) => kv.bytes.unified ?? 0)
  expect(relieved(1)).toEqual(['parked'])
  expect(relieved(2 * bytes!)).toEqual(['parked', 'dropped'])
  expect(relieved(2 * bytes! + 1)).toBeNull()
  expect(relieved(2 * bytes! + 1, 1)).toEqual(['parked', 'dropped'])
  expect(relieved(1, 1)).toEqual([])
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
  prefillTokensPerSecond: fc.option(fc.integer({ min: 1, max: 50 })),
  usedTokens: fc.nat(50),
  idleKv: fc.constant<IdleKv[]>([]),
  accesses: fc.nat(3),
  lastUsedAt: fc.nat(5).map((n) => now - n * minute),
}) satisfies fc.Arbitrary<Omit<ReliefCandidate, 'modelId'>>
const idleCache = fc.record({
  kind: fc.constantFrom<IdleKv['kind']>('shrink', 'park', 'drop'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  tokens: fc.nat(50),
  lastUsedAt: fc.nat(5).map((n) => now - n * minute),
})
const situation = fc.record({
  candidates: fc
    .array(candidate, { maxLength: 12 })
    .chain((all) =>
      fc.tuple(...all.map((one) => fc.tuple(fc.constant(one), fc.array(idleCache, { maxLength: 3 })))),
    )
    .map((all) =>
      all.map(([one, caches], at) => ({
        ...one,
        modelId: `m${at}`,
        // Each takes up to a third of what the model takes.
        idleKv: caches.map((each, which) => ({
          ...{ ...each, id: `m${at} ${which}` },
          bytes: Object.fromEntries(
            Object.entries(one.bytes).map(([id, bytes]) => [id, Math.floor((bytes * each.share) / 3)]),
          ),
        })),
      })),
    ),
  neededBytes: fc.oneof(fc.record({ unified: fc.nat(60) }), fc.record({ ram: fc.nat(60), vram: fc.nat(60) })),
  freeBytes: fc.record({
    unified: fc.integer({ min: -20, max: 40 }),
    ram: fc.integer({ min: -20, max: 40 }),
    vram: fc.integer({ min: -20, max: 40 }),
  }),
  policy: fc.constantFrom<EvictionPolicy>('cost', 'lru', 'lru_access'),
  exclude: fc.nat(12).map((at) => `m${at}`),
})

function isEnough(freed: readonly DomainBytes[], needed: DomainBytes, free: DomainBytes): boolean {
  const room = freed.reduce(addBytes, free)
  return domainIds.every((id) => (needed[id] ?? 0) === 0 || (needed[id] ?? 0) <= (room[id] ?? 0))
}

test('over 10,000 random pools a plan frees enough with no step to spare, or is none for a reason, and never takes what may not go', () => {
  fc.assert(
    fc.property(situation, (input) => {
      const { candidates, neededBytes, freeBytes, exclude } = input
      const mayLeave = candidates.filter(
        ({ modelId, state, pinned, leases }) =>
          state === 'ready' && !pinned && leases === 0 && modelId !== exclude,
      )
      const all = mayLeave.map(({ bytes }) => bytes)
      const plan = planRelief({ ...input, now })
      if (!plan) {
        expect(isEnough(all, neededBytes, freeBytes)).toBe(false)
        return
      }
      const { leaving, relieved } = plan
      expect(mayLeave).toEqual(expect.arrayContaining([...leaving]))
      const staying = mayLeave.filter((each) => !leaving.includes(each))
      for (const { candidate: each, kv } of relieved) {
        expect(staying).toContain(each)
        expect(each.idleKv).toContain(kv)
      }
      const freed = [...leaving.map(({ bytes }) => bytes), ...relieved.map(({ kv }) => kv.bytes)]
      expect(new Set([...leaving, ...relieved.map(({ kv }) => kv)]).size).toBe(freed.length)
      expect(isEnough(freed, neededBytes, freeBytes)).toBe(true)
      for (const spared of freed.keys()) {
        const rest = freed.filter((_, at) => at !== spared)
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
      const planner = createReliefPlanner({ ...first, now })
      for (const { neededBytes, freeBytes, exclude } of others) {
        expect(planner({ neededBytes, freeBytes, exclude })).toEqual(
          planRelief({ ...first, now, neededBytes, freeBytes, exclude }),
        )
      }
      expect(JSON.stringify(first.candidates)).toBe(before)
    }),
    { numRuns: 500 },
  )
})
