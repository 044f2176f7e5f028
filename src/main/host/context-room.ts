import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { OpenedContext } from '../../contract/backend.ts'
import { toProblem } from '../../contract/errors.ts'
import type { Footprint } from '../../contract/memory.ts'
import { grownContextSizes } from '../core/context-growth.ts'
import type { ContextBytes, ContextMemory } from './context-memory.ts'
import { tokensText, type ContextParking } from './context-parking.ts'
import type { Context, LiveContextsOptions } from './live-context.ts'
import type { BackendClient } from './model-process.ts'

/**
 * The room that the contexts of one model have: gives them other sizes, as far as the limit, the KV budget and the pool allow. While a context
 * moves, room for both sizes is reserved. Whoever calls has claimed the context.
 */
export class ContextRoom {
  readonly #client: BackendClient
  readonly #options: LiveContextsOptions
  readonly #memory: ContextMemory
  readonly #parking: ContextParking
  readonly #contexts: readonly Context[]
  readonly #makeWay: (growing: Context) => Promise<boolean>
  /** Room that was granted for contexts which are being made. */
  readonly #granted = new Set<ContextBytes>()
  /** Ends when nobody is to wait for room any longer. */
  readonly #closed = Promise.withResolvers<false>()
  #isClosed = false

  constructor(options: {
    readonly client: BackendClient
    readonly options: LiveContextsOptions
    readonly memory: ContextMemory
    readonly parking: ContextParking
    /** All contexts that there are, as they come and go. */
    readonly contexts: readonly Context[]
    /** Has idle contexts of the same model give something back for one that grows; false when there is nothing. */
    readonly makeWay: (growing: Context) => Promise<boolean>
  }) {
    this.#client = options.client
    this.#options = options.options
    this.#memory = options.memory
    this.#parking = options.parking
    this.#contexts = options.contexts
    this.#makeWay = options.makeWay
  }

  /** How large a context may become. */
  get limitTokens(): number {
    return Math.max(this.#options.contextTokens, this.#options.limitTokens ?? 0)
  }

  get liveContexts(): number {
    return Math.max(1, this.#options.liveContexts ?? 2)
  }

  /** What the process takes, with what was granted to contexts that are being made. */
  footprint(): Footprint {
    return this.#footprintWith([])
  }

  /** The model leaves or its process has ended: nothing is granted any more, and whoever waits for room goes on without. */
  close(): void {
    this.#isClosed = true
    this.#closed.resolve(false)
  }

  /** Whether there is room for another context without the pool coming under pressure. */
  hasEaseFor(contextTokens: number): boolean {
    return this.#isEasy(this.#memory.prospect(contextTokens))
  }

  /** Grants room for another context, if it is within the budget and nobody has to give anything back for it. Disposed when the context is there, or is not coming. */
  grantAnother(contextTokens: number): Disposable | null {
    const prospect = this.#memory.prospect(contextTokens)
    const reserved = this.#contexts.reduce((sum, { kvBytes }) => sum + kvBytes, 0)
    return reserved + prospect.kvBytes <= this.#kvBudgetBytes ? this.#grant(prospect) : null
  }

  /** Makes a context as large as so many tokens need, or larger where that is easy; false when there is no room. `free`: nobody gives anything up for it. */
  async grow(
    context: Context,
    neededTokens: number,
    { room = 'any' }: { readonly room?: 'any' | 'free' } = {},
  ): Promise<boolean> {
    const { contextTokens: from } = context
    const startedAt = performance.now()
    const sizes = grownContextSizes({ contextTokens: from, neededTokens, limitTokens: this.limitTokens })
    for (const size of sizes) {
      const isOptional = size !== sizes.at(-1) || room === 'free'
      if (isOptional && !this.#isEasy(this.#memory.prospect(size), context)) continue
      if (room === 'free' && !this.#isInBudget(context, size)) continue
      if (!(await this.#makeBudget(context, size)) || !(await this.resize(context, size))) continue
      const text = `Context grown from ${tokensText(from)} to ${tokensText(size)}: its conversation needs ${tokensText(neededTokens)}`
      this.#options.onEvent?.({ kind: 'grown', text, tookMs: performance.now() - startedAt })
      return true
    }
    return false
  }

  /** Tells an answer that waits for room that there is none. */
  async stay({ id: contextId, contextTokens }: Context): Promise<void> {
    await this.#client.resizeContext({ contextId, contextTokens, path: this.#scratchFile() })
  }

  /** Gives a context another size. False, and it is as it was, when there is no room for both or the backend cannot. */
  async resize(context: Context, contextTokens: number): Promise<boolean> {
    const prospect = this.#memory.prospect(contextTokens)
    const isGrowth = contextTokens > context.contextTokens
    using granted = isGrowth ? await this.#makeRoom(prospect, context) : this.#grant(prospect)
    if (!granted) return false
    try {
      const opened = await this.#client.resizeContext({
        contextId: context.id,
        contextTokens,
        path: this.#scratchFile(),
      })
      this.apply(context, opened)
      return true
    } catch (error) {
      const { code } = toProblem(error)
      if (code !== 'MODEL_FAILED' && code !== 'DISK_FULL') throw error
      return false
    }
  }

  /** Writes down what a context turned out to be. */
  apply(context: Context, { contextTokens, usage, stateFormat, ...opened }: OpenedContext): void {
    const kvBytes = this.#memory.kvBytes(contextTokens)
    const allocated = this.#memory.withCheckpoint(contextTokens, opened.allocated)
    Object.assign(context, { contextTokens, kvBytes, allocated, stateFormat })
    this.#memory.takeSample({ contextTokens, kvBytes, allocated })
    this.#memory.takeUsage(usage)
  }

  #isEasy(prospect: ContextBytes, than?: Context): boolean {
    return this.#options.fitsWithEase?.(this.#memory.domainBytes(prospect, than)) ?? true
  }

  get #kvBudgetBytes(): number {
    return this.#options.kvBudgetBytes ?? this.liveContexts * this.#memory.kvBytes(this.limitTokens)
  }

  /** Sees to it that a context of another size is within the budget: idle ones that were used longest ago are parked for it. */
  async #makeBudget(context: Context, contextTokens: number): Promise<boolean> {
    if (this.#memory.kvBytes(contextTokens) > this.#kvBudgetBytes) return false
    while (!this.#isInBudget(context, contextTokens)) if (!(await this.#makeWay(context))) return false
    return true
  }

  #isInBudget(context: Context, contextTokens: number): boolean {
    const others = this.#contexts.reduce((sum, each) => (each === context ? sum : sum + each.kvBytes), 0)
    return others + this.#memory.kvBytes(contextTokens) <= this.#kvBudgetBytes
  }

  /**
   * Has room granted for a context that grows: 1. what is free, 2. what idle KV caches of other models give back, 3. what own idle contexts
   * do. Null when all that is not enough: then the answer goes on in the context that it has.
   */
  async #makeRoom(prospect: ContextBytes, growing: Context): Promise<Disposable | null> {
    for (;;) {
      const granted = this.#grant(prospect)
      if (granted || this.#isClosed) return granted
      const relieved = this.#options.relieve?.(this.#footprintWith([prospect])) ?? false
      if (await Promise.race([relieved, this.#closed.promise])) continue
      if (!(await this.#makeWay(growing))) return null
    }
  }

  #grant(prospect: ContextBytes): Disposable | null {
    if (this.#isClosed || !this.#options.resize(this.#footprintWith([prospect]))) return null
    this.#granted.add(prospect)
    return {
      [Symbol.dispose]: () => {
        this.#granted.delete(prospect)
        this.#options.resize(this.footprint())
        this.#options.onChange?.()
      },
    }
  }

  #footprintWith(more: readonly ContextBytes[]): Footprint {
    return this.#memory.footprint([...this.#contexts, ...this.#granted, ...more])
  }

  #scratchFile(): string {
    return this.#parking.scratchFile() ?? path.join(tmpdir(), `plenum-${randomUUID()}.tmp`)
  }
}
