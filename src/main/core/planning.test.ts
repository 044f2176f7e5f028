import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import type { DomainBytes } from './domain-bytes.ts'
import { Planning, type PoolMember, type RoomRequest } from './planning.ts'

function member(modelId: string, bytes: DomainBytes, more: Partial<PoolMember> = {}): PoolMember {
  return {
    ...{ modelId, name: modelId, state: 'ready', pinned: false, leases: 0, bytes, weightBytes: 1 },
    ...{
      loadBytesPerSecond: null,
      prefillTokensPerSecond: null,
      usedTokens: 0,
      idleKv: [],
      accesses: 1,
      lastUsedAt: 0,
    },
    ...more,
  }
}

/** `perToken` bytes of KV cache at f16; a q8_0 cache takes half of that, where it can be had. */
function request(
  neededBytes: DomainBytes,
  { perToken = 0, hasQ8 = false }: { readonly perToken?: number; readonly hasQ8?: boolean } = {},
): RoomRequest {
  return {
    ...{ modelId: 'new', name: 'new', neededBytes, contextTokens: 10_000 },
    neededWith: ({ contextTokens = 10_000, kvType = 'f16' }) => {
      const kvBytes = contextTokens * perToken * (hasQ8 && kvType === 'q8_0' ? 0.5 : 1)
      return { vram: (neededBytes.vram ?? 0) - 10_000 * perToken + kvBytes }
    },
  }
}

function planningOf(members: readonly PoolMember[], freeBytes: DomainBytes): Planning {
  return new Planning({ members, freeBytes, policy: 'lru', now: 0 })
}

test('names the domain that is short where there are two', () => {
  const pinned = member('pinned', { vram: 16 * GB, ram: 1 * GB }, { pinned: true })
  const planning = planningOf([pinned, member('idle', { ram: 8 * GB })], { vram: 4 * GB, ram: 30 * GB })
  expect(planning.refusal(request({ vram: 12 * GB, ram: 2 * GB }))).toEqual({
    code: 'NO_ROOM',
    message: 'Cannot load "new": needs 12.0 GB of VRAM, 4.00 GB is free',
    details: {
      ...{ modelId: 'new', neededBytes: 12 * GB, freeBytes: 4 * GB },
      help: 'Unpin "pinned" (frees 17.0 GB)',
      remedies: [{ kind: 'unpin', modelId: 'pinned', name: 'pinned', freesBytes: 17 * GB }],
    },
  })
})

test('offers no model that frees nothing where room is short', () => {
  const planning = planningOf([member('on the CPU', { ram: 20 * GB }, { pinned: true })], {
    vram: 4 * GB,
    ram: 0,
  })
  expect(planning.refusal(request({ vram: 12 * GB })).details).toMatchObject({
    help: 'A smaller model or a larger pool is needed',
    remedies: [],
  })
})

test('offers waiting beside a shorter context, the longest power of two that fits', () => {
  const busy = member('busy', { vram: 10 * GB }, { state: 'busy', leases: 1 })
  const planning = planningOf([busy], { vram: 4 * GB, ram: 0 })
  const longRequest = request({ vram: 12 * GB }, { perToken: GB / 1000 })
  const { remedies } = planning.remedies(longRequest)
  expect(remedies).toMatchObject([
    { kind: 'wait', modelId: 'busy', name: 'busy', freesBytes: 10 * GB },
    { kind: 'shorten', name: 'new', contextTokens: 1024 },
  ])
  expect(remedies[1]?.freesBytes).toBeCloseTo((10_000 - 1024) * (GB / 1000), 0)
  expect(planning.waitSavers(longRequest)).toEqual([remedies[1]])
})

test('offers a q8_0 KV cache where one can be had and is enough', () => {
  const planning = planningOf([], { vram: 8 * GB, ram: 0 })
  const needed = { vram: 12 * GB }
  const smallerForms = (hasQ8: boolean) =>
    planning.remedies(request(needed, { perToken: GB / 1000, hasQ8 })).remedies
  expect(smallerForms(false).map(({ kind }) => kind)).toEqual(['shorten'])
  expect(smallerForms(true)).toEqual([
    { kind: 'shorten', name: 'new', contextTokens: 4096, freesBytes: 5904 * (GB / 1000) },
    { kind: 'kvType', name: 'new', freesBytes: 5 * GB },
  ])
  expect(planning.refusal(request(needed, { perToken: GB / 1000, hasQ8: true })).details.help).toBe(
    'Use a context of 4,096 tokens (saves 5.90 GB), or use a q8_0 KV cache (saves 5.00 GB)',
  )
})

test('offers a q8_0 KV cache with a shorter context where that makes the context longer', () => {
  const planning = planningOf([], { vram: 4.3 * GB, ram: 0 })
  const { remedies } = planning.remedies(request({ vram: 12 * GB }, { perToken: GB / 1000, hasQ8: true }))
  expect(remedies).toMatchObject([
    { kind: 'shorten', contextTokens: 2048 },
    { kind: 'kvType', contextTokens: 4096 },
  ])
})

test('advises at most five models, those that free least first', () => {
  const pinned = Array.from({ length: 9 }, (_, index) =>
    member(`m${9 - index}`, { vram: (9 - index) * GB }, { pinned: true }),
  )
  const { remedies } = planningOf(pinned, { vram: 0, ram: 0 }).remedies(request({ vram: 3 * GB }))
  expect(remedies.map(({ name }) => name)).toEqual(['m3', 'm4', 'm5', 'm6', 'm7'])
})

test('asks for as much more as other programs took beyond what was left', () => {
  const planning = planningOf([member('idle', { vram: 4 * GB })], { vram: -2 * GB })
  expect(planning.planNow({ vram: 2 * GB }, 'new')?.leaving.map(({ name }) => name)).toEqual(['idle'])
  expect(planning.planNow({ vram: 2 * GB + 1 }, 'new')).toBeNull()
})
