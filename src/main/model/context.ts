import type { ChatWrapper, LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { Allocation, ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { KvType } from '../../contract/model.ts'
import { alignTokens } from './align.ts'
import { alignTokenizerOf, renderPrompt } from './chat.ts'
import type { Control, WritingOptions } from './generate.ts'
import { generateAnswer } from './generate.ts'
import type { Gate } from './gate.ts'
import { Lock } from './lock.ts'

/** What a context needs of its model. */
export interface ContextOptions {
  readonly model: LlamaModel
  readonly chat: ChatWrapper
  readonly threads: number
  /** Tokens that are read at once. */
  readonly batchTokens: number
  readonly kvType: KvType
  readonly gate: Gate
  /** Turns what llama.cpp or the library throws into an error that says what was tried. */
  readonly explain: (action: string, error: unknown) => AppError
}

/** One llama.cpp context with one sequence: the KV cache of one conversation. */
export class ModelContext implements AsyncDisposable {
  readonly #options: ContextOptions
  readonly #context: LlamaContext
  readonly #sequence: LlamaContextSequence
  readonly #lock = new Lock()
  /** End the answers that are being written or wait for their turn. */
  readonly #stops = new Set<AbortController>()

  private constructor(options: ContextOptions, context: LlamaContext) {
    this.#options = options
    this.#context = context
    this.#sequence = context.getSequence({
      // The library would erase the beginning of the conversation when the context is full. `generate` stops before that.
      contextShift: {
        strategy: () => {
          throw new AppError('INTERNAL', 'The context would have been shifted')
        },
      },
      // States of recurrent and sliding-window layers, kept beside the context for going back. They are not in any budget.
      checkpoints: { max: 1, interval: false },
    })
  }

  /** Makes a context and decodes one token in it, so that what it needs is resident and can be measured. */
  static async open(
    options: ContextOptions & { readonly contextTokens: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ModelContext> {
    const { model, threads, batchTokens, kvType, contextTokens, signal } = options
    try {
      const context = await model.createContext({
        contextSize: contextTokens,
        sequences: 1,
        threads,
        batchSize: Math.min(batchTokens, contextTokens),
        ...kvTypeOptions(kvType),
        // What the host's ledger has granted is made as it was granted, or not at all.
        ignoreMemorySafetyChecks: true,
        failedCreationRemedy: false,
        ...(signal && { createSignal: signal }),
      })
      const opened = new ModelContext(options, context)
      await opened.#warmUp()
      return opened
    } catch (error) {
      signal?.throwIfAborted()
      throw options.explain(`open a context of ${String(contextTokens)} tokens`, error)
    }
  }

  /** What it really holds: llama.cpp rounds up to a multiple of 256. */
  get contextTokens(): number {
    return this.#context.contextSize
  }

  /** Its KV cache and compute buffers. */
  get allocated(): Allocation {
    const { ram, vram } = this.#context.memoryUsage
    return { hostBytes: ram, deviceBytes: vram }
  }

  /** Forgets everything that was read. */
  async clear(): Promise<void> {
    using _turn = await this.#lock.acquire()
    await this.#sequence.clearHistory()
  }

  /** Ends the answers that were asked for so far, as soon as the batch under way is done. Their events end with `stopped`. */
  stop(): void {
    for (const stop of this.#stops) stop.abort()
  }

  /**
   * Reads the messages as far as the context does not hold them, and writes an answer. Aborting rejects with the signal's reason,
   * `stop` ends it in good order; both take effect within one batch and leave the context in order.
   */
  generate(
    options: WritingOptions & { readonly messages: readonly ChatMessage[] },
    signal?: AbortSignal,
  ): AsyncGenerator<GenerateEvent, void, void> {
    // Made here and not when the first event is asked for, so that a `stop` that comes in between is not lost.
    const stop = new AbortController()
    this.#stops.add(stop)
    return this.#generate(options, { signal, stop })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    using _turn = await this.#lock.acquire()
    await this.#context.dispose()
  }

  async *#generate(
    options: WritingOptions & { readonly messages: readonly ChatMessage[] },
    { signal, stop }: { stop: AbortController; signal: AbortSignal | undefined },
  ): AsyncGenerator<GenerateEvent, void, void> {
    using _stop = { [Symbol.dispose]: () => void this.#stops.delete(stop) }
    using _turn = await this.#lock.acquire()
    const { model, chat, gate, explain } = this.#options
    const control: Control = { signal, gate, stop: stop.signal }
    using _decoding = gate.enter()
    try {
      await gate.pass([stop.signal, signal])
      signal?.throwIfAborted()
      const { tokens, stopTokens, stopTexts } = renderPrompt(model, chat, options.messages)
      // The library would shift when all cells but one are taken.
      const capacityTokens = this.#context.contextSize - 1
      const kept = await this.#keepPrefix(tokens, capacityTokens)
      const reading = { ...kept, stopTokens, stopTexts, capacityTokens }
      yield* generateAnswer(this.#sequence, reading, { ...options, ...control })
    } catch (error) {
      signal?.throwIfAborted()
      throw explain('write an answer', error)
    }
  }

  /** Keeps what the context holds of a prompt and erases the rest of it; what has to be read. */
  async #keepPrefix(
    prompt: readonly Token[],
    capacityTokens: number,
  ): Promise<{ reusedTokens: number; rest: readonly Token[] }> {
    const sequence = this.#sequence
    const held = sequence.contextTokens
    const { kept, rest } = alignTokens(held, prompt, alignTokenizerOf(this.#options.model))
    const needed = kept + rest.length
    if (needed > capacityTokens)
      throw new AppError(
        'CONTEXT_FULL',
        `Cannot read the conversation: it has ${String(needed)} tokens, the context holds ${String(capacityTokens)}`,
        { details: { help: 'Begin a new conversation, or load the model with a larger context' } },
      )
    if (kept === held.length) return { reusedTokens: kept, rest }
    // Recurrent and sliding-window layers cannot go back by themselves: the library reads the tokens again, uncancelled and uncounted.
    // So go back only to where a checkpoint is, which may be the beginning.
    const lost =
      kept > 0 && sequence.needsCheckpoints ? sequence.getRestoreToPrefixIndexEvaluationSize(kept - 1) : 0
    const reusedTokens = lost > 0 ? Math.max(0, kept - lost - 1) : kept
    await sequence.eraseContextTokenRanges([{ start: reusedTokens, end: held.length }])
    return { reusedTokens, rest: [...held.slice(reusedTokens, kept), ...rest] }
  }

  async #warmUp(): Promise<void> {
    const { bos, eos } = this.#options.model.tokens
    const [token = bos ?? eos] = this.#options.model.tokenize(' ')
    if (token === null) return
    await this.#sequence.evaluateWithoutGeneratingNewTokens([token])
    await this.#sequence.clearHistory()
  }
}

/** A KV cache's type as the library wants it told. Both options are marked unstable there: `LoadedModel` tries them first. */
export function kvTypeOptions(kvType: KvType) {
  const type = kvType === 'q8_0' ? 'Q8_0' : 'F16'
  return { experimentalKvCacheKeyType: type, experimentalKvCacheValueType: type } as const
}
