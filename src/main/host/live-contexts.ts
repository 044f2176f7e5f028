import type { ContextFullEvent, GenerateEvent } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { Footprint, ResidentContext } from '../../contract/memory.ts'
import { blocksOf, shortContextTokens } from '../core/context-growth.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import type { IdleKv } from '../core/relief.ts'
import { ContextMemory, type LoadedModel } from './context-memory.ts'
import { ContextParking } from './context-parking.ts'
import { ContextRoom } from './context-room.ts'
import type { Context, LiveContextsOptions } from './live-context.ts'
import type { BackendClient } from './model-process.ts'

const defaultParkAfterIdleMs = 30_000
/** A disk slower than this is not waited for when a model leaves. */
const slowestDiskBytesPerSecond = 50e6
const leaveAllowanceMs = 10_000

/**
 * The contexts of one model process: gives each conversation one, brings back what is parked of it, makes contexts larger while they fill up and
 * smaller or none when room is needed. Whoever works with a context has claimed it; nobody else touches it meanwhile.
 */
export class LiveContexts {
  readonly #options: LiveContextsOptions
  readonly #client: BackendClient
  readonly #memory: ContextMemory
  readonly #parking: ContextParking
  readonly #contexts: Context[] = []
  readonly #room: ContextRoom
  #uses = 0
  #openedContexts = 0
  #opening = 0
  #isLeaving = false
  /** Wake those who wait for a context to become idle. */
  readonly #whenIdle: (() => void)[] = []

  constructor(client: BackendClient, options: LiveContextsOptions) {
    this.#client = client
    this.#options = options
    this.#memory = new ContextMemory(options)
    this.#parking = new ContextParking({
      client,
      parking: options.parking,
      kvBytes: (tokens) => this.#memory.kvBytes(tokens),
      onEvent: (event) => options.onEvent?.(event),
    })
    this.#room = new ContextRoom({
      ...{ client, options, memory: this.#memory, parking: this.#parking, contexts: this.#contexts },
      makeWay: () => this.#makeWay(),
    })
  }

  /** The model is loaded: opens the first context. */
  async start(loaded: LoadedModel, signal?: AbortSignal): Promise<void> {
    this.#memory.start(loaded)
    await this.#openContext(this.#options.contextTokens, { signal, isBusy: false })
  }

  /** What the process takes, measured, with what was granted to contexts that are being made: see `measuredFootprint`. */
  footprint(): Footprint {
    return this.#room.footprint()
  }

  /** Tokens that an answer should find free: an eighth of the largest context, at most 512. */
  get answerRoomTokens(): number {
    return Math.min(512, Math.floor(this.#room.limitTokens / 8))
  }

  /** How long leaving may take before what is not on disk by then is given up, in milliseconds. */
  get leaveLimitMs(): number {
    const bytes = this.#contexts.reduce((sum, { kvBytes }) => sum + kvBytes, 0)
    return leaveAllowanceMs + Math.round((bytes / slowestDiskBytesPerSecond) * 1000)
  }

  /** The contexts, for the snapshot. */
  describe(): ResidentContext[] {
    return this.#contexts.map((context) => {
      const { id, conversationId, contextTokens, usedTokens, kvBytes, isBusy } = context
      const isParked = this.#parking.isParked(context)
      return { id, conversationId, contextTokens, usedTokens, kvBytes, isBusy, isParked }
    })
  }

  /**
   * Takes a context for a conversation: 1. its own, 2. a spare one, 3. another one if memory is not short, 4. the idle one that was used
   * longest ago, whose conversation is parked, 5. another one, a small one, if there is any room. What is parked of the conversation is
   * restored. For a branch of which nothing is held, the idle context of what it was branched from goes before 2., and what is parked of that
   * is restored: both begin alike. When all are busy, `whenIdle` ends when it is time to ask again.
   */
  async claim(
    conversationId: string,
    { branchOf }: { readonly branchOf?: string | undefined } = {},
  ): Promise<Context | { readonly whenIdle: Promise<unknown> }> {
    const own = this.#contexts.find((each) => each.conversationId === conversationId)
    // Where nothing is parked, the conversation that it was branched from would be read again in its turn.
    const isBegun = own !== undefined || this.#parking.parkedTokens(conversationId) > 0
    const origin = isBegun || !this.#parking.isOn ? undefined : branchOf
    const context = own
      ? this.#claimIdle((each) => each === own)
      : ((origin === undefined
          ? null
          : this.#claimIdle((each) => each.conversationId === origin && !each.cannotPark)) ??
        this.#claimIdle((each) => each.conversationId === null) ??
        (await this.#openAnother({ isShort: false })) ??
        this.#claimIdle(() => true) ??
        (await this.#openAnother({ isShort: true })))
    if (!context) {
      if (this.#contexts.length + this.#opening === 0) {
        // A process that has ended says why by itself.
        await this.#client.usage()
        throw new AppError('MODEL_FAILED', `"${this.#options.name}" has no context`)
      }
      return { whenIdle: new Promise<null>((resolve) => this.#whenIdle.push(() => resolve(null))) }
    }
    context.usedAt = ++this.#uses
    try {
      if (context.conversationId !== conversationId)
        await this.#hand(context, { conversationId, from: origin ?? conversationId })
    } catch (error) {
      this.release(context)
      throw error
    }
    this.#options.onChange?.()
    return context
  }

  /** Where a conversation is: in which context, or on disk with so many tokens. */
  held(conversationId: string): { readonly contextId: string | null; readonly parkedTokens: number } {
    const context = this.#contexts.find((each) => each.conversationId === conversationId)
    return {
      contextId: context?.id ?? null,
      parkedTokens: context ? 0 : this.#parking.parkedTokens(conversationId),
    }
  }

  /** Gives a claimed context back. */
  release(context: Context): void {
    context.isBusy = false
    context.lastUsedAt = Date.now()
    // Its conversation was forgotten meanwhile.
    if (context.conversationId === null) this.#clear(context)
    else this.#startIdleTimer(context)
    this.#wakeWaiting()
    this.#options.onChange?.()
  }

  /** Keeps count of a claimed context's tokens while it answers. */
  take(context: Context, event: GenerateEvent): void {
    context.isParked = false
    context.cannotPark = false
    switch (event.kind) {
      case 'reading':
        context.promptTokens = event.promptTokens
        context.usedTokens = event.reusedTokens + event.readTokens
        break
      case 'text':
        context.usedTokens = context.promptTokens + event.generatedTokens
        break
      case 'done':
        context.usedTokens = event.usedTokens
        break
      default:
        event satisfies never
    }
    this.#options.onChange?.()
  }

  /** Answers a context's call for room: it grows, or it hears that it does not. */
  async grow(context: Context, { neededTokens }: ContextFullEvent): Promise<void> {
    if (!(await this.#room.grow(context, neededTokens))) await this.#room.stay(context)
  }

  /** The first answer of a context touches its buffers and warms up the program: what that has cost is reported once. */
  async measureAfterAnswer(context: Context): Promise<void> {
    if (context.hasAnswered) return
    context.hasAnswered = true
    this.#memory.takeUsage(await this.#client.usage())
    this.#options.resize(this.footprint())
    const isAsAtFirst = context.contextTokens === blocksOf(this.#options.contextTokens)
    if (this.#contexts.length === 1 && isAsAtFirst) this.#options.onMeasured?.(this.footprint())
  }

  /** A conversation is gone: its context becomes a spare one. */
  forget(conversationId: string): void {
    const context = this.#contexts.find((each) => each.conversationId === conversationId)
    if (!context) return
    context.conversationId = null
    this.#stopIdleTimer(context)
    if (!context.isBusy) this.#clear(context)
    this.#options.onChange?.()
  }

  /**
   * What can be given back: every idle context but the one that was used last, which a next answer needs; that one can be made as small as
   * what it holds.
   */
  idleKv(): IdleKv[] {
    const kept = this.#kept()
    return this.#contexts
      .filter(({ isBusy }) => !isBusy)
      .map((context): IdleKv => {
        const { id, conversationId, usedTokens: tokens } = context
        const lastUsedAt = conversationId === null ? 0 : context.lastUsedAt
        if (context !== kept)
          return {
            ...{ id, tokens, lastUsedAt, kind: this.#kindOfLeaving(context) },
            bytes: this.#memory.domainBytes(context),
          }
        const smaller = this.#memory.prospect(this.#smallestTokens(context))
        return {
          ...{ id, tokens, lastUsedAt, kind: 'shrink' },
          bytes: this.#memory.domainBytes(context, smaller),
        }
      })
      .filter(({ bytes }) => Object.values(bytes).some((each) => each > 0))
  }

  /** Gives back what `idleKv` has named; the bytes that came free, 0 when it is in use again. */
  async giveBack(contextId: string): Promise<number> {
    const isKept = this.#kept()?.id === contextId
    return Math.max(0, (await (isKept ? this.shrink(contextId) : this.park(contextId))) ?? 0)
  }

  /**
   * Parks the conversation of an idle context and gives the context's memory back; the bytes that came free, null when it is not idle. A
   * conversation that turns out not to get to disk stays where it is for now: from then on `idleKv` says that it is to be read again.
   */
  async park(contextId: string): Promise<number | null> {
    const context = this.#claimIdle(({ id }) => id === contextId)
    if (!context) return null
    const mayDrop = this.#kindOfLeaving(context) !== 'park'
    if (!mayDrop && (await this.#parking.park(context)) === 'failed') {
      this.#releaseQuietly(context)
      return null
    }
    return this.#close(context)
  }

  /** Makes an idle context as small as what it holds allows; the bytes that came free, null when it is not idle or cannot become smaller. */
  async shrink(contextId: string): Promise<number | null> {
    const context = this.#claimIdle(({ id }) => id === contextId)
    if (!context) return null
    const { lastUsedAt } = context
    try {
      const smallest = this.#smallestTokens(context)
      if (smallest === context.contextTokens) return null
      const before = footprintBytes(this.footprint())
      return (await this.#room.resize(context, smallest)) ? before - footprintBytes(this.footprint()) : null
    } finally {
      this.release(context)
      context.lastUsedAt = lastUsedAt
    }
  }

  /** The model is about to leave: ends answers and parks every conversation, those first that can be at once. What is not on disk when `signal` aborts is read again. */
  async leave(signal: AbortSignal): Promise<void> {
    this.#isLeaving = true
    this.#room.close()
    for (const context of this.#contexts) this.#stopIdleTimer(context)
    const parkAll = async () => {
      for (const context of this.#contexts.toSorted((a, b) => Number(a.isBusy) - Number(b.isBusy))) {
        if (signal.aborted) return
        // An answer under way ends within a batch, and saving waits for that.
        if (context.isBusy) await this.#client.stop({ contextId: context.id }).catch(() => undefined)
        context.isBusy = true
        await this.#parking.park(context)
      }
    }
    const { promise: isOver, resolve } = Promise.withResolvers<null>()
    const end = () => resolve(null)
    signal.addEventListener('abort', end, { once: true })
    await Promise.race([parkAll(), isOver])
    signal.removeEventListener('abort', end)
  }

  /** The process has ended. */
  close(): void {
    this.#isLeaving = true
    this.#room.close()
    for (const context of this.#contexts.splice(0)) this.#stopIdleTimer(context)
    this.#wakeWaiting()
  }

  /** The context that stays when others are given back, whether it is busy or not: the one that was used last. */
  #kept(): Context | undefined {
    const latest = this.#contexts.toSorted((a, b) => b.usedAt - a.usedAt)
    return latest.find(({ conversationId }) => conversationId !== null) ?? latest[0]
  }

  #kindOfLeaving({ conversationId, cannotPark }: Context): IdleKv['kind'] {
    if (conversationId === null) return 'shrink'
    return this.#parking.isOn && !cannotPark ? 'park' : 'drop'
  }

  #smallestTokens({ usedTokens, contextTokens }: Context): number {
    return Math.min(blocksOf(usedTokens + 1), contextTokens)
  }

  #claimIdle(isWanted: (context: Context) => boolean): Context | null {
    if (this.#isLeaving) return null
    const context = this.#oldestIdle(isWanted)
    if (!context) return null
    context.isBusy = true
    this.#stopIdleTimer(context)
    return context
  }

  #oldestIdle(isWanted: (context: Context) => boolean): Context | undefined {
    const idle = this.#contexts.filter((each) => !each.isBusy && isWanted(each))
    return idle.sort((a, b) => a.usedAt - b.usedAt)[0]
  }

  /** Hands a claimed context from one conversation to another, with what is parked of `from`. */
  async #hand(
    context: Context,
    { conversationId, from }: { readonly conversationId: string; readonly from: string },
  ): Promise<void> {
    const before = context.conversationId
    if (before !== null) await this.#parking.park(context)
    context.conversationId = conversationId
    context.usedTokens = 0
    context.isParked = false
    context.cannotPark = false
    // What it holds of another one is dropped where the next prompt differs, and no sooner.
    const tokens = before === from ? 0 : this.#parking.parkedTokens(from)
    if (tokens === 0) return
    if (tokens >= context.contextTokens) {
      // What the context holds of somebody else would be moved along.
      await this.#client.clearContext({ contextId: context.id })
      if (!(await this.#room.grow(context, tokens + 1))) return
    }
    await this.#parking.restore(context, from)
    // On disk it is another conversation's.
    if (from !== conversationId) context.isParked = false
  }

  #startIdleTimer(context: Context): void {
    this.#stopIdleTimer(context)
    if (!this.#parking.isOn || context.cannotPark || this.#isLeaving || this.#parking.isParked(context))
      return
    context.idleTimer = setTimeout(() => {
      if (!this.#claimIdle((each) => each === context)) return
      const { lastUsedAt } = context
      void this.#parking.park(context).finally(() => {
        this.#releaseQuietly(context)
        context.lastUsedAt = lastUsedAt
      })
    }, this.#options.parkAfterIdleMs ?? defaultParkAfterIdleMs)
    context.idleTimer.unref()
  }

  /** Without another try: what could not be parked stays unparked until it is used again. */
  #releaseQuietly(context: Context): void {
    this.release(context)
    this.#stopIdleTimer(context)
  }

  #stopIdleTimer(context: Context): void {
    if (context.idleTimer) clearTimeout(context.idleTimer)
    context.idleTimer = null
  }

  /** Gives the idle context back that was used longest ago, for one that grows; false when there is none. */
  async #makeWay(): Promise<boolean> {
    const idle = this.#isLeaving ? undefined : this.#oldestIdle(() => true)
    return idle !== undefined && (await this.park(idle.id)) !== null
  }

  /** Opens another context, busy from the start, if that is allowed and there is room that nobody has to give back. `isShort`: memory is. */
  async #openAnother({ isShort }: { readonly isShort: boolean }): Promise<Context | null> {
    if (this.#isLeaving || this.#contexts.length + this.#opening >= this.#room.liveContexts) return null
    const usual = this.#options.contextTokens
    if (!isShort && !this.#room.hasEaseFor(usual)) return null
    const contextTokens = isShort ? Math.min(usual, shortContextTokens) : usual
    const granted = this.#room.grantAnother(contextTokens)
    if (!granted) return null
    this.#opening++
    try {
      return await this.#openContext(contextTokens, { isBusy: true })
    } finally {
      this.#opening--
      granted[Symbol.dispose]()
      // Whoever counts on it asks again, also when it has failed.
      this.#wakeWaiting()
    }
  }

  #wakeWaiting(): void {
    for (const wake of this.#whenIdle.splice(0)) wake()
  }

  async #openContext(
    wantedTokens: number,
    options: { signal?: AbortSignal | undefined; isBusy: boolean },
  ): Promise<Context> {
    const id = `context ${String(++this.#openedContexts)}`
    const opened = await this.#client.openContext(
      { contextId: id, contextTokens: wantedTokens },
      options.signal ? { signal: options.signal } : {},
    )
    const context: Context = {
      id,
      contextTokens: 0,
      kvBytes: 0,
      allocated: opened.allocated,
      stateFormat: opened.stateFormat,
      conversationId: null,
      usedTokens: 0,
      promptTokens: 0,
      isBusy: options.isBusy,
      hasAnswered: false,
      isParked: false,
      cannotPark: false,
      usedAt: ++this.#uses,
      lastUsedAt: Date.now(),
      idleTimer: null,
    }
    this.#room.apply(context, opened)
    this.#contexts.push(context)
    this.#options.onChange?.()
    return context
  }

  /** Closes a claimed context; the bytes that came free. */
  async #close(context: Context): Promise<number> {
    const before = footprintBytes(this.footprint())
    const { usage } = await this.#client.closeContext({ contextId: context.id })
    this.#memory.takeUsage(usage)
    const at = this.#contexts.indexOf(context)
    if (at !== -1) this.#contexts.splice(at, 1)
    this.#options.resize(this.footprint())
    this.#wakeWaiting()
    this.#options.onChange?.()
    return before - footprintBytes(this.footprint())
  }

  #clear(context: Context): void {
    context.usedTokens = 0
    context.isParked = false
    // A process that has died has nothing left to clear.
    this.#client.clearContext({ contextId: context.id }).catch(() => undefined)
  }
}
