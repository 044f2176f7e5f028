import { expect, test } from 'vitest'
import { createFakePool, settle } from './pool-fixture.ts'

/** Room for two of three. */
async function newPool() {
  const pool = createFakePool(10, {
    specialist: { bytes: 4 },
    other: { bytes: 4 },
    verifier: { bytes: 4 },
  })
  await pool.bring('specialist')
  pool.clock.advance(1000)
  await pool.bring('other')
  pool.clock.advance(1000)
  return pool
}

test('a load leaves those in memory that are to be kept, and evicts another', async () => {
  const pool = await newPool()
  // It would be the first to go: it was used longest ago.
  expect(pool.residency.preview('verifier').verdict).toMatchObject({ leaving: [{ modelId: 'specialist' }] })
  expect(pool.residency.preview('verifier', {}, { keep: ['specialist'] }).verdict).toMatchObject({
    ...{ kind: 'evicts', leaving: [{ modelId: 'other' }] },
  })
  const acquired = pool.residency.acquire('verifier', { keep: ['specialist'] })
  await settle()
  pool.backend.unloads.get('other')?.finish()
  await settle()
  pool.backend.loads.get('verifier')?.finish()
  using _lease = await acquired
  expect(pool.kinds()).toEqual({ specialist: 'ready', verifier: 'busy' })
})

test('a load is refused rather than that those leave who are to be kept, busy or not, and nobody is told to unpin them', async () => {
  const pool = await newPool()
  const keep = ['specialist', 'other']
  const refusal = {
    code: 'NO_ROOM',
    details: { help: 'A smaller model or a larger pool is needed', remedies: [] },
  }
  await expect(pool.residency.acquire('verifier', { keep })).rejects.toMatchObject(refusal)
  expect(pool.residency.preview('verifier', {}, { keep }).verdict.kind).toBe('refused')
  using _lease = await pool.residency.acquire('specialist')
  await expect(pool.residency.acquire('verifier', { keep })).rejects.toMatchObject(refusal)
  expect(pool.kinds()).toEqual({ specialist: 'busy', other: 'ready' })
})

test('whoever waits for the same load without keeping anybody has it evict as usual', async () => {
  const pool = await newPool()
  using busy = await pool.residency.acquire('other')
  // It waits for the busy one, since the idle one is kept.
  const kept = pool.residency.acquire('verifier', { keep: ['specialist'] })
  await settle()
  expect(pool.kinds()).toEqual({ specialist: 'ready', other: 'busy', verifier: 'queued' })
  const plain = pool.residency.acquire('verifier')
  await settle()
  pool.backend.unloads.get('specialist')?.finish()
  await settle()
  pool.backend.loads.get('verifier')?.finish()
  for (const lease of await Promise.all([kept, plain])) lease[Symbol.dispose]()
  expect(pool.kinds()).toEqual({ other: 'busy', verifier: 'ready' })
  busy[Symbol.dispose]()
})
