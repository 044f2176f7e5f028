import type { PoolCounters, PoolEvent } from '../../contract/memory.ts'
import type { Clock } from './clock.ts'

/** How many events are kept for the activity list. */
const keptEvents = 100

const counterOf = {
  loaded: 'loads',
  unloaded: 'unloads',
  evicted: 'evictions',
  refused: 'refusals',
  crashed: 'crashes',
  shrunk: 'reliefs',
  parked: 'reliefs',
  dropped: 'reliefs',
} as const satisfies Partial<Record<PoolEvent['kind'], keyof PoolCounters>>

/** What happened in the pool: the last events in plain words, and how often each kind occurred. */
export class Activity {
  readonly #clock: Clock
  readonly #listeners = new Set<(event: PoolEvent) => void>()
  #events: readonly PoolEvent[] = []
  #counters: PoolCounters = { loads: 0, unloads: 0, evictions: 0, refusals: 0, crashes: 0, reliefs: 0 }
  #nextId = 1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Newest first, at most 100. */
  get events(): readonly PoolEvent[] {
    return this.#events
  }

  get counters(): PoolCounters {
    return this.#counters
  }

  record(
    kind: PoolEvent['kind'],
    model: { readonly modelId: string; readonly name: string },
    text: string,
    figures: { readonly freedBytes?: number; readonly tookMs?: number } = {},
  ): void {
    const event: PoolEvent = {
      id: this.#nextId++,
      at: this.#clock.now(),
      kind,
      modelId: model.modelId,
      name: model.name,
      text,
      freedBytes: figures.freedBytes ?? null,
      tookMs: figures.tookMs ?? null,
    }
    this.#events = [event, ...this.#events.slice(0, keptEvents - 1)]
    const counter = kind in counterOf ? counterOf[kind as keyof typeof counterOf] : null
    if (counter) {
      this.#counters = { ...this.#counters, [counter]: this.#counters[counter] + 1 }
    }
    for (const listener of [...this.#listeners]) listener(event)
  }

  onEvent(listener: (event: PoolEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
