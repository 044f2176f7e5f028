import type { Allocation, ChatMessage, GenerateEvent, ProcessUsage } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { Footprint, ResidentContext } from '../../contract/memory.ts'
import type { ModelFacts } from '../../contract/model.ts'
import { kvCacheBytes, usesFlashAttention } from '../core/footprint.ts'
import { AnswerLine } from './answer-line.ts'
import type { MemoryDomains } from './measured-footprint.ts'
import { measuredFootprint } from './measured-footprint.ts'
import type { ModelProcess } from './model-process.ts'
import { startModelProcess } from './model-process.ts'
import type { StartChild } from './starter.ts'

/** What a resident model is made of. */
export interface ResidentModelOptions {
  readonly start: StartChild
  /** The program of model processes. */
  readonly program: string
  /** Added to the process's environment: `PLENUM_DEVICE`. */
  readonly env?: Readonly<Record<string, string>>
  /** What the user calls the model. */
  readonly name: string
  /** The first file of the model. */
  readonly path: string
  readonly facts: Pick<ModelFacts, 'kvLayerGroups' | 'recurrentStateBytes'>
  readonly threads: number
  /** Layers on the GPU; null: all. */
  readonly gpuLayers: number | null
  /** Size of each context. */
  readonly contextTokens: number
  /** Conversations that are live at once, each with a context of its own. Default 2. */
  readonly liveContexts?: number
  /** Answers that are written at once; more wait in line. Default 1. */
  readonly parallelAnswers?: number
  readonly domains: MemoryDomains
  /** Asks for room for another footprint, or reports a measured one. False: there is none. */
  readonly resize: (footprint: Footprint) => boolean
  /** Something that a snapshot shows has changed: contexts or their tokens. */
  readonly onChange?: () => void
}

/** How an answer is written. */
export interface AnswerOptions {
  /** Aborting ends the answer within one batch: its events then end with `done` and `stopped`. While it waits in line it rejects. */
  readonly signal?: AbortSignal
  /** Why it does not start yet, in plain words. */
  readonly onWait?: (reason: string) => void
  readonly maxTokens?: number
  /** Default 0: greedy. */
  readonly temperature?: number
  readonly seed?: number
}

/** A live context and who uses it. */
interface Context {
  readonly id: string
  readonly contextTokens: number
  readonly kvBytes: number
  readonly allocated: Allocation
  conversationId: string | null
  usedTokens: number
  /** Of the answer that is being written. */
  promptTokens: number
  isBusy: boolean
  hasAnswered: boolean
  /** Order of use; the lowest idle one is reused first. */
  usedAt: number
}

/** A model in a process of its own, with a context for each live conversation. Owns the process: disposing ends it. */
export class ResidentModel implements AsyncDisposable {
  readonly #options: ResidentModelOptions
  readonly #process: ModelProcess
  readonly #line: AnswerLine
  readonly #contexts: Context[] = []
  #loaded: { readonly usage: ProcessUsage; readonly weights: Allocation } | null = null
  #latest: ProcessUsage | null = null
  #uses = 0
  #openedContexts = 0
  #opening = 0
  /** Who waits for a context to become idle. */
  readonly #whenIdle: (() => void)[] = []

  /** Starts the process; `load` comes next. */
  constructor(options: ResidentModelOptions) {
    this.#options = options
    this.#line = new AnswerLine(Math.min(options.parallelAnswers ?? 1, this.#liveContexts))
    this.#process = startModelProcess({
      start: options.start,
      file: options.program,
      name: options.name,
      ...(options.env && { env: options.env }),
    })
    this.#process.onExit((crash) => {
      this.#line.close(crash ?? new AppError('MODEL_FAILED', `"${options.name}" was unloaded`))
    })
  }

  get processId(): number | null {
    return this.#process.processId ?? null
  }

  /** Called once when the process has ended; with the error when nobody asked it to. */
  onExit(listener: (crash: AppError | null) => void): () => void {
    return this.#process.onExit(listener)
  }

  /** Loads the model and opens the first context. When it rejects, also because of `signal`, the process has ended. */
  async load(
    options: { signal?: AbortSignal; onProgress?: (loadedBytes: number) => void } = {},
  ): Promise<Footprint> {
    const { signal, onProgress } = options
    const { path, threads, gpuLayers, facts } = this.#options
    const { client } = this.#process
    try {
      signal?.throwIfAborted()
      const wanted = { path, threads, gpuLayers, flashAttention: usesFlashAttention(facts) }
      for await (const event of await client.load(wanted, withSignal(signal))) {
        if (event.kind === 'progress') onProgress?.(event.loadedBytes)
        else this.#loaded = { usage: event.after, weights: event.weights }
      }
      await this.#openContext({ signal, isBusy: false })
      return this.footprint()
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What the process takes, measured: see `measuredFootprint`. */
  footprint(): Footprint {
    const loaded = this.#loaded
    if (!loaded) return []
    return measuredFootprint(
      {
        weights: loaded.weights,
        contexts: this.#contexts,
        loaded: loaded.usage,
        latest: this.#latest ?? loaded.usage,
      },
      this.#options.domains,
    )
  }

  /** The live contexts, for the snapshot. */
  contexts(): ResidentContext[] {
    return this.#contexts.map(({ conversationId, contextTokens, usedTokens, kvBytes }) => ({
      conversationId,
      contextTokens,
      usedTokens,
      kvBytes,
    }))
  }

  /** Reads a conversation as far as its context does not hold it, and writes the answer. */
  async *generate(
    conversationId: string,
    messages: readonly ChatMessage[],
    options: AnswerOptions = {},
  ): AsyncGenerator<GenerateEvent, void, void> {
    const { signal, onWait, maxTokens = null, temperature = 0, seed = null } = options
    const { client } = this.#process
    using _turn = await this.#line.enter(conversationId, {
      signal,
      onWait: (ahead) => onWait?.(waitReason(this.#options.name, ahead)),
    })
    const context = await this.#claim(conversationId)
    using _claim = { [Symbol.dispose]: () => this.#release(context) }
    const { id: contextId } = context
    // Not the call's own signal, which would cut off the events: the answer's figures come after it was stopped.
    const stop = () => {
      // A process that has died says so by the answer's own events.
      client.stop({ contextId }).catch(() => undefined)
    }
    try {
      const events = await client.generate({
        contextId,
        messages: [...messages],
        maxTokens,
        temperature,
        seed,
      })
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted) stop()
      for await (const event of events) {
        this.#take(context, event)
        yield event
      }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
    // Not waited for: the answer is complete, and a process that dies meanwhile says so by itself.
    if (!context.hasAnswered) this.#measureAfterAnswer(context).catch(() => undefined)
  }

  /** A conversation is gone: its context becomes a spare one. */
  forget(conversationId: string): void {
    const context = this.#contexts.find((each) => each.conversationId === conversationId)
    if (!context) return
    context.conversationId = null
    if (!context.isBusy) this.#clear(context)
    this.#options.onChange?.()
  }

  /** Ends the process and waits until its memory is back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
  }

  get #liveContexts(): number {
    return Math.max(1, this.#options.liveContexts ?? 2)
  }

  /**
   * Takes a context for a conversation: 1. its own, 2. a spare one, 3. another one if there is room, 4. the idle one that was used
   * longest ago, 5. the next one that becomes idle.
   */
  async #claim(conversationId: string): Promise<Context> {
    const context =
      this.#claimIdle((each) => each.conversationId === conversationId) ??
      this.#claimIdle((each) => each.conversationId === null) ??
      (await this.#openAnother()) ??
      this.#claimIdle(() => true)
    if (!context) {
      await new Promise<null>((resolve) => this.#whenIdle.push(() => resolve(null)))
      return this.#claim(conversationId)
    }
    context.usedAt = ++this.#uses
    if (context.conversationId !== conversationId) {
      context.conversationId = conversationId
      context.usedTokens = 0
    }
    this.#options.onChange?.()
    return context
  }

  #claimIdle(isWanted: (context: Context) => boolean): Context | null {
    const idle = this.#contexts.filter((each) => !each.isBusy && isWanted(each))
    const [context] = idle.sort((a, b) => a.usedAt - b.usedAt)
    if (!context) return null
    context.isBusy = true
    return context
  }

  #release(context: Context): void {
    context.isBusy = false
    // Its conversation was forgotten meanwhile.
    if (context.conversationId === null) this.#clear(context)
    this.#whenIdle.shift()?.()
    this.#options.onChange?.()
  }

  /** Opens another context, busy from the start, if that is allowed and there is room. */
  async #openAnother(): Promise<Context | null> {
    const [model] = this.#contexts
    const loaded = this.#loaded
    if (!model || !loaded || this.#contexts.length + this.#opening >= this.#liveContexts) return null
    const latest = this.#latest ?? loaded.usage
    const contexts = [...this.#contexts, model]
    const wanted = measuredFootprint(
      { weights: loaded.weights, contexts, loaded: loaded.usage, latest },
      this.#options.domains,
    )
    if (!this.#options.resize(wanted)) return null
    this.#opening++
    try {
      return await this.#openContext({ isBusy: true })
    } catch (error) {
      this.#options.resize(this.footprint())
      throw error
    } finally {
      this.#opening--
    }
  }

  async #openContext(options: { signal?: AbortSignal | undefined; isBusy: boolean }): Promise<Context> {
    const { contextTokens: asked, facts, onChange } = this.#options
    const id = `context ${String(++this.#openedContexts)}`
    const { contextTokens, allocated, usage } = await this.#process.client.openContext(
      { contextId: id, contextTokens: asked },
      withSignal(options.signal),
    )
    this.#latest = usage
    const context: Context = {
      id,
      contextTokens,
      kvBytes: kvCacheBytes(facts, contextTokens),
      allocated,
      conversationId: null,
      usedTokens: 0,
      promptTokens: 0,
      isBusy: options.isBusy,
      hasAnswered: false,
      usedAt: ++this.#uses,
    }
    this.#contexts.push(context)
    onChange?.()
    return context
  }

  #clear(context: Context): void {
    context.usedTokens = 0
    // A process that has died has nothing left to clear.
    this.#process.client.clearContext({ contextId: context.id }).catch(() => undefined)
  }

  /** Keeps count of a context's tokens while it answers. */
  #take(context: Context, event: GenerateEvent): void {
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

  /** The first answer of a context touches its buffers and warms up the program: what that has cost is reported once. */
  async #measureAfterAnswer(context: Context): Promise<void> {
    context.hasAnswered = true
    this.#latest = await this.#process.client.usage()
    this.#options.resize(this.footprint())
  }
}

function waitReason(name: string, ahead: number): string {
  return ahead === 1
    ? `"${name}" is writing another answer`
    : `"${name}" has ${String(ahead)} other answers to write first`
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}
