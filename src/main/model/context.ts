import type { ChatWrapper, LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { Allocation, ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import { alignTokens } from './align.ts'
import { AnswerText } from './answer-text.ts'
import { alignTokenizerOf, renderPrompt } from './chat.ts'
import { Lock } from './lock.ts'

/** How an answer is written. */
export interface GenerateOptions {
  readonly messages: readonly ChatMessage[]
  /** Null: until the model ends it or the context is full. */
  readonly maxTokens: number | null
  /** 0 is greedy. */
  readonly temperature: number
  readonly seed: number | null
}

/** Text goes out about this often: once a frame of a 60 Hz screen. */
const frameMs = 16

/** One llama.cpp context with one sequence: the KV cache of one conversation. */
export class ModelContext implements AsyncDisposable {
  readonly #context: LlamaContext
  readonly #sequence: LlamaContextSequence
  readonly #chat: ChatWrapper
  readonly #lock = new Lock()
  /** End the answers that are being written or wait for their turn. */
  readonly #stops = new Set<AbortController>()

  private constructor(context: LlamaContext, chat: ChatWrapper) {
    this.#context = context
    this.#chat = chat
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
    model: LlamaModel,
    options: { chat: ChatWrapper; contextTokens: number; threads: number; signal?: AbortSignal | undefined },
  ): Promise<ModelContext> {
    const { chat, contextTokens, threads, signal } = options
    const context = await model.createContext({
      contextSize: contextTokens,
      sequences: 1,
      threads,
      ignoreMemorySafetyChecks: true,
      failedCreationRemedy: false,
      ...(signal && { createSignal: signal }),
    })
    const opened = new ModelContext(context, chat)
    await opened.#warmUp()
    return opened
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
  generate(options: GenerateOptions, signal?: AbortSignal): AsyncGenerator<GenerateEvent, void, void> {
    // Made here and not when the first event is asked for, so that a `stop` that comes in between is not lost.
    const stop = new AbortController()
    this.#stops.add(stop)
    return this.#generate(options, { stop, signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    using _turn = await this.#lock.acquire()
    await this.#context.dispose()
  }

  async *#generate(
    options: GenerateOptions,
    control: { stop: AbortController; signal: AbortSignal | undefined },
  ): AsyncGenerator<GenerateEvent, void, void> {
    const { signal } = control
    const stop = control.stop.signal
    using _turn = await this.#lock.acquire()
    using _stop = { [Symbol.dispose]: () => void this.#stops.delete(control.stop) }
    signal?.throwIfAborted()
    const startedAt = performance.now()
    const sequence = this.#sequence
    const model = this.#context.model
    const prompt = renderPrompt(model, this.#chat, options.messages)
    // The library shifts when all cells but one are taken.
    const capacity = this.#context.contextSize - 1
    const { reusedTokens, rest } = await this.#keepPrefix(prompt.tokens, capacity)
    const promptTokens = reusedTokens + rest.length
    let generatedTokens = 0
    let firstTokenAt: number | null = null
    let lastTokenAt = startedAt
    const done = (stopReason: 'end' | 'max-tokens' | 'context-full' | 'stopped'): GenerateEvent => ({
      kind: 'done',
      stopReason,
      promptTokens,
      reusedTokens,
      generatedTokens,
      timeToFirstTokenMs: (firstTokenAt ?? performance.now()) - startedAt,
      tokensPerSecond:
        firstTokenAt === null || generatedTokens < 2
          ? null
          : (generatedTokens - 1) / ((lastTokenAt - firstTokenAt) / 1000),
      usedTokens: sequence.nextTokenIndex,
    })

    // All chunks but the last; the last one is read together with writing the first token.
    const batch = this.#context.batchSize
    let readTokens = 0
    yield { kind: 'reading', promptTokens, reusedTokens, readTokens }
    while (rest.length - readTokens > batch) {
      signal?.throwIfAborted()
      if (stop.aborted) return yield done('stopped')
      await sequence.evaluateWithoutGeneratingNewTokens(rest.slice(readTokens, readTokens + batch))
      readTokens += batch
      yield { kind: 'reading', promptTokens, reusedTokens, readTokens }
    }
    signal?.throwIfAborted()
    if (stop.aborted) return yield done('stopped')

    const text = new AnswerText<Token>({
      decode: (tokens, after) => model.detokenize(tokens, false, after),
      stopTexts: prompt.stopTexts,
    })
    const tokens = sequence.evaluate(rest.slice(readTokens), {
      temperature: options.temperature,
      ...(options.seed !== null && { seed: options.seed }),
    })
    let frame = ''
    let frameAt = -Infinity
    let stopReason: 'end' | 'max-tokens' | 'context-full' | 'stopped' = 'end'
    try {
      for (;;) {
        const { value: token, done: isEnd } = await tokens.next()
        signal?.throwIfAborted()
        if (isEnd === true || prompt.stopTokens.has(token)) break
        lastTokenAt = performance.now()
        if (firstTokenAt === null) {
          firstTokenAt = lastTokenAt
          readTokens = rest.length
          yield { kind: 'reading', promptTokens, reusedTokens, readTokens }
        }
        generatedTokens++
        const { text: shown, isStopped } = text.push(token)
        frame += shown
        if (isStopped) break
        if (stop.aborted) stopReason = 'stopped'
        else if (generatedTokens === options.maxTokens) stopReason = 'max-tokens'
        else if (sequence.nextTokenIndex >= capacity) stopReason = 'context-full'
        if (stopReason !== 'end') break
        if (frame !== '' && lastTokenAt - frameAt >= frameMs) {
          frameAt = lastTokenAt
          yield { kind: 'text', text: frame, generatedTokens }
          frame = ''
        }
      }
    } finally {
      await tokens.return()
    }
    frame += text.flush()
    if (frame !== '') yield { kind: 'text', text: frame, generatedTokens }
    yield done(stopReason)
  }

  /** Keeps what the context holds of a prompt and erases the rest of it; what has to be read. */
  async #keepPrefix(
    prompt: readonly Token[],
    capacity: number,
  ): Promise<{ reusedTokens: number; rest: Token[] }> {
    const sequence = this.#sequence
    const held = sequence.contextTokens
    const { kept, rest } = alignTokens(held, prompt, alignTokenizerOf(this.#context.model))
    const needed = kept + rest.length
    if (needed > capacity)
      throw new AppError(
        'CONTEXT_FULL',
        `Cannot read the conversation: it has ${String(needed)} tokens, the context holds ${String(capacity)}`,
        { details: { help: 'Begin a new conversation, or load the model with a larger context' } },
      )
    if (kept === held.length) return { reusedTokens: kept, rest: [...rest] }
    // Recurrent and sliding-window layers cannot go back by themselves: the library reads the tokens again, uncancelled and uncounted.
    // So go back only to where a checkpoint is, which may be the beginning.
    const unreadable =
      kept > 0 && sequence.needsCheckpoints ? sequence.getRestoreToPrefixIndexEvaluationSize(kept - 1) : 0
    const reusedTokens = unreadable > 0 ? Math.max(0, kept - unreadable - 1) : kept
    await sequence.eraseContextTokenRanges([{ start: reusedTokens, end: held.length }])
    return { reusedTokens, rest: [...held.slice(reusedTokens, kept), ...rest] }
  }

  async #warmUp(): Promise<void> {
    const { bos, eos } = this.#context.model.tokens
    const [token = bos ?? eos] = this.#context.model.tokenize(' ')
    if (token === null) return
    await this.#sequence.evaluateWithoutGeneratingNewTokens([token])
    await this.#sequence.clearHistory()
  }
}
