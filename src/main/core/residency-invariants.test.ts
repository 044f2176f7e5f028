import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Lease } from './lease.ts'
import { createFakePool, measured, settle, unloadLimitMs, type FakePool } from './pool-fixture.ts'
import type { IdleKv } from './relief.ts'

const poolBytes = 20
const models = {
  tiny: { bytes: 1 },
  small: { bytes: 4 },
  medium: { bytes: 7 },
  large: { bytes: 11 },
  pinned: { bytes: 5, pinned: true },
  whole: { bytes: 20 },
  tooLarge: { bytes: 21 },
}

const modelId = fc.constantFrom(...(Object.keys(models) as (keyof typeof models)[]))
const which = fc.nat(30)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('acquire'), modelId }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('release'), which }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('finishLoad'), which, more: fc.integer({ min: -2, max: 6 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('finishUnload'), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('cache'),
      modelId,
      bytes: fc.integer({ min: 1, max: 4 }),
      kind: fc.constantFrom('shrink', 'park', 'drop'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('finishRelief'), which, isFailure: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('consolidate') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pressure'), share: fc.constantFrom(0.1, 0.5, 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort'), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failLoad'), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failUnload'), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash'), modelId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pin'), modelId, pinned: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unload'), modelId, force: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize'), modelId, bytes: fc.nat(22) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('other'), bytes: fc.nat(25) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('grow'), modelId, bytes: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('capacity'), bytes: fc.integer({ min: 5, max: 25 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('idle'), minutes: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deaf'), isDeaf: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle') }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One run: the pool, what its users hold and wait for, and what must not happen. */
class Run {
  readonly pool: FakePool
  readonly leases: Lease[] = []
  readonly waits: { readonly modelId: string; readonly controller: AbortController; isSettled: boolean }[] =
    []
  /** Contexts that ask for room to grow. */
  readonly growths: { isSettled: boolean }[] = []
  readonly violations: string[] = []
  #caches = 0

  readonly #hangs: boolean

  constructor(policy: 'cost' | 'lru' | 'lru_access', { hangs }: { hangs: boolean }) {
    this.#hangs = hangs
    this.pool = createFakePool(poolBytes, models, { policy, idleUnloadMinutes: 2 })
    const { backend } = this.pool
    const relieve = backend.relieve.bind(backend)
    backend.relieve = (id, kv) => {
      if (this.live().some((lease) => lease.modelId === id))
        this.violations.push(`"${id}" was relieved while leased`)
      return relieve(id, kv)
    }
    const mayNotLeave = new Map<string, boolean>()
    this.pool.backend.onUnload = (id) => {
      const pinned = this.pool.residency.states().some((state) => state.modelId === id && state.pinned)
      mayNotLeave.set(id, pinned || this.live().some((lease) => lease.modelId === id))
    }
    this.pool.residency.onEvent(({ kind, modelId: id }) => {
      if (kind === 'evicted' && mayNotLeave.get(id))
        this.violations.push(`"${id}" was evicted while leased or pinned`)
    })
  }

  /** Leases that are held and valid. */
  live(): Lease[] {
    return this.leases.filter(({ signal }) => !signal.aborted)
  }

  perform(action: Step): void {
    const { residency, backend, clock } = this.pool
    const pick = <T>(all: Iterable<T>, at: number): T | undefined => {
      const list = [...all]
      return list.length > 0 ? list[at % list.length] : undefined
    }
    switch (action.do) {
      case 'acquire': {
        const wait = { modelId: action.modelId, controller: new AbortController(), isSettled: false }
        this.waits.push(wait)
        residency
          .acquire(action.modelId, { signal: wait.controller.signal })
          .then((lease) => this.leases.push(lease))
          .catch((error: unknown) => {
            if (!(error instanceof Error)) this.violations.push(`rejected with ${String(error)}`)
          })
          .finally(() => (wait.isSettled = true))
        return
      }
      case 'release': {
        const lease = pick(this.leases, action.which)
        if (lease) this.leases.splice(this.leases.indexOf(lease), 1)
        return lease?.[Symbol.dispose]()
      }
      case 'finishLoad': {
        const [id, load] = pick(backend.loads, action.which) ?? []
        return load?.finish(Math.max(0, models[id as keyof typeof models].bytes + action.more))
      }
      case 'finishUnload':
        return pick(backend.unloads.values(), action.which)?.finish()
      case 'cache': {
        // Only what the model has reserved can be in a cache of it.
        const reserved = ledgerBytes(this.pool, action.modelId)
        const caches = backend.caches.get(action.modelId) ?? []
        const taken = caches.reduce((sum, { bytes }) => sum + (bytes.unified ?? 0), 0)
        const isLoaded = residency
          .states()
          .some(({ modelId: id, state }) => id === action.modelId && (state === 'ready' || state === 'busy'))
        if (!isLoaded || taken + action.bytes > reserved) return
        const kv: IdleKv = {
          ...{ id: `cache ${this.#caches++}`, kind: action.kind, tokens: 10 },
          ...{ bytes: { unified: action.bytes }, lastUsedAt: clock.now() },
        }
        backend.caches.set(action.modelId, [...caches, kv])
        return
      }
      case 'finishRelief': {
        const relief = pick(backend.reliefs.values(), action.which)
        return action.isFailure ? relief?.fail(new Error('broken')) : relief?.finish()
      }
      case 'consolidate':
        void residency.consolidate()
        return
      case 'pressure': {
        residency.configure({ policy: 'cost', idleUnloadMinutes: 2, pressureShare: action.share })
        return
      }
      case 'abort':
        return pick(this.waits, action.which)?.controller.abort(new Error('stopped'))
      case 'failLoad':
        return pick(backend.loads.values(), action.which)?.fail(new Error('broken'))
      case 'failUnload':
        return pick(backend.unloads.values(), action.which)?.fail(new Error('broken'))
      case 'crash':
        if (!backend.unloads.has(action.modelId)) backend.crash(action.modelId)
        {
          residency.reportCrash(action.modelId, { code: 'MODEL_CRASHED', message: 'died', details: {} })
          return
        }
      case 'pin': {
        residency.setPinned(action.modelId, action)
        return
      }
      case 'unload':
        residency.unload(action.modelId, action).catch(() => undefined)
        return
      case 'resize':
        residency.resize(action.modelId, measured(action.bytes))
        return
      case 'grow': {
        const growth = { isSettled: false }
        this.growths.push(growth)
        void this.#grow(action).finally(() => (growth.isSettled = true))
        return
      }
      case 'other': {
        residency.setOther('unified', action.bytes)
        return
      }
      case 'capacity':
        residency
          .setCapacity({ id: 'unified', name: 'Pool', totalBytes: action.bytes, reserveBytes: 1 })
          .catch(() => undefined)
        return
      case 'idle': {
        clock.advance(action.minutes * 60_000)
        return
      }
      case 'deaf':
        backend.heedsAbort = !action.isDeaf
        return
      case 'settle':
        return
    }
  }

  /** As a context does that is full. */
  async #grow({ modelId: id, bytes }: { modelId: string; bytes: number }): Promise<void> {
    for (;;) {
      const footprint = measured(ledgerBytes(this.pool, id) + bytes)
      if (this.pool.residency.resize(id, footprint)) return
      if (!(await this.pool.residency.relieveFor(id, footprint))) return
    }
  }

  check(): void {
    const { ledger, residency, backend } = this.pool
    const [domain] = ledger.domains()
    if (!domain) throw new Error('no domain')
    const states = residency.states()
    const sum = states.flatMap(({ footprint }) => footprint).reduce((bytes, part) => bytes + part.bytes, 0)
    expect(domain.usedBytes).toBe(sum)
    expect(domain.reserveBytes + domain.otherBytes + domain.usedBytes + domain.freeBytes).toBe(
      domain.totalBytes,
    )
    expect(
      Math.min(...Object.values(domain).filter((value) => typeof value === 'number')),
    ).toBeGreaterThanOrEqual(0)
    const holding = states
      .filter(({ state }) => state !== 'queued' && state !== 'failed')
      .map((state) => state.modelId)
    expect(ledger.modelIds().toSorted()).toEqual(holding.toSorted())
    expect(new Set(states.map((state) => state.modelId)).size).toBe(states.length)
    for (const { modelId: id, state, leases } of states) {
      expect(leases).toBe(this.live().filter((lease) => lease.modelId === id).length)
      expect(state === 'busy').toBe(leases > 0)
      // A load goes on only as long as somebody waits for it.
      const isAwaited = this.waits.some((wait) => wait.modelId === id && !wait.isSettled)
      if (state === 'queued' || state === 'loading')
        expect({ id, state, isAwaited }).toEqual({ id, state, isAwaited: true })
    }
    for (const { modelId: id } of this.live()) expect(holding).toContain(id)
    expect([...backend.holding].every((id) => holding.includes(id))).toBe(true)
    expect(this.violations).toEqual([])
  }

  /** Lets go of everything and lets the backend end everything: whoever waits has to come to an end. */
  async drain(): Promise<void> {
    const { backend } = this.pool
    // Some more rounds after the last wait has ended let what is still on its way out go.
    for (let round = 0, last = 60; round < last; round++) {
      if (last === 60 && this.waits.every(({ isSettled }) => isSettled)) last = Math.min(60, round + 3)
      for (const lease of this.leases.splice(0)) lease[Symbol.dispose]()
      for (const load of [...backend.loads.values()]) load.finish()
      for (const relief of [...backend.reliefs.values()]) relief.finish()
      // One that hangs is ended when its time is up.
      if (this.#hangs) this.pool.clock.advance(unloadLimitMs)
      else for (const unload of [...backend.unloads.values()]) unload.finish()
      await settle()
      this.check()
    }
    expect([...this.waits, ...this.growths].filter(({ isSettled }) => !isSettled)).toEqual([])
    expect([...backend.holding].toSorted()).toEqual(this.pool.ledger.modelIds().toSorted())
  }

  async close(): Promise<void> {
    const { backend, residency, ledger, clock } = this.pool
    const closing = residency[Symbol.asyncDispose]()
    for (let round = 0; round < 3; round++) {
      for (const load of [...backend.loads.values()]) load.finish()
      for (const unload of [...backend.unloads.values()]) unload.finish()
      await settle()
    }
    await closing
    expect(ledger.domains()[0]?.usedBytes).toBe(0)
    expect([ledger.modelIds(), backend.holding.size, clock.pendingTimers]).toEqual([[], 0, 0])
  }
}

test('under random loads, leases, pins, crashes and cancels it stays within capacity, leaks nothing, and always comes to an end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('cost', 'lru', 'lru_access'),
      fc.array(fc.tuple(step, fc.boolean()), { minLength: 5, maxLength: 40 }),
      fc.record({ isClosedInTheMiddle: fc.boolean(), hangs: fc.boolean() }),
      async (policy, steps, { isClosedInTheMiddle, hangs }) => {
        const run = new Run(policy, { hangs })
        for (const [action, settles] of steps) {
          run.perform(action)
          if (!settles) continue
          await settle()
          run.check()
        }
        await settle()
        run.check()
        if (!isClosedInTheMiddle) await run.drain()
        await run.close()
        await settle()
        expect(run.waits.filter(({ isSettled }) => !isSettled)).toEqual([])
      },
    ),
    { numRuns: 2000 },
  )
})

function ledgerBytes({ ledger }: FakePool, id: string): number {
  return ledger.footprintOf(id).reduce((sum, { bytes }) => sum + bytes, 0)
}
