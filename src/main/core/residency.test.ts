import { describe, expect, test, vi } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import { AppError, type Problem } from '../../contract/errors.ts'
import { createFakePool, measured, settle, type FakePool } from './pool-fixture.ts'

const crash: Problem = { code: 'MODEL_CRASHED', message: 'The process of "a" was killed', details: {} }

/** The outcome of a promise so far. */
function watch(promise: Promise<unknown>): { state: string; error: unknown } {
  const watched = { state: 'pending', error: null as unknown }
  promise.then(
    () => (watched.state = 'resolved'),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error }),
  )
  return watched
}

function used(pool: FakePool): number | undefined {
  return pool.ledger.domains()[0]?.usedBytes
}

describe('loading', () => {
  test('loads an absent model, tells how far it is, and gives a lease when it is ready', async () => {
    const pool = createFakePool(10 * GB, { a: { bytes: 4 * GB } })
    const onWait = vi.fn()
    const acquired = pool.residency.acquire('a', { onWait })
    await settle()
    pool.clock.advance(2000)
    pool.backend.loads.get('a')?.progress(1 * GB)
    expect(pool.residency.states()).toMatchObject([
      { modelId: 'a', state: 'loading', loadedBytes: 1 * GB, processId: null },
    ])
    pool.backend.loads.get('a')?.finish(5 * GB)
    const lease = await acquired
    expect(pool.residency.states()).toMatchObject([
      {
        modelId: 'a',
        state: 'busy',
        leases: 1,
        footprint: measured(5 * GB),
        processId: 100,
        loadedBytes: null,
      },
    ])
    expect(onWait.mock.calls).toEqual([['Loading "a"']])
    expect(pool.residency.events.map(({ kind, text }) => ({ kind, text }))).toEqual([
      { kind: 'loaded', text: 'Loaded on request, takes 5.00 GB, 4.00 GB predicted' },
    ])
    lease[Symbol.dispose]()
    lease[Symbol.dispose]()
    expect(pool.residency.states()).toMatchObject([{ state: 'ready', leases: 0 }])
  })

  test('shares one load among all who ask for it', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    const both = Promise.all([pool.residency.acquire('a'), pool.residency.acquire('a')])
    await settle()
    const third = pool.residency.acquire('a')
    pool.backend.loads.get('a')?.finish()
    const leases = [...(await both), await third]
    expect(pool.residency.states()).toMatchObject([{ state: 'busy', leases: 3 }])
    for (const lease of leases) lease[Symbol.dispose]()
    expect(pool.residency.counters.loads).toBe(1)
  })

  test('leases a resident model at once', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    await pool.bring('a')
    using lease = await pool.residency.acquire('a')
    expect(lease.modelId).toBe('a')
    expect(pool.backend.loads.size).toBe(0)
  })

  test('reserves a prediction with its margin until the model is measured', async () => {
    const pool = createFakePool(10 * GB, { a: { bytes: 4 * GB } })
    const acquired = pool.residency.acquire('a')
    await settle()
    expect(pool.backend.loads.get('a')?.reserved).toEqual([{ ...measured(4 * GB)[0], source: 'predicted' }])
    pool.backend.loads.get('a')?.finish(3 * GB)
    await acquired
    expect(used(pool)).toBe(3 * GB)
  })

  test('passes the options of the one who asked first', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    watch(pool.residency.acquire('a', { options: { contextTokens: 512 } }))
    watch(pool.residency.acquire('a', { options: { contextTokens: 1024 } }))
    await settle()
    expect(pool.backend.loads.get('a')?.options).toEqual({ contextTokens: 512 })
    expect(pool.residency.states()).toMatchObject([{ options: { contextTokens: 512 } }])
  })

  test('fails with the error of the load, shows it, and loads again when asked again', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    const error = new AppError('MODEL_FAILED', 'The backend does not know "a"')
    const failing = pool.residency.acquire('a')
    await settle()
    pool.backend.loads.get('a')?.fail(error)
    await expect(failing).rejects.toBe(error)
    expect(pool.residency.states()).toMatchObject([
      { state: 'failed', problem: { code: 'MODEL_FAILED' }, footprint: [] },
    ])
    expect(used(pool)).toBe(0)
    await pool.bring('a')
    expect(pool.kinds()).toEqual({ a: 'ready' })
  })

  test('rejects with what the library says of a model that it does not know', async () => {
    const pool = createFakePool(10, {})
    await expect(pool.residency.acquire('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(() => pool.residency.preview('nobody')).toThrow('There is no model "nobody"')
    expect(pool.residency.states()).toEqual([])
  })
})

describe('making room', () => {
  test('evicts the idle model and waits until its memory is back', async () => {
    const pool = createFakePool(10 * GB, { old: { bytes: 6 * GB }, new: { bytes: 6 * GB } })
    await pool.bring('old')
    const onWait = vi.fn()
    const acquired = pool.residency.acquire('new', { onWait })
    await settle()
    expect(pool.kinds()).toEqual({ old: 'unloading', new: 'queued' })
    expect(pool.backend.loads.size).toBe(0)
    pool.backend.unloads.get('old')?.finish()
    await settle()
    pool.backend.loads.get('new')?.finish()
    await acquired
    expect(pool.kinds()).toEqual({ new: 'busy' })
    expect(onWait.mock.calls).toEqual([['Waiting for "old" to leave memory'], ['Loading "new"']])
    expect(pool.residency.events[1]).toMatchObject({
      kind: 'evicted',
      modelId: 'old',
      text: 'Left to make room for "new"',
      freedBytes: 6 * GB,
    })
    expect(pool.residency.counters).toMatchObject({ loads: 2, evictions: 1, unloads: 0 })
  })

  test('waits for a busy model that could make room, then evicts it', async () => {
    const pool = createFakePool(10, { busy: { bytes: 6 }, next: { bytes: 6 } })
    await pool.bring('busy')
    const lease = await pool.residency.acquire('busy')
    const acquired = watch(pool.residency.acquire('next'))
    await settle()
    expect(pool.residency.states()).toMatchObject([
      { modelId: 'busy', state: 'busy' },
      { modelId: 'next', state: 'queued', waitingFor: 'Waiting for "busy" to be done', footprint: [] },
    ])
    lease[Symbol.dispose]()
    pool.backend.unloads.get('busy')?.finish()
    await settle()
    pool.backend.loads.get('next')?.finish()
    await settle()
    expect([acquired.state, pool.kinds()]).toEqual(['resolved', { next: 'busy' }])
  })

  test('refuses when only pinned models are in the way, and says what to unpin', async () => {
    const pool = createFakePool(10 * GB, {
      large: { bytes: 5 * GB, pinned: true },
      small: { bytes: 3 * GB, pinned: true },
      next: { bytes: 4 * GB },
    })
    await pool.bring('large')
    await pool.bring('small')
    await expect(pool.residency.acquire('next')).rejects.toMatchObject({
      code: 'NO_ROOM',
      message: 'Cannot load "next": needs 4.00 GB, 2.00 GB is free',
      details: {
        ...{ modelId: 'next', neededBytes: 4 * GB, freeBytes: 2 * GB },
        help: 'Unpin "small" (frees 3.00 GB), or unpin "large" (frees 5.00 GB)',
        remedies: [
          { kind: 'unpin', modelId: 'small', name: 'small', freesBytes: 3 * GB },
          { kind: 'unpin', modelId: 'large', name: 'large', freesBytes: 5 * GB },
        ],
      },
    })
    expect(pool.kinds()).toEqual({ large: 'ready', small: 'ready' })
    expect(pool.residency.counters.refusals).toBe(1)
  })

  test('refuses a model that is larger than the pool, offering the longest context that fits', async () => {
    const pool = createFakePool(10 * GB, { long: { bytes: 8 * GB, bytesPerToken: 1 * MB } })
    await expect(pool.residency.acquire('long')).rejects.toMatchObject({
      message: 'Cannot load "long": needs 12.0 GB, 10.0 GB is free',
      details: {
        help: 'Use a context of 2,048 tokens (saves 2.00 GB)',
        remedies: [{ kind: 'shorten', name: 'long', freesBytes: 2 * GB, contextTokens: 2048 }],
      },
    })
  })

  test('names together what only helps together, and what else could be made free', async () => {
    const pool = createFakePool(10 * GB, {
      pinned: { bytes: 3 * GB, pinned: true },
      other: { bytes: 3 * GB, pinned: true },
      idle: { bytes: 2 * GB },
      next: { bytes: 10 * GB },
    })
    for (const model of ['pinned', 'other', 'idle']) await pool.bring(model)
    const { verdict } = pool.residency.preview('next')
    expect(verdict).toMatchObject({
      kind: 'refused',
      problem: {
        message: 'Cannot load "next": needs 10.0 GB, 2.00 GB is free and 2.00 GB more can be made free',
        details: { help: 'Unpin "pinned" (frees 3.00 GB), and unpin "other" (frees 3.00 GB)' },
      },
      remedies: [{ kind: 'unpin' }, { kind: 'unpin' }],
    })
  })

  test('unpinning lets the one who waits in', async () => {
    const pool = createFakePool(10, {
      pinned: { bytes: 4, pinned: true },
      busy: { bytes: 4 },
      next: { bytes: 6 },
    })
    await pool.bring('pinned')
    await pool.bring('busy')
    const lease = await pool.residency.acquire('busy')
    const acquired = watch(pool.residency.acquire('next'))
    await settle()
    expect(pool.kinds()).toMatchObject({ next: 'queued' })
    pool.residency.setPinned('pinned', { pinned: false })
    expect(pool.kinds()).toMatchObject({ pinned: 'unloading', busy: 'busy' })
    pool.backend.unloads.get('pinned')?.finish()
    await settle()
    pool.backend.loads.get('next')?.finish()
    await settle()
    expect(acquired.state).toBe('resolved')
    lease[Symbol.dispose]()
  })

  test('refuses one who waits as soon as waiting is of no use any more', async () => {
    const pool = createFakePool(10, { busy: { bytes: 6 }, next: { bytes: 6 } })
    await pool.bring('busy')
    using _lease = await pool.residency.acquire('busy')
    const acquired = watch(pool.residency.acquire('next'))
    await settle()
    expect(acquired.state).toBe('pending')
    pool.residency.setPinned('busy', { pinned: true })
    await settle()
    expect(acquired.error).toMatchObject({
      code: 'NO_ROOM',
      details: { remedies: [{ kind: 'unload', modelId: 'busy' }] },
    })
  })

  test('counts what other programs take', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    pool.residency.setOther('unified', 5)
    await expect(pool.residency.acquire('a')).rejects.toMatchObject({ code: 'NO_ROOM' })
    pool.residency.setOther('unified', 4)
    await pool.bring('a')
  })

  test('lets the one who waits in when other programs give memory back', async () => {
    const pool = createFakePool(10, { busy: { bytes: 4 }, next: { bytes: 6 } })
    await pool.bring('busy')
    using _lease = await pool.residency.acquire('busy')
    pool.residency.setOther('unified', 2)
    watch(pool.residency.acquire('next'))
    await settle()
    expect(pool.kinds()).toEqual({ busy: 'busy', next: 'queued' })
    pool.residency.setOther('unified', 0)
    expect(pool.kinds()).toEqual({ busy: 'busy', next: 'loading' })
  })

  test('decides anew when somebody changes his mind on being told what he waits for', async () => {
    const pool = createFakePool(10, {
      one: { bytes: 3 },
      two: { bytes: 3 },
      large: { bytes: 9 },
      small: { bytes: 4 },
    })
    await pool.bring('one')
    await pool.bring('two')
    const lease = await pool.residency.acquire('one')
    using _other = await pool.residency.acquire('two')
    const controller = new AbortController()
    const onWait = (reason: string) => {
      if (reason === 'Waiting for "two" to be done') controller.abort(new Error('not for two'))
    }
    const large = watch(pool.residency.acquire('large', { signal: controller.signal, onWait }))
    watch(pool.residency.acquire('small'))
    await settle()
    expect(pool.kinds()).toMatchObject({ large: 'queued', small: 'queued' })
    lease[Symbol.dispose]()
    expect(pool.kinds()).toEqual({ one: 'ready', two: 'busy', small: 'loading' })
    await settle()
    expect(large.error).toEqual(new Error('not for two'))
  })

  test('lets nobody overtake a load that waits for room', async () => {
    const pool = createFakePool(10, { busy: { bytes: 6 }, large: { bytes: 8 }, small: { bytes: 2 } })
    await pool.bring('busy')
    const lease = await pool.residency.acquire('busy')
    const large = watch(pool.residency.acquire('large'))
    const small = watch(pool.residency.acquire('small'))
    await settle()
    expect(pool.residency.states().at(-1)).toMatchObject({
      modelId: 'small',
      waitingFor: 'Waiting behind "large"',
    })
    lease[Symbol.dispose]()
    pool.backend.unloads.get('busy')?.finish()
    await settle()
    expect([...pool.backend.loads.keys()]).toEqual(['large', 'small'])
    pool.backend.loads.get('small')?.finish()
    pool.backend.loads.get('large')?.finish()
    await settle()
    expect([large.state, small.state]).toEqual(['resolved', 'resolved'])
  })

  test('a model that is used again and again does not keep another out for ever', async () => {
    const pool = createFakePool(10, { busy: { bytes: 6 }, next: { bytes: 6 } })
    await pool.bring('busy')
    let lease = await pool.residency.acquire('busy')
    const next = watch(pool.residency.acquire('next'))
    let turns = 0
    for (; turns < 100; turns++) {
      const again = pool.residency.acquire('busy')
      const outcome = watch(again)
      await settle()
      if (outcome.state === 'pending') break
      lease[Symbol.dispose]()
      lease = await again
    }
    expect(turns).toBe(8)
    lease[Symbol.dispose]()
    pool.backend.unloads.get('busy')?.finish()
    await settle()
    pool.backend.loads.get('next')?.finish()
    await settle()
    expect([next.state, pool.kinds()]).toEqual(['resolved', { next: 'busy', busy: 'queued' }])
  })

  test('keeps a model from overtaking only as long as the load in front of it waits', async () => {
    const pool = createFakePool(10, { busy: { bytes: 6 }, next: { bytes: 6 } })
    await pool.bring('busy')
    using _lease = await pool.residency.acquire('busy')
    const impatient = new AbortController()
    const next = watch(pool.residency.acquire('next', { signal: impatient.signal }))
    for (let turn = 0; turn < 8; turn++) (await pool.residency.acquire('busy'))[Symbol.dispose]()
    const ninth = watch(pool.residency.acquire('busy'))
    await settle()
    expect(ninth.state).toBe('pending')
    impatient.abort(new Error('enough'))
    await settle()
    expect([next.state, ninth.state]).toEqual(['rejected', 'resolved'])
  })
})

describe('cancelling', () => {
  test('rejects at once with the reason of a signal that is aborted already', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    const controller = new AbortController()
    controller.abort(new Error('stopped'))
    await expect(pool.residency.acquire('a', { signal: controller.signal })).rejects.toThrow('stopped')
    expect(pool.kinds()).toEqual({})
  })

  test('ends a load that nobody waits for any more', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    const [first, second] = [new AbortController(), new AbortController()]
    const outcomes = [first, second].map(({ signal }) => watch(pool.residency.acquire('a', { signal })))
    await settle()
    first.abort(new Error('first left'))
    await settle()
    expect(pool.kinds()).toEqual({ a: 'loading' })
    second.abort(new Error('second left'))
    await settle()
    expect(outcomes.map(({ error }) => error)).toEqual([new Error('first left'), new Error('second left')])
    expect([pool.kinds(), used(pool), pool.backend.holding.size]).toEqual([{}, 0, 0])
    expect(pool.residency.events[0]).toMatchObject({
      kind: 'unloaded',
      ...{ text: 'Loading was cancelled', tookMs: 0 },
    })
  })

  test('takes out what a load brings that ends after it was cancelled, and only then loads it again', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    pool.backend.heedsAbort = false
    const controller = new AbortController()
    watch(pool.residency.acquire('a', { signal: controller.signal }))
    await settle()
    controller.abort(new Error('stopped'))
    const again = watch(pool.residency.acquire('a'))
    await settle()
    expect([pool.kinds(), used(pool)]).toEqual([{ a: 'unloading' }, 6])
    pool.backend.loads.get('a')?.finish()
    await settle()
    pool.backend.unloads.get('a')?.finish()
    await settle()
    expect(pool.kinds()).toEqual({ a: 'loading' })
    pool.backend.loads.get('a')?.finish()
    await settle()
    expect(again.state).toBe('resolved')
  })

  test('ends a wait and lets the next one in line in', async () => {
    const pool = createFakePool(10, { busy: { bytes: 6 }, large: { bytes: 8 }, small: { bytes: 2 } })
    await pool.bring('busy')
    using _lease = await pool.residency.acquire('busy')
    const controller = new AbortController()
    const large = watch(pool.residency.acquire('large', { signal: controller.signal }))
    watch(pool.residency.acquire('small'))
    await settle()
    controller.abort(new Error('stopped'))
    await settle()
    expect(large.error).toEqual(new Error('stopped'))
    expect(pool.kinds()).toEqual({ busy: 'busy', small: 'loading' })
  })

  test('unloading cancels a load for all who wait, which is no failure', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    const waiting = watch(pool.residency.acquire('a'))
    await settle()
    await pool.residency.unload('a')
    expect(waiting.error).toMatchObject({ name: 'AbortError', message: 'Loading "a" was cancelled' })
    expect([pool.kinds(), used(pool)]).toEqual([{}, 0])
  })
})

describe('measured footprints', () => {
  test('evicts others for a model that takes more than predicted', async () => {
    const pool = createFakePool(10 * GB, { other: { bytes: 4 * GB }, a: { bytes: 5 * GB } })
    await pool.bring('other')
    const acquired = watch(pool.residency.acquire('a'))
    await settle()
    pool.backend.loads.get('a')?.finish(7 * GB)
    await settle()
    expect(pool.kinds()).toEqual({ other: 'unloading', a: 'loading' })
    pool.backend.unloads.get('other')?.finish()
    await settle()
    expect([acquired.state, used(pool)]).toEqual(['resolved', 7 * GB])
    expect(pool.residency.events[1]?.text).toBe('Left because "a" takes more than predicted')
  })

  test('takes a model out again that takes more than there is, with the facts', async () => {
    const pool = createFakePool(10 * GB, { pinned: { bytes: 4 * GB, pinned: true }, a: { bytes: 5 * GB } })
    await pool.bring('pinned')
    const acquired = watch(pool.residency.acquire('a'))
    await settle()
    pool.backend.loads.get('a')?.finish(7 * GB)
    await settle()
    const message = 'Cannot keep "a" in memory: takes 7.00 GB, 5.00 GB was reserved and 1.00 GB more is free'
    expect(acquired.error).toMatchObject({ code: 'NO_ROOM', message })
    expect(pool.kinds()).toEqual({ pinned: 'ready', a: 'unloading' })
    pool.backend.unloads.get('a')?.finish()
    await settle()
    expect(pool.residency.states()[1]).toMatchObject({ state: 'failed', problem: { message }, footprint: [] })
    expect(used(pool)).toBe(4 * GB)
  })

  test('resizes what a resident has reserved, but evicts nobody for it', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 }, b: { bytes: 4 } })
    await pool.bring('a')
    await pool.bring('b')
    expect([pool.residency.resize('a', measured(7)), pool.residency.resize('a', measured(6))]).toEqual([
      false,
      true,
    ])
    expect([used(pool), pool.residency.resize('absent', measured(1))]).toEqual([10, false])
  })

  test('a resident that shrinks lets the one who waits in', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 }, b: { bytes: 6 } })
    await pool.bring('a')
    using _lease = await pool.residency.acquire('a')
    watch(pool.residency.acquire('b'))
    await settle()
    pool.residency.resize('a', measured(4))
    expect(pool.kinds()).toEqual({ a: 'busy', b: 'loading' })
  })
})

describe('crashes', () => {
  test('a dead model is failed, its leases are void, its room is free, and it comes back when asked for', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    await pool.bring('a')
    const lease = await pool.residency.acquire('a')
    pool.backend.crash('a')
    pool.residency.reportCrash('a', crash)
    expect(pool.residency.states()).toMatchObject([
      { state: 'failed', problem: crash, leases: 0, processId: null },
    ])
    expect([used(pool), lease.signal.aborted]).toEqual([0, true])
    expect(lease.signal.reason).toMatchObject({ code: 'MODEL_CRASHED' })
    await pool.bring('a')
    lease[Symbol.dispose]()
    expect(pool.kinds()).toEqual({ a: 'ready' })
    expect(pool.residency.counters).toMatchObject({ crashes: 1, loads: 2 })
  })

  test('a crash makes room for the one who waits', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 }, b: { bytes: 6 } })
    await pool.bring('a')
    using _lease = await pool.residency.acquire('a')
    watch(pool.residency.acquire('b'))
    await settle()
    pool.residency.reportCrash('a', crash)
    expect(pool.kinds()).toEqual({ a: 'failed', b: 'loading' })
  })

  test('a model that dies just after its load has ended is not taken for ready', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    const acquired = watch(pool.residency.acquire('a'))
    await settle()
    pool.backend.loads.get('a')?.finish()
    pool.residency.reportCrash('a', crash)
    await settle()
    expect(acquired.error).toMatchObject({ code: 'MODEL_CRASHED' })
    expect([pool.kinds(), used(pool)]).toEqual([{ a: 'failed' }, 0])
  })

  test('an end that was asked for is no crash', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    await pool.bring('a')
    const unloading = pool.residency.unload('a')
    pool.residency.reportCrash('a', crash)
    pool.backend.unloads.get('a')?.finish()
    await unloading
    expect([pool.kinds(), pool.residency.counters.crashes]).toEqual([{}, 0])
  })

  test('unloading a failed model clears it away', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    await pool.bring('a')
    pool.residency.reportCrash('a', crash)
    await pool.residency.unload('a')
    expect(pool.kinds()).toEqual({})
  })
})

describe('unloading', () => {
  test('refuses while the model is leased, unless forced, which makes leases void', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    await pool.bring('a')
    const lease = await pool.residency.acquire('a')
    await expect(pool.residency.unload('a')).rejects.toMatchObject({ code: 'MODEL_BUSY' })
    expect(pool.kinds()).toEqual({ a: 'busy' })
    const unloading = watch(pool.residency.unload('a', { force: true }))
    expect(lease.signal.reason).toMatchObject({ name: 'AbortError', message: '"a" was unloaded' })
    lease[Symbol.dispose]()
    await settle()
    expect([pool.kinds(), used(pool), unloading.state]).toEqual([{ a: 'unloading' }, 6, 'pending'])
    pool.backend.unloads.get('a')?.finish()
    await settle()
    expect([pool.kinds(), used(pool), unloading.state]).toEqual([{}, 0, 'resolved'])
    expect(pool.residency.events[0]).toMatchObject({
      kind: 'unloaded',
      ...{ text: 'Unloaded on request', freedBytes: 6 },
    })
  })

  test('is harmless for a model that is not there, and waits for one that is leaving', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    await pool.residency.unload('a')
    await pool.bring('a')
    const both = watch(Promise.all([pool.residency.unload('a'), pool.residency.unload('a')]))
    await settle()
    expect(both.state).toBe('pending')
    pool.backend.unloads.get('a')?.finish()
    await settle()
    expect([both.state, pool.residency.counters.unloads]).toEqual(['resolved', 1])
  })

  test('shows a model that could not be ended as failed, and keeps no room for it', async () => {
    const pool = createFakePool(10, { a: { bytes: 6 } })
    await pool.bring('a')
    const unloading = watch(pool.residency.unload('a'))
    pool.backend.unloads.get('a')?.fail(new AppError('INTERNAL', 'Cannot end process 100'))
    await settle()
    expect(unloading.error).toMatchObject({ message: 'Cannot end process 100' })
    expect([pool.kinds(), used(pool)]).toEqual([{ a: 'failed' }, 0])
  })

  test('unloads a model that was idle for so long, but no pinned or busy one', async () => {
    const models = { a: { bytes: 1 }, pinned: { bytes: 1, pinned: true }, busy: { bytes: 1 } }
    const pool = createFakePool(10, models, { idleUnloadMinutes: 5 })
    for (const model of Object.keys(models)) await pool.bring(model)
    const lease = await pool.residency.acquire('busy')
    pool.clock.advance(4 * 60_000)
    ;(await pool.residency.acquire('a'))[Symbol.dispose]()
    pool.clock.advance(4 * 60_000)
    expect(pool.kinds()).toEqual({ a: 'ready', pinned: 'ready', busy: 'busy' })
    pool.clock.advance(60_000)
    expect(pool.kinds()).toEqual({ a: 'unloading', pinned: 'ready', busy: 'busy' })
    pool.backend.unloads.get('a')?.finish()
    await settle()
    expect(pool.residency.events[0]?.text).toBe('Unloaded after 5 min without use')

    lease[Symbol.dispose]()
    pool.residency.setPinned('pinned', { pinned: false })
    pool.clock.advance(5 * 60_000)
    expect(pool.kinds()).toEqual({ pinned: 'unloading', busy: 'unloading' })
  })

  test('follows a changed time, and times that are longer than a timer can be', async () => {
    const pool = createFakePool(10, { a: { bytes: 1 } })
    await pool.bring('a')
    expect(pool.clock.pendingTimers).toBe(0)
    const month = 30 * 24 * 60
    pool.residency.configure({ policy: 'lru', idleUnloadMinutes: month, pressureShare: 1 })
    pool.clock.advance(month * 60_000 - 1)
    expect(pool.kinds()).toEqual({ a: 'ready' })
    pool.clock.advance(1)
    expect(pool.kinds()).toEqual({ a: 'unloading' })
  })
})

describe('previews', () => {
  test('tell what loading would do, and do nothing', async () => {
    const pool = createFakePool(10 * GB, {
      idle: { bytes: 4 * GB },
      pinned: { bytes: 3 * GB, pinned: true },
      fits: { bytes: 2 * GB },
      evicts: { bytes: 5 * GB },
      refused: { bytes: 8 * GB },
    })
    await pool.bring('idle')
    await pool.bring('pinned')
    const before = pool.residency.states()
    const previews = pool.residency.previews(
      ['idle', 'fits', 'evicts', 'refused'].map((modelId) => ({ modelId })),
    )
    expect(previews.map(({ verdict }) => verdict)).toEqual([
      { kind: 'resident' },
      { kind: 'fits' },
      { kind: 'evicts', leaving: [{ modelId: 'idle', name: 'idle', freesBytes: 4 * GB }] },
      {
        kind: 'refused',
        problem: expect.objectContaining({ code: 'NO_ROOM' }) as unknown,
        remedies: [{ kind: 'unpin', modelId: 'pinned', name: 'pinned', freesBytes: 3 * GB }],
      },
    ])
    expect(previews[2]).toMatchObject({
      modelId: 'evicts',
      contextTokens: 4096,
      footprint: [{ bytes: 5 * GB }],
    })
    expect(pool.residency.states()).toEqual(before)
    expect(pool.residency.counters.refusals).toBe(0)
  })

  test('tell whom to wait for when a busy model could make room, who leaves then, and what spares the wait', async () => {
    const pool = createFakePool(10 * GB, {
      busy: { bytes: 6 * GB },
      idle: { bytes: 1 * GB },
      pinned: { bytes: 2 * GB, pinned: true },
      next: { bytes: 8 * GB },
      short: { bytes: 3 * GB },
    })
    for (const model of ['busy', 'idle', 'pinned']) await pool.bring(model)
    using _lease = await pool.residency.acquire('busy')
    const [busy, idle] = [
      { modelId: 'busy', name: 'busy', freesBytes: 6 * GB },
      { modelId: 'idle', name: 'idle', freesBytes: 1 * GB },
    ]
    expect(pool.residency.preview('next').verdict).toEqual({
      kind: 'waits',
      leaving: [busy, idle],
      waitsFor: [busy],
      remedies: [],
    })
    // Unpinning is enough here, and so is waiting.
    expect(pool.residency.preview('short').verdict).toEqual({
      kind: 'waits',
      leaving: [busy],
      waitsFor: [busy],
      remedies: [{ kind: 'unpin', modelId: 'pinned', name: 'pinned', freesBytes: 2 * GB }],
    })
  })

  test('follow the options', () => {
    const pool = createFakePool(10 * GB, { long: { bytes: 8 * GB, bytesPerToken: 1 * MB } })
    expect(pool.residency.preview('long').verdict.kind).toBe('refused')
    expect(pool.residency.preview('long', { contextTokens: 1024 })).toMatchObject({
      contextTokens: 1024,
      verdict: { kind: 'fits' },
    })
  })
})

describe('the pool itself', () => {
  test('gets smaller when idle models can leave, and not otherwise', async () => {
    const pool = createFakePool(10 * GB, { idle: { bytes: 4 * GB }, pinned: { bytes: 4 * GB, pinned: true } })
    await pool.bring('idle')
    await pool.bring('pinned')
    const resize = (totalBytes: number) =>
      pool.residency.setCapacity({ id: 'unified', name: 'Unified memory', totalBytes, reserveBytes: 1 * GB })
    await expect(resize(4 * GB)).rejects.toMatchObject({ code: 'NO_ROOM' })
    expect(pool.kinds()).toEqual({ idle: 'ready', pinned: 'ready' })
    const resized = resize(5 * GB)
    await settle()
    pool.backend.unloads.get('idle')?.finish()
    await resized
    expect(pool.ledger.domains()[0]).toMatchObject({ totalBytes: 5 * GB, usedBytes: 4 * GB, freeBytes: 0 })
  })

  test('tells of every change, until the listener goes', async () => {
    const pool = createFakePool(10, { a: { bytes: 4 } })
    const [onChange, onEvent] = [vi.fn(), vi.fn()]
    const unsubscribe = [pool.residency.onChange(onChange), pool.residency.onEvent(onEvent)]
    await pool.bring('a')
    expect(onChange.mock.calls.length).toBeGreaterThan(0)
    expect(onEvent.mock.calls).toMatchObject([[{ id: 1, kind: 'loaded', modelId: 'a' }]])
    for (const stop of unsubscribe) stop()
    onChange.mockClear()
    pool.residency.setPinned('a', { pinned: true })
    expect(onChange).not.toHaveBeenCalled()
    expect(pool.residency.states()).toMatchObject([{ pinned: true }])
  })

  test('closes: ends waits and loads, takes everything out, and takes nothing in any more', async () => {
    const pool = createFakePool(
      10,
      { a: { bytes: 4 }, b: { bytes: 4 }, c: { bytes: 8 } },
      { idleUnloadMinutes: 5 },
    )
    await pool.bring('a')
    const lease = await pool.residency.acquire('a')
    const waiting = [watch(pool.residency.acquire('b')), watch(pool.residency.acquire('c'))]
    await settle()
    expect(pool.kinds()).toEqual({ a: 'busy', b: 'loading', c: 'queued' })
    const closing = watch(pool.residency[Symbol.asyncDispose]())
    await settle()
    expect(waiting).toMatchObject([{ error: { name: 'AbortError' } }, { error: { name: 'AbortError' } }])
    expect([lease.signal.aborted, closing.state]).toEqual([true, 'pending'])
    pool.backend.unloads.get('a')?.finish()
    await settle()
    await pool.residency[Symbol.asyncDispose]()
    expect([closing.state, pool.kinds(), used(pool), pool.clock.pendingTimers]).toEqual([
      'resolved',
      {},
      0,
      0,
    ])
    await expect(pool.residency.acquire('a')).rejects.toMatchObject({ name: 'AbortError' })
  })
})
