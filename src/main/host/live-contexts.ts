import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type {
  Allocation,
  ContextFullEvent,
  GenerateEvent,
  OpenedContext,
  ProcessUsage,
} from '../../contract/backend.ts'
import { formatBytes } from '../../contract/bytes.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { Footprint, LoadedWith, PoolEvent, ResidentContext } from '../../contract/memory.ts'
import { blocksOf, grownContextSizes, openingContextSizes } from '../core/context-growth.ts'
import type { IdleKv } from '../core/relief.ts'
import { contextComputeBytes, kvCacheBytes, type ContextFacts } from '../core/footprint.ts'
import { measuredFootprint, type MemoryDomains } from './measured-footprint.ts'
import type { BackendClient } from './model-process.ts'
import type { ModelParking } from './parking.ts'

/** How the contexts of a model are made and how far they may grow. */
export interface LiveContextsOptions {
  /** What the user calls the model. */
  readonly name: string
  readonly facts: ContextFacts
  /** Size of a new context. */
  readonly contextTokens: number
  /** How large a context may become. Default `contextTokens`: it does not grow. */
  readonly limitTokens?: number
  /** KV cache of all contexts together, in bytes. Default: as many full contexts as may be live. */
  readonly kvBudgetBytes?: number
  /** Conversations that are live at once, each with a context of its own. Default 2. */
  readonly liveContexts?: number
  readonly domains: MemoryDomains
  /** Where conversations go that have to leave; absent: they are read again. */
  readonly parking?: ModelParking
  /** A context is copied to disk when it was idle so long. Default 30 s. */
  readonly parkAfterIdleMs?: number
  /** Asks for room for another footprint, or reports a measured one. False: there is none. */
  readonly resize: (footprint: Footprint) => boolean
  /** Told once more what the model takes with one context as large as at first, when it has answered for the first time. */
  readonly onMeasured?: (footprint: Footprint) => void
  /** Something that a snapshot shows has changed: contexts or their tokens. */
  readonly onChange?: () => void
  /** Something happened that belongs into the activity list. */
  readonly onEvent?: (event: ContextEvent) => void
}

/** What happened to a context, in plain words. */
export type ContextEvent = {
  readonly kind: Extract<PoolEvent['kind'], 'grown' | 'restored' | 'parkingFailed'>
  readonly text: string
  readonly tookMs: number
}

/** A loaded model: what its process takes without contexts, and how its contexts are made. */
export type LoadedModel = {
  readonly usage: ProcessUsage
  readonly weights: Allocation
  readonly made: Pick<LoadedWith, 'kvType' | 'flashAttention' | 'batchTokens'>
}

/** A live context and who uses it. */
export interface Context {
  readonly id: string
  contextTokens: number
  kvBytes: number
  allocated: Allocation
  stateFormat: string
  conversationId: string | null
  usedTokens: number
  /** Of the answer that is being written. */
  promptTokens: number
  isBusy: boolean
  hasAnswered: boolean
  /** What it holds is on disk as well. */
  isParked: boolean
  /** Order of use; the lowest idle one is reused first. */
  usedAt: number
  /** When that was, in milliseconds since 1970. */
  lastUsedAt: number
  /** Runs while it is idle and not on disk. */
  idleTimer: NodeJS.Timeout | null
}

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
  readonly #contexts: Context[] = []
  #loaded: LoadedModel | null = null
  #latest: ProcessUsage | null = null
  /** What a context of this model was found to take. */
  #sample: Pick<Context, 'contextTokens' | 'kvBytes' | 'allocated'> | null = null
  #uses = 0
  #openedContexts = 0
  #opening = 0
  #isLeaving = false
  /** Wake those who wait for a context to become idle. */
  readonly #whenIdle: (() => void)[] = []

  constructor(client: BackendClient, options: LiveContextsOptions) {
    this.#client = client
    this.#options = options
  }

  /** The model is loaded: opens the first context. */
  async start(loaded: LoadedModel, signal?: AbortSignal): Promise<void> {
    this.#loaded = loaded
    await this.#openContext(this.#options.contextTokens, { signal, isBusy: false })
  }

  /** What the process takes, measured: see `measuredFootprint`. */
  footprint(): Footprint {
    return this.#footprintWith([])
  }

  /** Tokens that an answer should find free: an eighth of the largest context, at most 512. */
  get answerRoomTokens(): number {
    return Math.min(512, Math.floor(this.#limitTokens / 8))
  }

  /** The contexts, for the snapshot. */
  describe(): ResidentContext[] {
    return this.#contexts.map(
      ({ id, conversationId, contextTokens, usedTokens, kvBytes, isBusy, isParked }) => ({
        ...{ id, conversationId, contextTokens, usedTokens, kvBytes, isBusy, isParked },
      }),
    )
  }

  /**
   * Takes a context for a conversation: 1. its own, 2. a spare one, 3. another one if there is room, 4. the idle one that was used
   * longest ago, whose conversation is parked, 5. the next one that becomes idle. What is parked of the conversation is restored.
   */
  async claim(conversationId: string): Promise<Context> {
    const own = this.#contexts.find((each) => each.conversationId === conversationId)
    const context = own
      ? this.#claimIdle((each) => each === own)
      : (this.#claimIdle((each) => each.conversationId === null) ??
        (await this.#openAnother()) ??
        this.#claimIdle(() => true))
    if (!context) {
      // A process that has died, or that was never given room, has no context that could become idle.
      if (this.#contexts.length + this.#opening === 0)
        throw new AppError('NO_ROOM', `"${this.#options.name}" has no room for a conversation`, {
          details: { help: 'Unload another model' },
        })
      await new Promise<null>((resolve) => this.#whenIdle.push(() => resolve(null)))
      return this.claim(conversationId)
    }
    context.usedAt = ++this.#uses
    try {
      if (context.conversationId !== conversationId) await this.#hand(context, conversationId)
    } catch (error) {
      this.release(context)
      throw error
    }
    this.#options.onChange?.()
    return context
  }

  /** Gives a claimed context back. */
  release(context: Context): void {
    context.isBusy = false
    context.lastUsedAt = Date.now()
    // Its conversation was forgotten meanwhile.
    if (context.conversationId === null) this.#clear(context)
    else this.#startIdleTimer(context)
    for (const wake of this.#whenIdle.splice(0)) wake()
    this.#options.onChange?.()
  }

  /** Keeps count of a claimed context's tokens while it answers. */
  take(context: Context, event: GenerateEvent): void {
    context.isParked = false
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
    if (await this.#grow(context, neededTokens)) return
    const { id: contextId, contextTokens } = context
    await this.#client.resizeContext({ contextId, contextTokens, path: this.#scratchFile() })
  }

  /** The first answer of a context touches its buffers and warms up the program: what that has cost is reported once. */
  async measureAfterAnswer(context: Context): Promise<void> {
    if (context.hasAnswered) return
    context.hasAnswered = true
    this.#latest = await this.#client.usage()
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
      .map((context) => {
        const { id, conversationId, usedTokens, lastUsedAt } = context
        if (context !== kept)
          return {
            ...{ id, lastUsedAt },
            ...this.#kindOfLeaving(conversationId),
            bytes: this.#domainBytes(context),
            tokens: usedTokens,
          }
        const smaller = this.#prospect(this.#smallestTokens(context))
        const bytes = this.#domainBytes(context, smaller)
        return { ...{ id, lastUsedAt }, kind: 'shrink' as const, bytes, tokens: usedTokens }
      })
      .filter(({ bytes }) => Object.values(bytes).some((each) => each > 0))
  }

  /** Gives back what `idleKv` has named; the bytes that came free, 0 when it is in use again. */
  async giveBack(contextId: string): Promise<number> {
    const isKept = this.#kept()?.id === contextId
    return Math.max(0, (await (isKept ? this.shrink(contextId) : this.park(contextId))) ?? 0)
  }

  /** Parks the conversation of an idle context and gives the context's memory back; the bytes that came free, null when it is not idle. */
  async park(contextId: string): Promise<number | null> {
    const context = this.#claimIdle(({ id }) => id === contextId)
    if (!context) return null
    await this.#parkCopy(context)
    return this.#close(context)
  }

  /** Makes an idle context as small as what it holds allows; the bytes that came free, null when it is not idle or cannot become smaller. */
  async shrink(contextId: string): Promise<number | null> {
    const context = this.#claimIdle(({ id }) => id === contextId)
    if (!context) return null
    try {
      const smallest = this.#smallestTokens(context)
      if (smallest === context.contextTokens) return null
      const before = bytesOf(this.footprint())
      return (await this.#resize(context, smallest)) ? before - bytesOf(this.footprint()) : null
    } finally {
      this.release(context)
    }
  }

  /** The model is about to leave: ends answers and parks every conversation, as far as that does not take too long. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    for (const context of this.#contexts) this.#stopIdleTimer(context)
    const bytes = this.#contexts.reduce((sum, { kvBytes }) => sum + kvBytes, 0)
    const allowedMs = leaveAllowanceMs + Math.round((bytes / slowestDiskBytesPerSecond) * 1000)
    const parked = (async () => {
      for (const context of [...this.#contexts]) {
        // An answer under way ends within a batch, and saving waits for that.
        if (context.isBusy) await this.#client.stop({ contextId: context.id }).catch(() => undefined)
        context.isBusy = true
        await this.#parkCopy(context)
      }
    })()
    const waiting = Promise.withResolvers<null>()
    const timer = setTimeout(() => waiting.resolve(null), allowedMs)
    await Promise.race([parked, waiting.promise]).finally(() => clearTimeout(timer))
  }

  /** The process has ended. */
  close(): void {
    for (const context of this.#contexts.splice(0)) this.#stopIdleTimer(context)
    for (const wake of this.#whenIdle.splice(0)) wake()
  }

  /** The context that stays when others are given back, whether it is busy or not: the one that was used last. */
  #kept(): Context | undefined {
    const latest = this.#contexts.toSorted((a, b) => b.usedAt - a.usedAt)
    return latest.find(({ conversationId }) => conversationId !== null) ?? latest[0]
  }

  #kindOfLeaving(conversationId: string | null): Pick<IdleKv, 'kind'> {
    if (conversationId === null) return { kind: 'shrink' }
    return { kind: this.#options.parking ? 'park' : 'drop' }
  }

  #smallestTokens({ usedTokens, contextTokens }: Context): number {
    return Math.min(blocksOf(usedTokens + 1), contextTokens)
  }

  /** What a context has allocated more than another, by domain. */
  #domainBytes(context: Context, than?: Pick<Context, 'allocated'>): IdleKv['bytes'] {
    const { host, device } = this.#options.domains
    const hostBytes = context.allocated.hostBytes - (than?.allocated.hostBytes ?? 0)
    const deviceBytes = context.allocated.deviceBytes - (than?.allocated.deviceBytes ?? 0)
    if (host === device) return { [host]: Math.max(0, Math.round(hostBytes + deviceBytes)) }
    return { [host]: Math.max(0, Math.round(hostBytes)), [device]: Math.max(0, Math.round(deviceBytes)) }
  }

  get #liveContexts(): number {
    return Math.max(1, this.#options.liveContexts ?? 2)
  }

  get #limitTokens(): number {
    return Math.max(this.#options.contextTokens, this.#options.limitTokens ?? 0)
  }

  get #kvBudgetBytes(): number {
    const { kvBudgetBytes } = this.#options
    return kvBudgetBytes ?? this.#liveContexts * this.#kvBytes(this.#limitTokens)
  }

  #claimIdle(isWanted: (context: Context) => boolean): Context | null {
    if (this.#isLeaving) return null
    const idle = this.#contexts.filter((each) => !each.isBusy && isWanted(each))
    const [context] = idle.sort((a, b) => a.usedAt - b.usedAt)
    if (!context) return null
    context.isBusy = true
    this.#stopIdleTimer(context)
    return context
  }

  /** Hands a claimed context from one conversation to another. */
  async #hand(context: Context, conversationId: string): Promise<void> {
    const { parking } = this.#options
    if (context.conversationId !== null) await this.#parkCopy(context)
    context.conversationId = conversationId
    context.usedTokens = 0
    context.isParked = false
    const tokens = parking?.parkedTokens(conversationId) ?? 0
    if (!parking || tokens === 0) return
    if (tokens >= context.contextTokens) {
      // What the context holds of somebody else would be moved along.
      await this.#client.clearContext({ contextId: context.id })
      if (!(await this.#grow(context, tokens + 1))) return
    }
    const startedAt = performance.now()
    const outcome = await parking.restore(conversationId, {
      stateFormat: context.stateFormat,
      restore: async (file) => this.#client.restore({ contextId: context.id, path: file }),
    })
    if (outcome.kind === 'restored') {
      context.usedTokens = outcome.tokens
      context.isParked = true
      const { tokens: held, bytes } = outcome
      this.#tell(
        'restored',
        `A conversation of ${tokensText(held)} came back, ${formatBytes(bytes)}`,
        startedAt,
      )
    } else if (outcome.kind === 'refused') {
      await this.#client.clearContext({ contextId: context.id })
      this.#tell('restored', `A parked conversation is read again: ${outcome.reason}`, startedAt)
    }
  }

  /** Copies what a claimed context holds to disk, unless it is there; whether it is there now. */
  async #parkCopy(context: Context): Promise<boolean> {
    const { parking } = this.#options
    const { conversationId, usedTokens, stateFormat, id: contextId } = context
    if (context.isParked) return true
    if (!parking || conversationId === null || usedTokens === 0) return false
    const startedAt = performance.now()
    const outcome = await parking.park(conversationId, {
      stateFormat,
      mostBytes: this.#kvBytes(usedTokens) + usedTokens * bookkeepingBytesPerToken,
      save: async (file) => this.#client.save({ contextId, path: file }),
    })
    context.isParked = outcome.kind === 'parked'
    if (outcome.kind === 'skipped')
      this.#tell('parkingFailed', `A conversation could not be parked: ${outcome.reason}`, startedAt)
    return context.isParked
  }

  #startIdleTimer(context: Context): void {
    this.#stopIdleTimer(context)
    if (!this.#options.parking || context.isParked || this.#isLeaving) return
    context.idleTimer = setTimeout(() => {
      if (!this.#claimIdle((each) => each === context)) return
      void this.#parkCopy(context).finally(() => this.#releaseQuietly(context))
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

  /** Grows a claimed context until it holds so many tokens; false when there is no room. */
  async #grow(context: Context, neededTokens: number): Promise<boolean> {
    const { contextTokens: from } = context
    const startedAt = performance.now()
    const sizes = grownContextSizes({ contextTokens: from, neededTokens, limitTokens: this.#limitTokens })
    for (const size of sizes) {
      if (!(await this.#makeBudget(context, size)) || !(await this.#resize(context, size))) continue
      this.#tell('grown', `Context grown from ${tokensText(from)} to ${tokensText(size)}`, startedAt)
      return true
    }
    return false
  }

  /** Sees to it that a context of another size is within the budget: idle ones that were used longest ago are parked for it. */
  async #makeBudget(context: Context, contextTokens: number): Promise<boolean> {
    const others = () =>
      this.#contexts.reduce((sum, each) => (each === context ? sum : sum + each.kvBytes), 0)
    const ownBytes = this.#kvBytes(contextTokens)
    while (others() + ownBytes > this.#kvBudgetBytes) {
      const [idle] = this.#contexts.filter((each) => !each.isBusy).sort((a, b) => a.usedAt - b.usedAt)
      if (!idle || ownBytes > this.#kvBudgetBytes || (await this.park(idle.id)) === null) return false
    }
    return true
  }

  /** Gives a claimed context another size. False, and it is as it was, when there is no room for both or the backend cannot. */
  async #resize(context: Context, contextTokens: number): Promise<boolean> {
    const { resize } = this.#options
    if (!resize(this.#footprintWith([this.#prospect(contextTokens)]))) return false
    try {
      const opened = await this.#client.resizeContext({
        contextId: context.id,
        contextTokens,
        path: this.#scratchFile(),
      })
      this.#apply(context, opened)
      return true
    } catch (error) {
      const { code } = toProblem(error)
      if (code !== 'MODEL_FAILED' && code !== 'DISK_FULL') throw error
      return false
    } finally {
      resize(this.footprint())
      this.#options.onChange?.()
    }
  }

  #scratchFile(): string {
    return this.#options.parking?.scratchFile() ?? path.join(tmpdir(), `plenum-${randomUUID()}.tmp`)
  }

  /** Opens another context, busy from the start, if that is allowed and there is room. */
  async #openAnother(): Promise<Context | null> {
    if (this.#isLeaving || this.#contexts.length + this.#opening >= this.#liveContexts) return null
    const { contextTokens, resize } = this.#options
    const reserved = this.#contexts.reduce((sum, { kvBytes }) => sum + kvBytes, 0)
    // A model without any context takes what it gets; beside others, a context of the usual size or none.
    const sizes = this.#contexts.length === 0 ? openingContextSizes(contextTokens) : [contextTokens]
    const size = sizes.find(
      (each) =>
        reserved + this.#kvBytes(each) <= this.#kvBudgetBytes &&
        resize(this.#footprintWith([this.#prospect(each)])),
    )
    if (size === undefined) return null
    this.#opening++
    try {
      return await this.#openContext(size, { isBusy: true })
    } catch (error) {
      resize(this.footprint())
      throw error
    } finally {
      this.#opening--
    }
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
      usedAt: ++this.#uses,
      lastUsedAt: Date.now(),
      idleTimer: null,
    }
    this.#apply(context, opened)
    this.#contexts.push(context)
    this.#options.onChange?.()
    return context
  }

  #apply(context: Context, { contextTokens, allocated, usage, stateFormat }: OpenedContext): void {
    const kvBytes = this.#kvBytes(contextTokens)
    Object.assign(context, { contextTokens, kvBytes, allocated, stateFormat })
    this.#sample = { contextTokens, kvBytes, allocated }
    this.#latest = usage
  }

  /** Closes a claimed context; the bytes that came free. */
  async #close(context: Context): Promise<number> {
    const before = bytesOf(this.footprint())
    const { usage } = await this.#client.closeContext({ contextId: context.id })
    this.#latest = usage
    const at = this.#contexts.indexOf(context)
    if (at !== -1) this.#contexts.splice(at, 1)
    this.#options.resize(this.footprint())
    for (const wake of this.#whenIdle.splice(0)) wake()
    this.#options.onChange?.()
    return before - bytesOf(this.footprint())
  }

  #clear(context: Context): void {
    context.usedTokens = 0
    context.isParked = false
    // A process that has died has nothing left to clear.
    this.#client.clearContext({ contextId: context.id }).catch(() => undefined)
  }

  #footprintWith(more: readonly Pick<Context, 'kvBytes' | 'allocated'>[]): Footprint {
    const loaded = this.#loaded
    if (!loaded) return []
    const { usage, weights } = loaded
    return measuredFootprint(
      { weights, contexts: [...this.#contexts, ...more], loaded: usage, latest: this.#latest ?? usage },
      this.#options.domains,
    )
  }

  /** What a context of a size would take, judged by one that was measured. */
  #prospect(contextTokens: number): Pick<Context, 'kvBytes' | 'allocated'> {
    const kvBytes = this.#kvBytes(contextTokens)
    const sample = this.#sample
    if (!sample) return { kvBytes, allocated: { hostBytes: kvBytes, deviceBytes: 0 } }
    const sampleBytes = sample.allocated.hostBytes + sample.allocated.deviceBytes
    const computeRatio = this.#computeBytes(contextTokens) / this.#computeBytes(sample.contextTokens)
    const bytes = kvBytes + Math.max(0, sampleBytes - sample.kvBytes) * computeRatio
    const deviceBytes = bytes * (sample.allocated.deviceBytes / Math.max(1, sampleBytes))
    return { kvBytes, allocated: { hostBytes: bytes - deviceBytes, deviceBytes } }
  }

  #kvBytes(contextTokens: number): number {
    return kvCacheBytes(this.#options.facts, contextTokens, this.#loaded?.made)
  }

  #computeBytes(contextTokens: number): number {
    return contextComputeBytes(this.#options.facts, { contextTokens, ...this.#loaded?.made })
  }

  #tell(kind: ContextEvent['kind'], text: string, startedAt: number): void {
    this.#options.onEvent?.({ kind, text, tookMs: performance.now() - startedAt })
  }
}

/** In a state file, beside the KV cache itself: the token, its position and its sequence. */
const bookkeepingBytesPerToken = 64

function bytesOf(footprint: Footprint): number {
  return footprint.reduce((sum, { bytes }) => sum + bytes, 0)
}

function tokensText(tokens: number): string {
  return `${tokens.toLocaleString('en-US')} tokens`
}
