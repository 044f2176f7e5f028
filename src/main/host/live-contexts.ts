import type { ContextFullEvent, GenerateEvent } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { Footprint, ResidentContext } from '../../contract/memory.ts'
import { blocksOf } from '../core/context-growth.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import type { IdleKv } from '../core/relief.ts'
import { ContextClaims } from './context-claims.ts'
import { ContextMemory, type LoadedModel } from './context-memory.ts'
import { ContextParking } from './context-parking.ts'
import { ContextRelief } from './context-relief.ts'
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
  readonly #relief: ContextRelief
  readonly #claims: ContextClaims
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
      makeWay: async (growing) => !this.#isLeaving && this.#relief.makeWay(growing),
    })
    this.#relief = new ContextRelief({
      ...{ memory: this.#memory, parking: this.#parking, room: this.#room, contexts: this.#contexts },
      claims: {
        claimIdle: (isWanted) => this.#claimIdle(isWanted),
        release: (context) => this.release(context),
        releaseQuietly: (context) => this.#releaseQuietly(context),
        close: async (context) => this.#close(context),
      },
    })
    this.#claims = new ContextClaims({
      ...{ contexts: this.#contexts, room: this.#room, relief: this.#relief },
      contextTokens: options.contextTokens,
      claimIdle: (isWanted) => this.#claimIdle(isWanted),
      open: async (contextTokens) => this.#open(contextTokens),
      opening: () => this.#opening,
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
      const { id, conversationId, contextTokens, usedTokens, kvBytes, isBusy, isAside } = context
      const isParked = this.#parking.isParked(context)
      const described = { id, conversationId, contextTokens, usedTokens, kvBytes, isBusy, isParked }
      return isAside ? { ...described, isAside } : described
    })
  }

  /**
   * Takes a context for a conversation, or for an aside: what the model is asked on the side, of which nothing stays (null). What is parked of the
   * conversation is restored; for a branch of which nothing is held, what is held or parked of the conversation that it was branched from: both
   * begin alike. When all are busy, `whenIdle` ends when it is time to ask again.
   */
  async claim(
    conversationId: string | null,
    { branchOf }: { readonly branchOf?: string | undefined } = {},
  ): Promise<Context | { readonly whenIdle: Promise<unknown> }> {
    // Reading ahead is for idle times: whoever asks for a context ends it, and has to wait for a batch at most.
    for (const each of this.#contexts) each.warming?.abort()
    // Where nothing is parked, the conversation that it was branched from would be read again in its turn.
    const isBegun =
      conversationId !== null &&
      (this.#contexts.some((each) => each.conversationId === conversationId) ||
        this.#parking.parkedTokens(conversationId) > 0)
    const origin = isBegun || !this.#parking.isOn ? undefined : branchOf
    const context = await (conversationId === null
      ? this.#claims.forAside()
      : this.#claims.forConversation(conversationId, { branchOf: origin }))
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
      const isAside = conversationId === null
      if (context.conversationId !== conversationId || context.isAside !== isAside)
        await this.#hand(context, conversationId, { from: origin })
    } catch (error) {
      this.release(context)
      throw error
    }
    this.#options.onChange?.()
    return context
  }

  /**
   * Takes a context to read a conversation ahead; null when somebody would have to give something up for it. That is no use of the context: when room is
   * needed it goes as if it had not been. `signal` aborts when the context is wanted for something else; `release` gives it back.
   */
  async claimToWarm(
    conversationId: string,
  ): Promise<{ readonly context: Context; readonly signal: AbortSignal; release(): void } | null> {
    const warming = new AbortController()
    const context = await this.#claims.forWarming(conversationId)
    if (!context) return null
    const isOwn = context.conversationId === conversationId
    const { usedAt, lastUsedAt } = isOwn ? context : { usedAt: 0, lastUsedAt: context.lastUsedAt }
    context.warming = warming
    const release = () => {
      context.warming = null
      this.release(context)
      // Whoever has it by now has used it.
      if (!context.isBusy) Object.assign(context, { usedAt, lastUsedAt })
    }
    try {
      if (isOwn || (await this.#hand(context, conversationId, { room: 'free' })))
        return { context, signal: warming.signal, release }
    } catch (error) {
      release()
      throw error
    }
    // What is parked of it does not fit in, and must not be written over.
    context.conversationId = null
    release()
    return null
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
    if (context.conversationId !== null) this.#startIdleTimer(context)
    else if (!context.isAside) this.#clear(context)
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

  /** A claimed context has read without writing. */
  takeRead(context: Context, read: { readonly usedTokens: number; readonly readTokens?: number }): void {
    const { usedTokens, readTokens } = read
    if (readTokens === 0) return
    context.isParked = false
    context.cannotPark = false
    context.usedTokens = usedTokens
    this.#options.onChange?.()
  }

  /** Makes a claimed context as large as so many tokens need; false when there is no room, or none that is `free` with ease. */
  async enlarge(
    context: Context,
    neededTokens: number,
    options: { readonly room?: 'any' | 'free' } = {},
  ): Promise<boolean> {
    return this.#room.grow(context, neededTokens, options)
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

  /** What can be given back. */
  idleKv(): IdleKv[] {
    return this.#relief.idleKv()
  }

  /** Gives back what `idleKv` has named; the bytes that came free, 0 when it is in use again. */
  async giveBack(contextId: string): Promise<number> {
    return this.#relief.giveBack(contextId)
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

  /**
   * Hands a claimed context from one conversation to another, with what is parked of `from` (default: of that one), or to asides; false when that does
   * not fit in.
   */
  async #hand(
    context: Context,
    conversationId: string | null,
    {
      from = conversationId ?? undefined,
      ...options
    }: { readonly from?: string | undefined; readonly room?: 'any' | 'free' } = {},
  ): Promise<boolean> {
    const before = context.conversationId
    if (before !== null) await this.#parking.park(context)
    context.conversationId = conversationId
    context.isAside = conversationId === null
    context.usedTokens = 0
    context.isParked = false
    context.cannotPark = false
    if (conversationId === null || from === undefined) return true
    // What it holds of another one is dropped where the next prompt differs, and no sooner.
    const tokens = before === from ? 0 : this.#parking.parkedTokens(from)
    if (tokens === 0) return true
    if (tokens >= context.contextTokens) {
      // What the context holds of somebody else would be moved along.
      await this.#client.clearContext({ contextId: context.id })
      if (!(await this.#room.grow(context, tokens + 1, options))) return false
    }
    await this.#parking.restore(context, from)
    // On disk it is another conversation's.
    if (from !== conversationId) context.isParked = false
    return true
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

  /** Opens a context, busy from the start, if there is room that nobody has to give back. */
  async #open(contextTokens: number): Promise<Context | null> {
    const granted = this.#isLeaving ? null : this.#room.grantAnother(contextTokens)
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
      isAside: false,
      usedTokens: 0,
      promptTokens: 0,
      isBusy: options.isBusy,
      hasAnswered: false,
      isParked: false,
      cannotPark: false,
      usedAt: ++this.#uses,
      lastUsedAt: Date.now(),
      idleTimer: null,
      warming: null,
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
