import { open, rm, stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import type {
  ChatWrapper,
  LlamaContext,
  LlamaContextSequence,
  LlamaGrammar,
  LlamaModel,
  Token,
} from 'node-llama-cpp'
import { getModuleVersion, LlamaGrammarEvaluationState } from 'node-llama-cpp'
import type {
  Allocation,
  ChatMessage,
  Chosen,
  ContextFullEvent,
  DraftFigures,
  GenerateEvent,
  ReadAhead,
} from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import { opensThought } from '../../contract/thoughts.ts'
import type { DraftKind, KvType } from '../../contract/model.ts'
import type { ResolvedSampling } from '../../contract/sampling.ts'
import { alignTokens } from './align.ts'
import { alignTokenizerOf, renderBeforeNext, renderPrompt, thoughtFormatOf, thoughtMarksOf } from './chat.ts'
import { Choice } from './choice.ts'
import { spellOptions, weighInSequence } from './choose.ts'
import { ownThreads, type DraftModel } from './draft-model.ts'
import { DraftPace } from './draft-pace.ts'
import type { Control, Reading } from './generate.ts'
import { generateAnswer } from './generate.ts'
import { Gate } from './gate.ts'
import { Lock } from './lock.ts'
import { mayGoOn, readTokens } from './read.ts'
import { RepetitionWatch } from './repetition.ts'
import { LookupDraft } from './lookup-draft.ts'
import { ThoughtLimit } from './thought-limit.ts'
import { begunThought, partsOfAnswer, ThoughtText } from './thought-text.ts'

/** What a context needs of its model. */
export interface ContextOptions {
  readonly model: LlamaModel
  readonly chat: () => ChatWrapper
  readonly threads: number
  /** Tokens that are read at once. */
  readonly batchTokens: number
  readonly kvType: KvType
  /** Layers with a sliding window keep what has left it. */
  readonly fullWindowCache: boolean
  /** How long an answer may think; null: as long as it likes. */
  readonly thinkingBudgetTokens?: number | null
  /** Drafts for one answer at a time. */
  readonly draftModel?: DraftModel | null
  /** Makes a grammar of a JSON schema. */
  readonly grammar: (schema: unknown) => Promise<LlamaGrammar>
  /** Turns what llama.cpp or the library throws into an error that says what was tried. */
  readonly explain: (action: string, error: unknown) => AppError
}

/** What is to be answered, and how. */
export type AnswerRequest = {
  readonly messages: readonly ChatMessage[]
  /** The last message is the beginning of the answer. Default false. */
  readonly continues?: boolean
  readonly sampling: ResolvedSampling
  /** A JSON schema that the answer follows; absent or null: it is free. */
  readonly jsonSchema?: unknown
  /** Ends it when it has begun to repeat itself without end. Default false. */
  readonly stopsRepetition?: boolean
  /** Tokens that must be left for the answer, or it does not begin. Default 1. */
  readonly roomTokens?: number
  /** Whether `resize` is called when the event `full` comes. */
  readonly mayGrow?: boolean
  /** What writes ahead, as far as that is possible. `persists`: also where it does not pay. */
  readonly draft?: { readonly kind: DraftKind; readonly persists?: boolean } | null
}

/** What is to be chosen. */
export type ChooseRequest = Pick<AnswerRequest, 'messages' | 'continues'> & {
  readonly options: readonly string[]
}

/** llama.cpp's context and its one sequence. */
type Cells = { readonly context: LlamaContext; readonly sequence: LlamaContextSequence }

/** One llama.cpp context with one sequence: the KV cache of one conversation. */
export class ModelContext implements AsyncDisposable {
  readonly #options: ContextOptions
  readonly #lock = new Lock()
  readonly #gate = new Gate()
  /** End the answers that are being written or wait for their turn. */
  readonly #stops = new Set<AbortController>()
  #cells: Cells
  /** An answer waits for a larger context. */
  #roomAsked: PromiseWithResolvers<null> | null = null

  private constructor(options: ContextOptions, cells: Cells) {
    this.#options = options
    this.#cells = cells
  }

  /** Makes a context and decodes one token in it, so that what it needs is resident and can be measured. */
  static async open(
    options: ContextOptions & { readonly contextTokens: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ModelContext> {
    const { contextTokens, signal } = options
    try {
      const cells = await openCells(options)
      await warmUp(options.model, cells.sequence)
      return new ModelContext(options, cells)
    } catch (error) {
      signal?.throwIfAborted()
      throw options.explain(`open a context of ${String(contextTokens)} tokens`, error)
    }
  }

  /** What it really holds: llama.cpp rounds up to a multiple of 256. */
  get contextTokens(): number {
    return this.#cells.context.contextSize
  }

  /** Its KV cache and compute buffers. */
  get allocated(): Allocation {
    const { ram, vram } = this.#cells.context.memoryUsage
    return { hostBytes: ram, deviceBytes: vram }
  }

  /** What a saved state must have in common with the context that restores it, beside the model. */
  get stateFormat(): string {
    const { context } = this.#cells
    const { llama } = this.#options.model
    return [
      `node-llama-cpp ${moduleVersion}`,
      `llama.cpp ${llama.llamaCppRelease.release}`,
      `device ${String(llama.gpu)}`,
      `keys ${String(context.kvCacheKeyType)}`,
      `values ${String(context.kvCacheValueType)}`,
      `flash attention ${String(context.flashAttention)}`,
      `sequences ${String(context.totalSequences)}`,
      `windows ${this.#options.fullWindowCache ? 'full' : 'sliding'}`,
    ].join(', ')
  }

  /** Forgets everything that was read. */
  async clear(): Promise<void> {
    using _turn = await this.#lock.acquire()
    await this.#cells.sequence.clearHistory()
  }

  /** Writes what was read to a file: how many tokens, and the file's size. */
  async save(path: string): Promise<{ tokens: number; bytes: number }> {
    using _turn = await this.#lock.acquire()
    return await this.#save(path)
  }

  /** Reads a saved state in place of what is held; the tokens that are held now. When it rejects, nothing is held. */
  async restore(path: string): Promise<{ tokens: number }> {
    using _turn = await this.#lock.acquire()
    const { sequence } = this.#cells
    await sequence.clearHistory()
    try {
      await sequence.loadStateFromFile(path, { acceptRisk: true })
      return { tokens: sequence.nextTokenIndex }
    } catch (error) {
      await sequence.clearHistory()
      throw this.#options.explain('restore a conversation', error)
    }
  }

  /**
   * Moves what was read into a context of another size, by a file at `path`. When it rejects, everything is as it was. An answer that
   * waits for room goes on either way.
   */
  async resize(contextTokens: number, { path }: { path: string }): Promise<void> {
    using _turn = this.#roomAsked ? null : await this.#lock.acquire()
    try {
      if (contextTokens !== this.contextTokens) await this.#move(contextTokens, path)
    } finally {
      this.#roomAsked?.resolve(null)
    }
  }

  /** Ends the answers that were asked for so far, as soon as the batch under way is done. Their events end with `stopped`. */
  stop(): void {
    for (const stop of this.#stops) stop.abort()
  }

  /** Lets the answer stand still at the next batch or token; ends when it does. */
  async pause(): Promise<void> {
    await this.#gate.close()
  }

  resume(): void {
    this.#gate.open()
  }

  /**
   * Reads the messages as far as the context does not hold them, and writes an answer. Aborting rejects with the signal's reason,
   * `stop` ends it in good order; both take effect within one batch and leave the context in order.
   */
  generate(
    request: AnswerRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerateEvent | ContextFullEvent, void, void> {
    // Made here and not when the first event is asked for, so that a `stop` that comes in between is not lost.
    const stop = new AbortController()
    this.#stops.add(stop)
    return this.#generate(request, { signal, stop })
  }

  /**
   * Says which of the options an answer to the messages would begin with, without writing one; see the contract. Aborting rejects with the
   * signal's reason, `stop` with `MODEL_FAILED`, both within one batch. However it ends, the context is in order.
   */
  async choose(request: ChooseRequest, signal?: AbortSignal): Promise<Chosen> {
    return this.#work(`choose one of ${String(request.options.length)} options`, signal, async (control) => {
      const { model, chat } = this.#options
      const spellings = spellOptions(model, request.options)
      const { tokens } = renderPrompt(model, chat(), request)
      const thoughts = this.#followThoughts(tokens, { always: true })
      const prompt = thoughts?.limit.isThinking ? [...tokens, ...thoughts.end] : tokens
      const noThought = this.#emptyThought()
      const longest = Math.max(...spellings.map((each) => each.tokens.length))
      await mayGoOn(control)
      const { reusedTokens, rest } = await this.#keepPrefix(prompt, longest + noThought.length)
      const { sequence } = this.#cells
      const weighed = await weighInSequence(sequence, rest, { spellings, noThought, control })
      const promptTokens = reusedTokens + rest.length
      return { ...weighed, promptTokens, reusedTokens, usedTokens: sequence.nextTokenIndex }
    })
  }

  /** Reads messages up to where the next one of the user would begin; see the contract. Ends as `choose` does. */
  async read(messages: readonly ChatMessage[], signal?: AbortSignal): Promise<ReadAhead> {
    return this.#work('read a conversation', signal, async (control) => {
      const { model, chat } = this.#options
      const tokens = renderBeforeNext(model, chat(), messages)
      const startedAt = performance.now()
      const { sequence } = this.#cells
      const { kept, rest } = this.#align(tokens)
      const isHeld = rest.length <= 1 && kept + rest.length <= sequence.nextTokenIndex
      let [reusedTokens, promptTokens, pausedMs] = [tokens.length, tokens.length, 0]
      // What holds all of it stays as it is, with what may follow it.
      if (!isHeld) {
        const keep = await this.#keepPrefix(tokens, 1)
        reusedTokens = keep.reusedTokens
        promptTokens = reusedTokens + keep.rest.length
        try {
          pausedMs = await readTokens(sequence, keep.rest, control)
        } catch (error) {
          if (!control.stop.aborted || signal?.aborted) throw error
        }
      }
      const usedTokens = sequence.nextTokenIndex
      return {
        ...{ promptTokens, reusedTokens, usedTokens, readTokens: isHeld ? 0 : usedTokens - reusedTokens },
        ms: performance.now() - startedAt - pausedMs,
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    this.#roomAsked?.resolve(null)
    using _turn = await this.#lock.acquire()
    await this.#cells.context.dispose()
  }

  async *#generate(
    request: AnswerRequest,
    { signal, stop }: { stop: AbortController; signal: AbortSignal | undefined },
  ): AsyncGenerator<GenerateEvent | ContextFullEvent, void, void> {
    using _stop = { [Symbol.dispose]: () => void this.#stops.delete(stop) }
    using _turn = await this.#lock.acquire()
    const { model, chat, explain } = this.#options
    const gate = this.#gate
    const control: Control = { signal, gate, stop: stop.signal }
    using _decoding = gate.enter()
    try {
      await gate.pass([stop.signal, signal])
      signal?.throwIfAborted()
      const { tokens, stopTokens, stopTexts } = renderPrompt(model, chat(), request)
      // With room for one token the prompt may take the last cell: the first token is chosen without a cell of its own.
      const { roomTokens = 1 } = request
      const neededTokens = this.#alignedLength(tokens) + roomTokens - 1
      if (request.mayGrow && neededTokens > this.#capacityTokens) yield* this.#askForRoom(neededTokens)
      const kept = await this.#keepPrefix(tokens, roomTokens)
      const { sampling, jsonSchema = null, continues = false } = request
      const thoughts = this.#followThoughts(tokens, { always: jsonSchema !== null })
      const grammar =
        jsonSchema === null
          ? null
          : new LlamaGrammarEvaluationState({ model, grammar: await this.#options.grammar(jsonSchema) })
      const choice = new Choice(sampling, {
        read: tokens,
        // A thought is free; what comes after it is not.
        ...(grammar && { grammar: () => (thoughts?.limit.isThinking === true ? undefined : grammar) }),
      })
      const reading = {
        ...{ ...kept, stopTokens, continues },
        endTexts: stopTexts,
        stopTexts: sampling.stopTexts,
        ...(thoughts && { thoughts }),
        ...this.#ownMarks(tokens, continues ? (request.messages.at(-1)?.text ?? '') : ''),
      }
      const place = {
        sequence: () => this.#cells.sequence,
        capacityTokens: () => this.#capacityTokens,
        ...(request.mayGrow && { askForRoom: () => this.#askForRoom(this.#capacityTokens + 1) }),
      }
      using drafting = jsonSchema === null ? this.#draftWith(request.draft) : null
      const writing = {
        ...{ choice, maxTokens: sampling.maxTokens, ...control },
        repetition: request.stopsRepetition ? new RepetitionWatch() : null,
        ...(drafting && { drafting }),
      }
      yield* withDraftFigures(
        withThoughtBegun(
          continues ? '' : this.#thoughtBegun(tokens),
          generateAnswer(place, reading, writing),
        ),
        () => drafting?.figures() ?? null,
      )
    } catch (error) {
      signal?.throwIfAborted()
      throw explain('write an answer', error)
    }
  }

  /** Has the context to itself for work that writes nothing. */
  async #work<Result>(
    action: string,
    signal: AbortSignal | undefined,
    work: (control: Control) => Promise<Result>,
  ): Promise<Result> {
    const stop = new AbortController()
    this.#stops.add(stop)
    using _stop = { [Symbol.dispose]: () => void this.#stops.delete(stop) }
    using _turn = await this.#lock.acquire()
    using _decoding = this.#gate.enter()
    try {
      return await work({ signal, gate: this.#gate, stop: stop.signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#options.explain(action, error)
    }
  }

  /** A thought of no words, for a model that would begin with one; nothing where thoughts are not marked in the usual way. */
  #emptyThought(): readonly Token[] {
    const { model, chat } = this.#options
    const marks = thoughtMarksOf(chat())
    const prefix = marks?.prefix?.trim() ?? ''
    if (!marks || !opensThought(prefix)) return []
    return model.tokenize(`${prefix}\n${marks.suffix}`, true)
  }

  /** How an answer is drafted, until it is disposed of; null where it cannot be: what is refuted has to be forgotten again. */
  #draftWith(draft: AnswerRequest['draft']) {
    if (!draft || this.#cells.sequence.needsCheckpoints) return null
    const { kind, persists = false } = draft
    const claimed = kind === 'model' ? this.#options.draftModel?.claim({ isBold: persists }) : null
    if (kind === 'model' && !claimed) return null
    const pace = new DraftPace({ persists })
    return {
      drafter: claimed ?? new LookupDraft<Token>(),
      pace,
      figures: (): DraftFigures => ({ kind, ...(claimed && { name: claimed.name }), ...pace.figures }),
      [Symbol.dispose]: () => claimed?.[Symbol.dispose](),
    }
  }

  /** The mark of a thought that the template has begun, so that whoever reads the answer sees where it begins. */
  #thoughtBegun(prompt: readonly Token[]): string {
    const { model, chat } = this.#options
    const prefix = thoughtMarksOf(chat())?.prefix?.trim() ?? ''
    if (prefix === '' || !model.detokenize(prompt.slice(-16), true).trimEnd().endsWith(prefix)) return ''
    // Marks of their own kind, made of special tokens, mean nothing as text.
    if (thoughtFormatOf(model, chat())) return begunThought
    return opensThought(prefix) ? `${prefix}\n` : ''
  }

  /** What shows thoughts in an answer that are marked in another way than readers know; `begun` is what of it is there. */
  #ownMarks(prompt: readonly Token[], begun: string): Pick<Reading, 'ownMarks'> {
    const { model, chat } = this.#options
    const format = thoughtFormatOf(model, chat())
    if (!format) return {}
    const last = partsOfAnswer(begun).at(-1)
    const isThinking =
      begun === '' ? this.#thoughtBegun(prompt) !== '' : last?.kind === 'thought' && !last.isEnded
    return {
      ownMarks: {
        text: new ThoughtText(format, { isThinking }),
        markOf: (token) => format.tokenTexts.get(token) ?? null,
      },
    }
  }

  /** What an answer thinks, where that is limited or `always`; null where a template marks no thoughts. */
  #followThoughts(
    prompt: readonly Token[],
    { always }: { readonly always: boolean },
  ): Reading['thoughts'] | null {
    const { model, chat, thinkingBudgetTokens = null } = this.#options
    const marks = thinkingBudgetTokens === null && !always ? null : thoughtMarksOf(chat())
    if (marks === null) return null
    const limit = new ThoughtLimit({
      marks,
      budgetTokens: thinkingBudgetTokens ?? Infinity,
      // The last words are enough to see whether the template has begun a thought.
      prompt: model.detokenize(prompt.slice(-16), true),
    })
    return { limit, end: model.tokenize(marks.suffix, true), areBeforeAnswer: always }
  }

  /** What `generate` would report of a prompt, and what is held now. Reads nothing. */
  count(prompt: readonly Token[]): { promptTokens: number; reusedTokens: number; heldTokens: number } {
    const { reusedTokens, rest } = this.#reusable(prompt)
    const heldTokens = this.#cells.sequence.nextTokenIndex
    return { promptTokens: reusedTokens + rest.length, reusedTokens, heldTokens }
  }

  /** The library would shift when all cells but one are taken. */
  get #capacityTokens(): number {
    return this.contextTokens - 1
  }

  /** Tells that the context is full and waits until it was resized or is known to stay as it is. */
  async *#askForRoom(neededTokens: number): AsyncGenerator<ContextFullEvent, void, void> {
    const asked = Promise.withResolvers<null>()
    this.#roomAsked = asked
    try {
      yield { kind: 'full', neededTokens: neededTokens + 1 }
      await asked.promise
    } finally {
      this.#roomAsked = null
    }
  }

  /** Tokens that the context would hold with this prompt read. */
  #alignedLength(prompt: readonly Token[]): number {
    const { kept, rest } = this.#align(prompt)
    return kept + rest.length
  }

  #align(prompt: readonly Token[]): ReturnType<typeof alignTokens<Token>> {
    return alignTokens(this.#cells.sequence.contextTokens, prompt, alignTokenizerOf(this.#options.model))
  }

  /** Keeps what the context holds of a prompt and erases the rest of it; what has to be read. */
  async #keepPrefix(
    prompt: readonly Token[],
    roomTokens: number,
  ): Promise<{ reusedTokens: number; rest: readonly Token[] }> {
    const { sequence } = this.#cells
    const held = sequence.nextTokenIndex
    const { reusedTokens, rest } = this.#reusable(prompt)
    const needed = reusedTokens + rest.length
    const capacity = this.#capacityTokens
    if (needed + roomTokens - 1 > capacity)
      throw new AppError(
        'CONTEXT_FULL',
        `Cannot read the conversation: it has ${String(needed)} tokens, the context holds ${String(capacity)}`,
        {
          details: {
            neededTokens: needed + roomTokens,
            contextTokens: capacity,
            help: 'Begin a new conversation, or load the model with a larger context',
          },
        },
      )
    if (reusedTokens < held) await sequence.eraseContextTokenRanges([{ start: reusedTokens, end: held }])
    return { reusedTokens, rest }
  }

  /** How much of what is held can stay for a prompt, and what has to be read after it. */
  #reusable(prompt: readonly Token[]): { reusedTokens: number; rest: readonly Token[] } {
    const { sequence } = this.#cells
    const held = sequence.contextTokens
    const { kept, rest } = this.#align(prompt)
    if (kept === held.length) return { reusedTokens: kept, rest }
    // Recurrent and sliding-window layers cannot go back by themselves: the library reads the tokens again, uncancelled and uncounted.
    // So go back only to where a checkpoint is, which may be the beginning.
    const lost =
      kept > 0 && sequence.needsCheckpoints ? sequence.getRestoreToPrefixIndexEvaluationSize(kept - 1) : 0
    // Without a checkpoint it says that all but the first token would be read.
    const reusedTokens = lost > 0 && lost >= kept - 1 ? 0 : kept - lost
    return { reusedTokens, rest: [...held.slice(reusedTokens, kept), ...rest] }
  }

  async #move(contextTokens: number, path: string): Promise<void> {
    const old = this.#cells
    let next: Cells | null = null
    try {
      next = await openCells({ ...this.#options, contextTokens })
      const held = old.sequence.nextTokenIndex
      if (held > 0) {
        // Made here, so that nobody else can read it.
        await (await open(path, 'wx', 0o600)).close()
        await this.#save(path)
        await next.sequence.loadStateFromFile(path, { acceptRisk: true })
        if (next.sequence.nextTokenIndex !== held)
          throw new Error(`${String(next.sequence.nextTokenIndex)} of ${String(held)} tokens came over`)
      }
    } catch (error) {
      await next?.context.dispose()
      throw this.#options.explain(`move to a context of ${String(contextTokens)} tokens`, error)
    } finally {
      await rm(path, { force: true })
    }
    this.#cells = next
    await old.context.dispose()
  }

  async #save(path: string): Promise<{ tokens: number; bytes: number }> {
    const { sequence } = this.#cells
    const tokens = sequence.nextTokenIndex
    try {
      const { fileSize } = await sequence.saveStateToFile(path)
      // llama.cpp closes the file without asking whether its last bytes went out.
      const { size } = await stat(path)
      if (size !== fileSize) throw new Error(`${String(size)} of ${String(fileSize)} bytes were written`)
      return { tokens, bytes: fileSize }
    } catch (error) {
      // llama.cpp's log, which names the reason, comes over from another thread.
      await setImmediate()
      await setImmediate()
      const told = this.#options.explain('save a conversation', error)
      if (!told.message.includes('No space left')) throw told
      throw new AppError('DISK_FULL', told.message, { cause: error })
    }
  }
}

/** The events of an answer, with `begun` before its first text. */
async function* withThoughtBegun<Event extends { readonly kind: string }>(
  begun: string,
  events: AsyncIterable<Event>,
): AsyncGenerator<Event, void, void> {
  let isBegun = begun === ''
  for await (const event of events) {
    const isFirst = !isBegun && event.kind === 'text' && 'text' in event && typeof event.text === 'string'
    isBegun ||= isFirst
    yield isFirst ? { ...event, text: `${begun}${String(event.text)}` } : event
  }
}

/** The events of an answer, the last one with what drafting has come to. */
async function* withDraftFigures<Event extends { readonly kind: string }>(
  events: AsyncIterable<Event>,
  figures: () => DraftFigures | null,
): AsyncGenerator<Event, void, void> {
  for await (const event of events) {
    const draft = event.kind === 'done' ? figures() : null
    yield draft && draft.proposedTokens > 0 ? { ...event, draft } : event
  }
}

/** A KV cache's type as the library wants it told. Both options are marked unstable there: `LoadedModel` tries them first. */
export function kvTypeOptions(kvType: KvType) {
  const type = kvType === 'q8_0' ? 'Q8_0' : 'F16'
  return { experimentalKvCacheKeyType: type, experimentalKvCacheValueType: type } as const
}
/** Makes llama.cpp's context and its sequence. */
async function openCells({
  model,
  threads,
  batchTokens,
  kvType,
  fullWindowCache,
  draftModel = null,
  contextTokens,
  signal,
}: ContextOptions & {
  readonly contextTokens: number
  readonly signal?: AbortSignal | undefined
}): Promise<Cells> {
  const context = await model.createContext({
    contextSize: contextTokens,
    sequences: 1,
    threads: draftModel ? ownThreads(threads) : threads,
    batchSize: Math.min(batchTokens, contextTokens),
    ...kvTypeOptions(kvType),
    swaFullCache: fullWindowCache,
    // What the host's ledger has granted is made as it was granted, or not at all.
    ignoreMemorySafetyChecks: true,
    failedCreationRemedy: false,
    ...(signal && { createSignal: signal }),
  })
  const sequence = context.getSequence({
    // The library would erase the beginning of the conversation when the context is full. `generate` stops before that.
    contextShift: {
      strategy: () => {
        throw new AppError('INTERNAL', 'The context would have been shifted')
      },
    },
    // States of recurrent and sliding-window layers, kept beside the context for going back: `generateAnswer` says where.
    checkpoints: { max: 1, interval: false },
  })
  return { context, sequence }
}

async function warmUp(model: LlamaModel, sequence: LlamaContextSequence): Promise<void> {
  const { bos, eos } = model.tokens
  const [token = bos ?? eos] = model.tokenize(' ')
  if (token === null) return
  await sequence.evaluateWithoutGeneratingNewTokens([token])
  await sequence.clearHistory()
}

const moduleVersion = await getModuleVersion()
