import { describe, expect, test, vi } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { createFakePool, measured, settle, unloadLimitMs, type FakePool } from './pool-fixture.ts'
import type { IdleKv } from './relief.ts'
import { idleKvMs } from './residency.ts'

/** A KV cache of a model that was just used. */
function cache(pool: FakePool, id: string, more: Partial<IdleKv> = {}): IdleKv {
  return { id, kind: 'drop', bytes: { unified: 2 * GB }, tokens: 100, lastUsedAt: pool.clock.now(), ...more }
}

describe('room', () => {
  test('comes from idle KV caches before a model has to leave', async () => {
    const pool = createFakePool(
      10 * GB,
      { old: { bytes: 6 * GB }, new: { bytes: 5 * GB } },
      { policy: 'cost' },
    )
    await pool.bring('old')
    pool.backend.caches.set('old', [cache(pool, 'one'), cache(pool, 'two')])
    expect(pool.residency.preview('new').verdict).toEqual({
      kind: 'fits',
      relieves: [{ modelId: 'old', name: 'old', kind: 'drop', freesBytes: 2 * GB }],
    })
    const onWait = vi.fn()
    const acquired = pool.residency.acquire('new', { onWait })
    await settle()
    expect([...pool.backend.reliefs.keys()]).toEqual(['old one'])
    pool.clock.advance(40)
    pool.backend.reliefs.get('old one')?.finish()
    await settle()
    pool.backend.loads.get('new')?.finish()
    await acquired
    expect(pool.kinds()).toEqual({ old: 'ready', new: 'busy' })
    expect(onWait.mock.calls[0]).toEqual(['Waiting for idle conversations of "old" to leave memory'])
    expect(pool.residency.events[1]).toMatchObject({
      ...{ kind: 'dropped', modelId: 'old', freedBytes: 2 * GB, tookMs: 40 },
      text: 'An idle conversation is to be read again to make room for "new"',
    })
    expect(pool.residency.counters).toMatchObject({ reliefs: 1, evictions: 0 })
  })

  test('is made otherwise when a KV cache could not be given back, which is not tried again', async () => {
    for (const how of ['refused', 'failed'] as const) {
      const pool = createFakePool(10, { old: { bytes: 6 }, new: { bytes: 5 } })
      await pool.bring('old')
      pool.backend.caches.set('old', [cache(pool, 'one', { bytes: { unified: 2 } })])
      const acquired = pool.residency.acquire('new')
      await settle()
      const relief = pool.backend.reliefs.get('old one')
      if (how === 'failed') relief?.fail(new Error('broken'))
      else {
        pool.backend.caches.delete('old')
        relief?.finish()
      }
      await settle()
      expect(pool.kinds()).toEqual({ old: 'unloading', new: 'queued' })
      pool.backend.unloads.get('old')?.finish()
      await settle()
      pool.backend.loads.get('new')?.finish()
      await acquired
    }
  })

  test('that an idle conversation of a busy model could make is waited for', async () => {
    const pool = createFakePool(10, { busy: { bytes: 8 }, new: { bytes: 3 } })
    await pool.bring('busy')
    pool.backend.caches.set('busy', [cache(pool, 'one', { bytes: { unified: 2 } })])
    const lease = await pool.residency.acquire('busy')
    expect(pool.residency.preview('new').verdict).toMatchObject({
      ...{ kind: 'waits', leaving: [], waitsFor: [{ modelId: 'busy' }], relieves: [{ modelId: 'busy' }] },
    })
    const onWait = vi.fn()
    const acquired = pool.residency.acquire('new', { onWait })
    expect(onWait.mock.calls).toEqual([['Waiting for "busy" to be done']])
    lease[Symbol.dispose]()
    pool.backend.reliefs.get('busy one')?.finish()
    await settle()
    pool.backend.loads.get('new')?.finish()
    await acquired
    expect(pool.kinds()).toEqual({ busy: 'ready', new: 'busy' })
  })

  test('goes by how fast a model was seen to read', async () => {
    const pool = createFakePool(
      10 * GB,
      { old: { bytes: 6 * GB }, new: { bytes: 5 * GB } },
      { policy: 'cost' },
    )
    await pool.bring('old')
    pool.backend.caches.set('old', [cache(pool, 'one', { tokens: 20_000 })])
    const steps = () => {
      const { verdict } = pool.residency.preview('new')
      return verdict.kind
    }
    pool.residency.reportPrefill('old', { tokens: 100, ms: 1000 })
    expect(steps()).toBe('evicts')
    pool.residency.reportPrefill('old', { tokens: 10, ms: 1 })
    expect(steps()).toBe('evicts')
    pool.residency.reportPrefill('old', { tokens: 1_000_000, ms: 1000 })
    expect(steps()).toBe('fits')
  })

  test('a smaller pool waits for KV caches to be given back', async () => {
    const pool = createFakePool(10, { old: { bytes: 6 } })
    await pool.bring('old')
    pool.backend.caches.set('old', [cache(pool, 'one', { bytes: { unified: 2 } })])
    const capacity = { id: 'unified', name: 'Pool', totalBytes: 5, reserveBytes: 0 } as const
    const changed = pool.residency.setCapacity(capacity)
    await settle()
    expect(pool.ledger.domains()[0]?.totalBytes).toBe(10)
    pool.backend.reliefs.get('old one')?.finish()
    await changed
    expect(pool.ledger.domains()[0]).toMatchObject({ totalBytes: 5, usedBytes: 4 })
  })
})

describe('pressure', () => {
  const models = { a: { bytes: 60 }, b: { bytes: 30 } }

  test('gives back KV caches that were not used for a while, by itself', async () => {
    const pool = createFakePool(100, models, { pressureShare: 0.85 })
    await pool.bring('a')
    pool.backend.caches.set('a', [cache(pool, 'one', { bytes: { unified: 4 } })])
    expect(pool.residency.isUnderPressure).toBe(false)
    await pool.bring('b')
    expect(pool.residency.isUnderPressure).toBe(true)
    pool.clock.advance(idleKvMs - 1)
    expect(pool.backend.reliefs.size).toBe(0)
    pool.clock.advance(1)
    expect([...pool.backend.reliefs.keys()]).toEqual(['a one'])
    pool.backend.reliefs.get('a one')?.finish()
    await settle()
    expect(pool.residency.events[0]?.text).toBe(
      'An idle conversation is to be read again because more than 85 % of the pool is taken',
    )
    // There is nothing more to give back: nobody leaves for it, and nothing is tried for ever.
    expect([pool.kinds(), pool.clock.pendingTimers]).toEqual([{ a: 'ready', b: 'ready' }, 0])
    expect(pool.residency.isUnderPressure).toBe(true)
  })

  test('gives a spare one back at once, and follows the setting', async () => {
    const pool = createFakePool(100, models, { pressureShare: 1 })
    await pool.bring('a')
    const spare = { kind: 'shrink', bytes: { unified: 4 }, lastUsedAt: 0 } as const
    pool.backend.caches.set('a', [cache(pool, 'spare', spare)])
    await pool.bring('b')
    expect(pool.backend.reliefs.size).toBe(0)
    pool.residency.configure({ policy: 'lru', idleUnloadMinutes: null, pressureShare: 0.5 })
    expect([...pool.backend.reliefs.keys()]).toEqual(['a spare'])
  })

  test('leaves busy and pinned models alone', async () => {
    const pool = createFakePool(
      100,
      { a: { bytes: 60 }, b: { bytes: 30, pinned: true } },
      { pressureShare: 0.5 },
    )
    await pool.bring('a')
    await pool.bring('b')
    const lease = await pool.residency.acquire('a')
    const spare = cache(pool, 'spare', { kind: 'shrink', bytes: { unified: 4 } })
    pool.backend.caches.set('a', [spare])
    pool.backend.caches.set('b', [spare])
    pool.clock.advance(idleKvMs)
    pool.residency.setOther('unified', 1)
    expect(pool.backend.reliefs.size).toBe(0)
    lease[Symbol.dispose]()
    expect([...pool.backend.reliefs.keys()]).toEqual(['a spare'])
  })
})

describe('a context that grows', () => {
  const models = { grows: { bytes: 40 }, other: { bytes: 50 }, pinned: { bytes: 5, pinned: true } }
  async function full() {
    const pool = createFakePool(100, models)
    for (const id of Object.keys(models)) await pool.bring(id)
    pool.backend.caches.set('other', [
      cache(pool, 'one', { kind: 'park', bytes: { unified: 10 } }),
      cache(pool, 'two', { kind: 'drop', bytes: { unified: 10 } }),
    ])
    pool.backend.caches.set('pinned', [cache(pool, 'three', { bytes: { unified: 5 } })])
    return pool
  }

  test('gets what others do not use, and waits until that is free', async () => {
    const pool = await full()
    using _lease = await pool.residency.acquire('grows')
    expect(pool.residency.resize('grows', measured(52))).toBe(false)
    let isDone = false
    const relieved = pool.residency.relieveFor('grows', measured(52)).finally(() => (isDone = true))
    await settle()
    expect([[...pool.backend.reliefs.keys()], isDone]).toEqual([['other one'], false])
    pool.backend.reliefs.get('other one')?.finish()
    expect(await relieved).toBe(true)
    expect(pool.residency.resize('grows', measured(52))).toBe(true)
    expect(pool.residency.events[0]?.text).toBe(
      'An idle conversation was put on disk so that a conversation with "grows" can grow',
    )
  })

  test('has no model leave for it, however idle', async () => {
    const pool = await full()
    expect(await pool.residency.relieveFor('grows', measured(66))).toBe(false)
    expect([pool.backend.reliefs.size, pool.kinds()['other']]).toEqual([0, 'ready'])
    // Not there, or nothing missing: nothing to give back either.
    expect(await pool.residency.relieveFor('absent', measured(1))).toBe(false)
    expect(await pool.residency.relieveFor('grows', measured(41))).toBe(false)
  })
})

test('what fits with ease leaves the pool without pressure', async () => {
  const pool = createFakePool(100, { a: { bytes: 60 } }, { pressureShare: 0.85 })
  await pool.bring('a')
  expect([25, 26].map((bytes) => pool.residency.fitsWithEase(measured(bytes)))).toEqual([true, false])
})

test('consolidating gives all idle KV caches back and tells what that has won', async () => {
  const pool = createFakePool(100, {
    a: { bytes: 40 },
    pinned: { bytes: 20, pinned: true },
    busy: { bytes: 10 },
  })
  for (const id of ['a', 'pinned', 'busy']) await pool.bring(id)
  using _lease = await pool.residency.acquire('busy')
  for (const id of ['a', 'pinned', 'busy'])
    pool.backend.caches.set(id, [cache(pool, 'one', { bytes: { unified: 5 } })])
  pool.backend.caches.set('a', [
    ...(pool.backend.caches.get('a') ?? []),
    cache(pool, 'two', { kind: 'park', bytes: { unified: 7 } }),
  ])
  const consolidated = pool.residency.consolidate()
  await settle()
  expect([...pool.backend.reliefs.keys()]).toEqual(['a one', 'a two', 'pinned one'])
  pool.backend.caches.set('pinned', [])
  for (const relief of [...pool.backend.reliefs.values()]) relief.finish()
  expect(await consolidated).toEqual({ freedBytes: 12, kvCaches: 2 })
  expect(pool.ledger.domains()[0]?.usedBytes).toBe(58)
  expect(pool.residency.events.slice(0, 2).map(({ kind, text }) => [kind, text])).toEqual([
    ['parked', 'An idle conversation was put on disk on request'],
    ['dropped', 'An idle conversation is to be read again on request'],
  ])
})

test('two models that cannot both be in memory are both served, and the user is told', async () => {
  const pool = createFakePool(50 * GB, { Coder: { bytes: 41 * GB }, Guide: { bytes: 41 * GB } })
  const served: string[] = []
  async function use(modelId: string): Promise<void> {
    const lease = pool.residency.acquire(modelId)
    await settle()
    pool.clock.advance(1000)
    for (const unload of [...pool.backend.unloads.values()]) unload.finish()
    await settle()
    pool.backend.loads.get(modelId)?.finish()
    ;(await lease)[Symbol.dispose]()
    served.push(modelId)
  }
  for (let round = 0; round < 3; round++) {
    await use('Coder')
    await use('Guide')
  }
  expect(served).toEqual(['Coder', 'Guide', 'Coder', 'Guide', 'Coder', 'Guide'])
  const text = '"Coder" and "Guide" take turns in memory: each switch reloads 41.0 GB and takes about 1.0 s'
  expect(pool.residency.thrash?.text).toBe(text)
  expect(pool.residency.events.filter(({ kind }) => kind === 'thrash').map((event) => event.text)).toEqual([
    text,
  ])
  expect(pool.residency.events.find(({ kind }) => kind === 'evicted')).toMatchObject({
    ...{ freedBytes: 41 * GB, tookMs: 1000 },
  })
  pool.clock.advance(60 * 60_000)
  expect(pool.residency.thrash).toBeNull()
})

test('a model that does not leave in time is ended at once, and the next one loads', async () => {
  const pool = createFakePool(10, { stuck: { bytes: 6 }, next: { bytes: 6 } })
  await pool.bring('stuck')
  const acquired = pool.residency.acquire('next')
  await settle()
  pool.clock.advance(unloadLimitMs - 1)
  await settle()
  expect(pool.kinds()).toEqual({ stuck: 'unloading', next: 'queued' })
  pool.clock.advance(1)
  await settle()
  pool.backend.loads.get('next')?.finish()
  await acquired
  expect(pool.kinds()).toEqual({ next: 'busy' })
  expect(pool.clock.pendingTimers).toBe(0)
})
