import type {
  ChatMessage,
  Chosen,
  DraftLoad,
  GenerateEvent,
  ProcessUsage,
  ReadAhead,
} from '../../contract/backend.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { Footprint, LoadedWith, ResidentContext } from '../../contract/memory.ts'
import type { DraftKind } from '../../contract/model.ts'
import { greedySampling, type ResolvedSampling } from '../../contract/sampling.ts'
import type { Pausable } from '../core/arbiter.ts'
import { defaultBatchTokens, usesFlashAttention } from '../core/footprint.ts'
import type { IdleKv } from '../core/relief.ts'
import { withParked } from './context-parking.ts'
import type { AnswerDrafts } from './drafts.ts'
import type { LiveContextsOptions, Context } from './live-context.ts'
import { LiveContexts } from './live-contexts.ts'
import type { AnswerPause } from './answer-pause.ts'
import { draftMemory } from './measured-footprint.ts'
import { orLeave } from './model-lease.ts'
import type { ModelProcess } from './model-process.ts'
import { startModelProcess } from './model-process.ts'
import type { StartChild } from './starter.ts'
import type { Patience } from './watchdog.ts'

/** What a resident model is made of. */
export interface ResidentModelOptions extends LiveContextsOptions {
  readonly start: StartChild
  /** The program of model processes. */
  readonly program: string
  /** Added to the process's environment: `PLENUM_DEVICE`. */
  readonly env?: Readonly<Record<string, string>>
  /** The first file of the model. */
  readonly path: string
  readonly threads: number
  /** How the model is loaded otherwise. Default: f16, batches of 512, mapped, flash attention as the heads ask. */
  readonly load?: LoadSettings
  /** Layers on the GPU; null: all. */
  readonly gpuLayers: number | null
  /** How long its process may be silent before it is ended. */
  readonly patience?: Patience
  /** A process that was started ahead and has no model yet. Default: one of its own. */
  readonly process?: ModelProcess | null
  /** Decides what drafts for each answer. Default: nothing does. */
  readonly drafts?: AnswerDrafts
}

/** How a model is loaded, beside its context size, its threads and its place. */
export type LoadSettings = Pick<LoadedWith, 'kvType' | 'flashAttention' | 'batchTokens' | 'fileAccess'> & {
  /** Default false. */
  readonly fullWindowCache?: boolean
  readonly chatTemplate: string | null
  readonly thinking: boolean | null
  readonly thinkingBudgetTokens?: number | null
  /** From the facts of the file. */
  readonly chatFormat?: string | undefined
  /** A model that drafts for it. Default: none. */
  readonly draft?: DraftLoad | null
}

/** How an answer is written. */
export interface AnswerOptions {
  /** Aborting ends the answer within one batch: its events then end with `done` and `stopped`. While it waits in line it rejects. */
  readonly signal?: AbortSignal
  /** How its tokens are chosen; what is absent: always the likeliest, to the end. */
  readonly sampling?: Partial<ResolvedSampling>
  /** A JSON schema that the answer follows. Default: it is free. */
  readonly jsonSchema?: unknown
  /** Asks for the turn to decode. It is given back when the answer is over, and while there is no context for it. */
  readonly enter?: () => Promise<Disposable>
  /** Lets it stand still while it has the turn. */
  readonly pause?: AnswerPause
  /** The last message is the beginning of the answer. Default false. */
  readonly continues?: boolean
  /** End it when it has begun to repeat itself without end. Default false. */
  readonly stopsRepetition?: boolean
  /** A conversation that begins like this one: what is held of it, in memory or parked, is not read again. Default: none is known. */
  readonly branchOf?: string | undefined
  /** Refuse with `CONTEXT_FULL` what leaves little room for the answer. Default: one token is enough. */
  readonly keepsRoom?: boolean
  /** What writes ahead, also where that does not pay with `persists`. Default: as `drafts` of the model decides. */
  readonly draft?: { readonly kind: DraftKind; readonly persists?: boolean } | null
}

/** A model in a process of its own, with a context for each live conversation. Owns the process: disposing ends it. */
export class ResidentModel implements AsyncDisposable {
  readonly #options: ResidentModelOptions
  readonly #process: ModelProcess
  readonly #contexts: LiveContexts
  readonly #settings: LoadSettings
  #kvType: LoadedWith['kvType']
  #warnings: readonly string[] = []
  #readingMs: number | null = null

  /** Starts the process; `load` comes next. */
  constructor(options: ResidentModelOptions) {
    this.#options = options
    this.#settings = options.load ?? {
      ...{ kvType: 'f16', batchTokens: defaultBatchTokens, fileAccess: 'mmap' },
      ...{ flashAttention: usesFlashAttention(options.facts), chatTemplate: null, thinking: null },
    }
    this.#kvType = this.#settings.kvType
    this.#process =
      options.process ??
      startModelProcess({
        start: options.start,
        file: options.program,
        name: options.name,
        ...(options.env && { env: options.env }),
        ...(options.patience && { patience: options.patience }),
      })
    this.#contexts = new LiveContexts(this.#process.client, options)
    this.#process.onExit(() => this.#contexts.close())
  }

  get processId(): number | null {
    return this.#process.processId ?? null
  }

  /** How it is loaded: as asked, with the KV type that the backend took. */
  get loadedWith(): LoadedWith {
    const { gpuLayers, contextTokens, threads } = this.#options
    const { flashAttention, batchTokens, fileAccess, fullWindowCache = false } = this.#settings
    return {
      ...{ contextTokens, gpuLayers, threads, kvType: this.#kvType },
      ...{ flashAttention, batchTokens, fileAccess, fullWindowCache },
    }
  }

  /** Options that could not be followed, in plain words. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  /** How long it took until its weights were in, in milliseconds; null before. */
  get readingMs(): number | null {
    return this.#readingMs
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
    const { path, threads, gpuLayers } = this.#options
    const { client } = this.#process
    try {
      signal?.throwIfAborted()
      const wanted = { path, threads, gpuLayers, ...this.#settings }
      const startedAt = performance.now()
      for await (const event of await client.load(wanted, signal ? { signal } : {})) {
        if (event.kind === 'progress') onProgress?.(event.loadedBytes)
        else {
          this.#readingMs = performance.now() - startedAt
          this.#kvType = event.kvType
          this.#warnings = event.warnings
          const { after: usage, weights } = event
          const draft = event.draft && draftMemory(event.draft, { before: usage, after: event.draft.after })
          await this.#contexts.start({ usage, weights, draft, made: this.loadedWith }, signal)
        }
      }
      return this.footprint()
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What the process takes, measured: see `measuredFootprint`. */
  footprint(): Footprint {
    return this.#contexts.footprint()
  }

  /** Memory of the process now, as the operating system tells it. */
  async usage(): Promise<ProcessUsage> {
    return this.#process.client.usage()
  }

  /** The live contexts, for the snapshot. */
  contexts(): ResidentContext[] {
    return this.#contexts.describe()
  }

  /** A conversation is gone: its context becomes a spare one. */
  forget(conversationId: string): void {
    this.#contexts.forget(conversationId)
  }

  /** What can be given back of idle contexts. */
  idleKv(): IdleKv[] {
    return this.#contexts.idleKv()
  }

  /** Gives back what `idleKv` has named and reports what is left; the bytes that this freed, 0 when it is in use again. */
  async giveBack(contextId: string): Promise<number> {
    return this.#contexts.giveBack(contextId)
  }

  /**
   * Reads a conversation as far as its context does not hold it, and writes the answer. One answer at a time for each conversation. Without a
   * conversation (null) it is an aside, in a context of its own.
   */
  async *generate(
    conversationId: string | null,
    messages: readonly ChatMessage[],
    options: AnswerOptions = {},
  ): AsyncGenerator<GenerateEvent, void, void> {
    const { signal, jsonSchema = null, keepsRoom = false, continues = false, pause } = options
    const { client } = this.#process
    const contexts = this.#contexts
    using place = await this.#takePlace(conversationId, options)
    const { context } = place
    const { id: contextId } = context
    using _pause = await pause?.begin(this.#pausable(context), signal)
    using _watch = this.#process.watch(signal)
    // Not the call's own signal, which would cut off the events: the answer's figures come after it was stopped.
    const stop = this.#stopping(context)
    try {
      const events = await client.generate({
        contextId,
        messages: [...messages],
        continues,
        sampling: { ...greedySampling, ...options.sampling },
        jsonSchema,
        stopsRepetition: options.stopsRepetition ?? false,
        roomTokens: keepsRoom ? this.#contexts.answerRoomTokens : 1,
        mayGrow: true,
        draft: options.draft === undefined ? (this.#options.drafts?.choose() ?? null) : options.draft,
      })
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted) stop()
      for await (const event of events) {
        if (event.kind === 'full') {
          await contexts.grow(context, event)
          continue
        }
        contexts.take(context, event)
        if (event.kind === 'done' && event.draft) this.#options.drafts?.record(event.draft)
        yield event
      }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
    // Not waited for: the answer is complete, and a process that dies meanwhile says so by itself.
    contexts.measureAfterAnswer(context).catch(() => undefined)
  }

  /** Which of some options it would answer with; see the contract. Rejects with the signal's reason within one batch. */
  async choose(
    conversationId: string | null,
    messages: readonly ChatMessage[],
    options: readonly string[],
    how: Pick<AnswerOptions, 'signal' | 'enter' | 'pause' | 'continues'> = {},
  ): Promise<Chosen> {
    const { continues = false } = how
    const asked = { messages: [...messages], options: [...options], continues }
    return this.#read(conversationId, how, async (contextId) =>
      this.#process.client.choose({ contextId, ...asked }),
    )
  }

  /**
   * Reads a conversation that ends with an answer ahead, up to where its next message begins, if nobody has to give anything up for it; null when
   * somebody would. It makes way within a batch for whoever asks for a context: then it rejects.
   */
  async warm(
    conversationId: string,
    messages: readonly ChatMessage[],
    { signal, enter, pause }: Pick<AnswerOptions, 'signal' | 'enter' | 'pause'> = {},
  ): Promise<ReadAhead | null> {
    using _turn = await enter?.()
    const claimed = await this.#contexts.claimToWarm(conversationId)
    if (!claimed) return null
    using _release = { [Symbol.dispose]: () => claimed.release() }
    const { context } = claimed
    const ended = AbortSignal.any([claimed.signal, ...(signal ? [signal] : [])])
    using _pause = await pause?.begin(this.#pausable(context), ended)
    const asked = { contextId: context.id, messages: [...messages] }
    return await this.#stoppable(context, { signal: ended, room: 'free' }, async () =>
      this.#process.client.read(asked),
    )
  }

  /** Has a context read without writing, once it is its turn; the context grows as far as that needs. */
  async #read<Outcome extends { readonly usedTokens: number }>(
    conversationId: string | null,
    how: Pick<AnswerOptions, 'signal' | 'enter' | 'pause'>,
    read: (contextId: string) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { signal, pause } = how
    using place = await this.#takePlace(conversationId, how)
    const { context } = place
    using _pause = await pause?.begin(this.#pausable(context), signal)
    return await this.#stoppable(context, { signal, room: 'any' }, async () => read(context.id))
  }

  /** Has a claimed context read, and grow as far as that needs, until `signal` aborts. */
  async #stoppable<Outcome extends { readonly usedTokens: number }>(
    context: Context,
    { signal, room }: { readonly signal: AbortSignal | undefined; readonly room: 'any' | 'free' },
    read: () => Promise<Outcome>,
  ): Promise<Outcome> {
    signal?.throwIfAborted()
    using _watch = this.#process.watch(signal)
    const stop = this.#stopping(context)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      for (;;) {
        try {
          const outcome = await read()
          this.#contexts.takeRead(context, outcome)
          // Not waited for, as after an answer.
          this.#contexts.measureAfterAnswer(context).catch(() => undefined)
          return outcome
        } catch (error) {
          signal?.throwIfAborted()
          const { code, details } = toProblem(error)
          const { neededTokens } = details
          if (code !== 'CONTEXT_FULL' || neededTokens === undefined) throw error
          if (!(await this.#contexts.enlarge(context, neededTokens, { room }))) throw error
        }
      }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /**
   * What an answer to these messages would read, without reading it: by the model's own tokenizer, less what it holds of the conversation, also on
   * disk. Rejects when the process has died.
   */
  async countPrompt(
    conversationId: string | null,
    messages: readonly ChatMessage[],
    signal?: AbortSignal,
  ): Promise<{ promptTokens: number; reusedTokens: number; heldTokens: number; isExact: boolean }> {
    const held =
      conversationId === null ? { contextId: null, parkedTokens: 0 } : this.#contexts.held(conversationId)
    const counted = await this.#process.client.countPrompt(
      { contextId: held.contextId, messages: [...messages] },
      signal ? { signal } : {},
    )
    return held.contextId === null ? withParked(counted, held.parkedTokens) : { ...counted, isExact: true }
  }

  /** Whether it has read anything of a conversation that it still has, in memory or on disk. */
  holds(conversationId: string): boolean {
    const { contextId, parkedTokens } = this.#contexts.held(conversationId)
    return contextId !== null || parkedTokens > 0
  }

  /** What is held of a conversation, and where, as a text that changes with it. */
  heldOf(conversationId: string): string {
    const { contextId, parkedTokens } = this.#contexts.held(conversationId)
    const context = this.contexts().find(({ id }) => id === contextId)
    return [contextId, context?.usedTokens, parkedTokens].join(' ')
  }

  /** Tokens of a text by itself. */
  async countTokens(text: string, signal?: AbortSignal): Promise<number> {
    return (await this.#process.client.tokenize({ text }, signal ? { signal } : {})).tokens
  }

  /**
   * Takes the turn to decode and a context; both are given back together. Nobody who has the turn waits for a context: whoever holds
   * that may be waiting for the turn.
   */
  async #takePlace(
    conversationId: string | null,
    { enter, signal, branchOf }: Pick<AnswerOptions, 'enter' | 'signal' | 'branchOf'>,
  ): Promise<Disposable & { readonly context: Context }> {
    const contexts = this.#contexts
    for (;;) {
      signal?.throwIfAborted()
      const turn = await enter?.()
      const claimed = await this.#claim(conversationId, { ...(signal && { signal }), branchOf }).catch(
        (error: unknown) => {
          turn?.[Symbol.dispose]()
          throw error
        },
      )
      if (!('whenIdle' in claimed)) {
        const giveBack = () => {
          contexts.release(claimed)
          turn?.[Symbol.dispose]()
        }
        return { context: claimed, [Symbol.dispose]: giveBack }
      }
      turn?.[Symbol.dispose]()
      await orLeave(claimed.whenIdle, signal)
    }
  }

  async #claim(
    conversationId: string | null,
    { signal, branchOf }: Pick<AnswerOptions, 'signal' | 'branchOf'>,
  ): ReturnType<LiveContexts['claim']> {
    using _watch = this.#process.watch(signal)
    return await this.#contexts.claim(conversationId, { branchOf })
  }

  #stopping({ id: contextId }: Context): () => void {
    const { client } = this.#process
    // A process that has died says so by the call that is under way.
    return () => void client.stop({ contextId }).catch(() => undefined)
  }

  #pausable({ id: contextId }: Context): Pausable {
    const { client } = this.#process
    return {
      pause: async () => client.pause({ contextId }),
      // A process that has died says so by the answer's own events.
      resume: () => void client.resume({ contextId }).catch(() => undefined),
    }
  }

  /** How long `leave` may take, in milliseconds. */
  get leaveLimitMs(): number {
    return this.#contexts.leaveLimitMs
  }

  /** Ends answers and parks what was read, before the process is ended; until `signal` aborts. */
  async leave(signal: AbortSignal): Promise<void> {
    await this.#contexts.leave(signal)
  }

  /** Ends the process and waits until its memory is back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
  }
}
