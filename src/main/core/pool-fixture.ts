import { AppError } from '../../contract/errors.ts'
import type { Footprint } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import type { Clock } from './clock.ts'
import { Ledger } from './ledger.ts'
import { Residency, type ResidencyOptions } from './residency.ts'
import type { IdleKv } from './relief.ts'
import type { LoadResult, ResidencyEffects } from './residency-state.ts'

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 1_000_000
  readonly #timers = new Set<{ readonly dueAt: number; readonly callback: () => void }>()

  now(): number {
    return this.#now
  }

  setTimer(delayMs: number, callback: () => void): Disposable {
    const timer = { dueAt: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return { [Symbol.dispose]: () => this.#timers.delete(timer) }
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers].filter(({ dueAt }) => dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)
      if (!next) break
      this.#timers.delete(next)
      this.#now = next.dueAt
      next.callback()
    }
    this.#now = until
  }
}

/** A load or an unload that the backend was asked for and has not ended yet. */
export type PendingLoad = {
  readonly options: LoadOptions
  readonly reserved: Footprint
  readonly signal: AbortSignal
  progress(loadedBytes: number): void
  /** Ends the load; by default it takes what was predicted. */
  finish(bytes?: number): void
  fail(error: Error): void
}

/** How long fake models may take to leave. */
export const unloadLimitMs = 10_000

/** A backend whose loads and unloads end when the test says so. */
export class FakeBackend implements ResidencyEffects {
  readonly loads = new Map<string, PendingLoad>()
  readonly unloads = new Map<string, { finish(): void; fail(error: Error): void }>()
  /** Models that are in its memory, or on their way in or out. */
  readonly holding = new Set<string>()
  /** Whether loads heed their signal; one that does not ends as if nothing had been said. */
  heedsAbort = true
  onUnload: (modelId: string) => void = () => undefined
  /** KV caches that nobody uses, by model, and those that are being given back. */
  readonly caches = new Map<string, readonly IdleKv[]>()
  readonly reliefs = new Map<string, { readonly modelId: string; finish(): void; fail(error: Error): void }>()
  /** Reports what is left of a model; the pool wires it to `resize`. */
  onRelieved: (modelId: string, kv: IdleKv) => void = () => undefined
  readonly #bytesOf: (modelId: string) => number
  #processId = 100

  constructor(bytesOf: (modelId: string) => number) {
    this.#bytesOf = bytesOf
  }

  load(modelId: string, request: Parameters<ResidencyEffects['load']>[1]): Promise<LoadResult> {
    if (this.holding.has(modelId)) throw new Error(`"${modelId}" is loaded twice`)
    this.holding.add(modelId)
    const { options, footprint, signal, onProgress } = request
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>()
    const fail = (error: unknown) => {
      if (!this.loads.delete(modelId)) return
      this.holding.delete(modelId)
      reject(error)
    }
    signal.addEventListener('abort', () => {
      if (this.heedsAbort) fail(signal.reason)
    })
    this.loads.set(modelId, {
      ...{ options, reserved: footprint, signal, progress: onProgress, fail },
      finish: (bytes = this.#bytesOf(modelId)) => {
        if (!this.loads.delete(modelId)) return
        resolve({ footprint: measured(bytes), processId: this.#processId++ })
      },
    })
    return promise
  }

  unloadLimitMs(): number {
    return unloadLimitMs
  }

  usedTokens(): number {
    return 0
  }

  idleKv(modelId: string): readonly IdleKv[] {
    return this.caches.get(modelId) ?? []
  }

  relieve(modelId: string, kv: IdleKv): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const key = `${modelId} ${kv.id}`
    this.reliefs.set(key, {
      modelId,
      finish: () => {
        if (!this.reliefs.delete(key)) return
        const left = this.idleKv(modelId).filter(({ id }) => id !== kv.id)
        const isThere = left.length < this.idleKv(modelId).length
        this.caches.set(modelId, left)
        if (isThere) this.onRelieved(modelId, kv)
        resolve(isThere ? (kv.bytes.unified ?? 0) : 0)
      },
      fail: (error) => {
        if (this.reliefs.delete(key)) reject(error)
      },
    })
    return promise
  }

  unload(modelId: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.onUnload(modelId)
    this.caches.delete(modelId)
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const end = () => {
      this.unloads.delete(modelId)
      this.holding.delete(modelId)
    }
    signal.addEventListener('abort', () => this.unloads.get(modelId)?.finish(), { once: true })
    this.unloads.set(modelId, {
      finish: () => {
        end()
        resolve(undefined)
      },
      fail: (error) => {
        end()
        reject(error)
      },
    })
    return promise
  }

  /** The process has died by itself. */
  crash(modelId: string): void {
    this.holding.delete(modelId)
    this.caches.delete(modelId)
  }
}

export type FakeModel = { readonly bytes: number; readonly pinned?: boolean; readonly bytesPerToken?: number }

export type FakePool = {
  readonly ledger: Ledger
  readonly residency: Residency
  readonly backend: FakeBackend
  readonly clock: FakeClock
  /** Loads a model to the end and gives the lease back. */
  bring(modelId: string): Promise<void>
  /** State of each model that has one. */
  kinds(): Record<string, string>
}

/** Default context of fake models, in tokens. */
const fakeContextTokens = 4096

/** A pool of `totalBytes` over a fake backend. Models weigh what they say, plus KV cache per token if they have it. */
export function createFakePool(
  totalBytes: number,
  models: Readonly<Record<string, FakeModel>>,
  options: Partial<Pick<ResidencyOptions, 'policy' | 'idleUnloadMinutes' | 'pressureShare'>> = {},
): FakePool {
  const ledger = new Ledger([{ id: 'unified', name: 'Unified memory', totalBytes, reserveBytes: 0 }])
  const clock = new FakeClock()
  const backend = new FakeBackend((modelId) => models[modelId]?.bytes ?? 0)
  const residency = new Residency({
    ...{ ledger, clock, effects: backend, policy: 'lru', ...options },
    describe: (modelId) => {
      const model = models[modelId]
      if (!model) throw new AppError('NOT_FOUND', `There is no model "${modelId}"`)
      const contextTokens = (load: LoadOptions) => load.contextTokens ?? fakeContextTokens
      return {
        ...{ name: modelId, pinned: model.pinned ?? false, weightBytes: model.bytes, contextTokens },
        ...{ settle: (load) => load, startContextTokens: contextTokens },
        footprint(load): Footprint {
          const kvBytes = contextTokens(load) * (model.bytesPerToken ?? 0)
          const parts: Footprint = [
            { part: 'weights', domain: 'unified', bytes: model.bytes, source: 'predicted' },
            { part: 'kvCache', domain: 'unified', bytes: kvBytes, source: 'measured' },
          ]
          return parts.filter(({ bytes }) => bytes > 0)
        },
      }
    },
  })
  backend.onRelieved = (modelId, kv) => {
    const [part] = ledger.footprintOf(modelId)
    const bytes = Math.max(0, (part?.bytes ?? 0) - (kv.bytes.unified ?? 0))
    residency.resize(modelId, measured(bytes))
  }
  return {
    ...{ ledger, residency, backend, clock },
    async bring(modelId) {
      const lease = residency.acquire(modelId)
      await settle()
      backend.loads.get(modelId)?.finish()
      const held = await lease
      held[Symbol.dispose]()
    },
    kinds: () => Object.fromEntries(residency.states().map(({ modelId, state }) => [modelId, state])),
  }
}

/** What a model of so many bytes is measured to take. */
export function measured(bytes: number): Footprint {
  return [{ part: 'weights', domain: 'unified', bytes, source: 'measured' }]
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
