// @vitest-environment jsdom
import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { consolidateText } from './consolidate.tsx'
import { growthText } from './kv-bars.tsx'
import { pressureText, thrashText } from './pool-notices.tsx'
import { contextOf, poolOf, residentOf } from './testing-pool.ts'

test('says why two models cannot stay together, what a switch costs and what would help', () => {
  const { pool } = poolOf([])
  const thrash = {
    models: ['a', 'b'].map((name) => ({ modelId: name, name, bytes: 12 * GB })),
    ...{ reloadBytes: 10 * GB, reloadMs: 4200, text: '' },
  }
  expect(thrashText(pool, thrash)).toMatch(
    /^Together they take 24\.0 GB, 3\.00 GB more than the pool has for models\. Each switch reads up to 10\.0 GB again and takes about 4\.2 s\. What helps: /,
  )
  expect(thrashText(pool, { ...thrash, models: thrash.models.slice(1), reloadMs: null })).toMatch(
    /^Together they take 12\.0 GB\. Each switch reads up to 10\.0 GB again\. What helps: /,
  )
})

test('says how full the pool is, and which domain where there are two', () => {
  const { pool, domain } = poolOf([residentOf('a', 19)])
  expect(pressureText(pool)).toBe('Under pressure: 91 % is taken. From 85 % on idle KV caches are given back')
  const card = { ...domain, id: 'vram' as const, name: 'NVIDIA RTX 4090', freeBytes: 0.23 * GB }
  expect(pressureText({ domains: [domain, card], pressureShare: 0.9 })).toMatch(
    /^Under pressure: 99 % of NVIDIA RTX 4090 is taken/,
  )
})

test('says what consolidating would win, why nothing, and what it has won', () => {
  const rest = { isRunning: false, outcome: null }
  const kv = { reservedBytes: 3 * GB, unusedBytes: 2 * GB, strandedBytes: GB, reclaimableBytes: 0 }
  const busy = [residentOf('a', 1, { state: 'busy' })]
  const outcome = { freedBytes: GB, kvCaches: 1 }
  expect([
    consolidateText({ kv: { ...kv, reclaimableBytes: 2 * GB }, residents: busy }, rest),
    consolidateText({ kv, residents: busy }, rest),
    consolidateText({ kv, residents: [residentOf('a', 1)] }, rest),
    consolidateText({ kv, residents: [] }, { ...rest, outcome }),
    consolidateText({ kv, residents: [] }, { ...rest, outcome: { freedBytes: 0, kvCaches: 0 } }),
  ]).toEqual([
    'Frees at least 2.00 GB: idle conversations go to disk, contexts shrink',
    'Nothing to free while answers are written',
    'Nothing to free: each cache is as small as what it holds',
    'Freed 1.00 GB from 1 KV cache',
    'Freed nothing',
  ])
})

test('says how far a context may still grow', () => {
  const contexts = [contextOf(), contextOf({ contextTokens: 8192 })]
  expect(
    [32_768, 4096].map((contextLimitTokens) =>
      growthText({ contexts, contextLimitTokens, kvBudgetBytes: 4 * GB }),
    ),
  ).toEqual([
    'each conversation can grow to 32,768 tokens; budget of all 4.00 GB',
    'each conversation as large as it may be with 4,096 tokens; budget of all 4.00 GB',
  ])
})
