import { withAsking, type AskingChanges } from '../../contract/asking.ts'
import type { GenerateEvent, ChatMessage } from '../../contract/backend.ts'
import type { AnswerState, AnswerStats, ConversationEvent, Turn } from '../../contract/conversation.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import { parseJsonSchema } from '../../contract/json-schema.ts'
import { resolveSampling, type ResolvedSampling, type Sampling } from '../../contract/sampling.ts'
import type { AnsweringModel, Conversations } from './conversations.ts'
import { canSlide, slideWindow, turnsInWindow, windowOf, type MemoryWindow } from './memory-window.ts'
import { messagesOf } from './messages.ts'

/** A model that is there for a turn, until it is disposed. */
export interface ModelLease extends Disposable {
  generate(
    conversationId: string,
    messages: readonly ChatMessage[],
    options: {
      signal: AbortSignal
      /** Refuse with `CONTEXT_FULL` what leaves little room for the answer. */
      keepsRoom: boolean
      sampling: ResolvedSampling
      /** A JSON schema that the answer follows; null: it is free. */
      jsonSchema: unknown
    },
  ): AsyncIterable<GenerateEvent>
}

/** How a turn asks for its model. `onWait` hears in plain words what is waited for, also while the answer waits in line. */
export type AcquireForTurn = {
  readonly signal: AbortSignal
  readonly onWait: (reason: string) => void
  /** Makes way for answers that somebody waits for. */
  readonly isBackground: boolean
}

/** What of a turn is asked for. */
type Question = {
  readonly conversationId: string
  readonly text: string
  readonly modelId: string
  /** Nobody waits for the answer: others go before it. */
  readonly background?: boolean | undefined
  readonly attachmentIds?: readonly string[] | undefined
} & AskingChanges

/** What turns need of the pool. */
export interface TurnPool {
  /** Throws `NOT_FOUND` when the library has no such model. */
  model(modelId: string): AnsweringModel & {
    /** How it is asked where the conversation does not say: the first that has a value decides. Default: nothing said. */
    readonly samplings?: readonly (Sampling | undefined)[]
  }
  /** Loads the model when it is not there; Rejects with the signal's reason. */
  acquire(modelId: string, options: AcquireForTurn): Promise<ModelLease>
  /** Frees what models keep for a conversation. */
  forget(conversationId: string): void
}

type Run = {
  readonly turnId: string
  readonly answerId: string
  readonly model: ReturnType<TurnPool['model']>
  readonly isBackground: boolean
  /** For this answer alone: goes before what the conversation says. */
  readonly asking?: AskingChanges
  readonly controller: AbortController
  /** The answer has its last state; what is left winds down. */
  hasEnded: boolean
  /** When the model is free of this run. Never rejects. */
  finished: Promise<void>
}

/** Runs turns: takes the model from the pool, reads the conversation into it, and writes the answer down as it comes. */
export class Turns implements AsyncDisposable {
  readonly #conversations: Conversations
  readonly #pool: TurnPool
  readonly #textOf: (attachmentId: string) => string
  readonly #slides: () => boolean
  readonly #onDefect: (error: unknown, path: readonly string[]) => void
  /** The last run of each conversation, until it has finished. */
  readonly #runs = new Map<string, Run>()
  #isClosed = false

  constructor(options: {
    conversations: Conversations
    pool: TurnPool
    /** The text of an attachment; default: there are none. */
    textOf?: (attachmentId: string) => string
    /** Whether the oldest turns slide out when a context is full, asked each time; else the answer stops with a message. */
    slides: () => boolean
    /** Hears of errors that are defects of the app. */
    onDefect: (error: unknown, path: readonly string[]) => void
  }) {
    this.#conversations = options.conversations
    this.#pool = options.pool
    this.#textOf = options.textOf ?? (() => '')
    this.#slides = options.slides
    this.#onDefect = options.onDefect
  }

  /** Records a turn and starts its answer. Throws `MODEL_BUSY` while an answer of this conversation is under way. */
  send(input: Question): Turn {
    const { conversationId, text, attachmentIds, background: isBackground = false } = input
    this.#checkFree(conversationId)
    if (text === '' && (attachmentIds ?? []).length === 0)
      throw new AppError('BAD_INPUT', 'Cannot send a message without text or attachments')
    const model = this.#pool.model(input.modelId)
    const reason = waitingFor(model)
    const turn = this.#conversations.addTurn(conversationId, { text, model, reason, attachmentIds })
    const { instructions, sampling, jsonSchema } = input
    return this.#start(conversationId, turn, {
      ...{ model, isBackground },
      asking: { instructions, sampling, jsonSchema },
    })
  }

  /** Asks a turn again: a further answer, which becomes the chosen one. */
  retry(input: { turnId: string; modelId: string }): Turn {
    const conversationId = this.#conversations.conversationOf(input.turnId)
    this.#checkFree(conversationId)
    const model = this.#pool.model(input.modelId)
    const turn = this.#conversations.addAnswer(input.turnId, { model, reason: waitingFor(model) })
    return this.#start(conversationId, turn, { model, isBackground: false })
  }

  /** Ends the answer under way of a turn, keeping its text. Harmless when there is none. */
  stop(turnId: string): void {
    const run = this.#runs.get(this.#conversations.conversationOf(turnId))
    if (run?.turnId === turnId) this.#stopRun(run)
  }

  /** Sends a turn and waits for its end. When `signal` aborts the answer is stopped. */
  async ask(input: Question, signal?: AbortSignal): Promise<Turn> {
    signal?.throwIfAborted()
    const turn = this.send(input)
    await this.#finished(input.conversationId, turn.id, signal)
    return this.#conversations.turn(turn.id)
  }

  /** Sends a turn and gives the events of its conversation until the answer has ended. */
  askStreaming(
    input: Question,
    signal?: AbortSignal,
  ): AsyncIteratorObject<ConversationEvent, undefined, undefined> {
    signal?.throwIfAborted()
    // Checked before the stream begins, so that a refusal is an error and not an empty stream.
    this.#checkFree(input.conversationId)
    const feed = this.#conversations.watch(input.conversationId)
    try {
      const turn = this.send(input)
      feed.onEnd(() => this.stopIfThere(turn.id))
      void this.#finished(input.conversationId, turn.id, signal).then(() => feed.end())
    } catch (error) {
      feed.end()
      throw error
    }
    return feed
  }

  /** Like `stop`, also when the turn has been deleted meanwhile. */
  stopIfThere(turnId: string): void {
    for (const run of this.#runs.values()) if (run.turnId === turnId) this.#stopRun(run)
  }

  /** Deletes a conversation: its answer under way ends, and models forget what they read of it. */
  deleteConversation(id: string): void {
    const run = this.#runs.get(id)
    if (run) this.#stopRun(run)
    this.#conversations.delete(id)
    void (run?.finished ?? Promise.resolve()).then(() => this.#pool.forget(id))
  }

  /** Stops all answers and waits until their models are free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const run of this.#runs.values()) this.#stopRun(run)
    await Promise.all([...this.#runs.values()].map(({ finished }) => finished))
  }

  #checkFree(conversationId: string): void {
    if (this.#isClosed) throw new AppError('INTERNAL', 'Cannot answer: the app is ending')
    const run = this.#runs.get(conversationId)
    if (!run || run.hasEnded) return
    const { title } = this.#conversations.get(conversationId)
    throw new AppError(
      'MODEL_BUSY',
      `Cannot send to "${title}": "${run.model.name}" is still answering in it`,
      {
        details: { modelId: run.model.id, help: 'Wait for its end, or stop it' },
      },
    )
  }

  #start(conversationId: string, turn: Turn, how: Pick<Run, 'model' | 'isBackground' | 'asking'>): Turn {
    const previous = this.#runs.get(conversationId)
    const run: Run = {
      turnId: turn.id,
      answerId: turn.chosenAnswerId,
      ...how,
      controller: new AbortController(),
      hasEnded: false,
      finished: Promise.resolve(),
    }
    this.#runs.set(conversationId, run)
    run.finished = this.#run(conversationId, run, previous?.finished)
      .catch((error: unknown) => this.#onDefect(error, ['turns']))
      .finally(() => {
        if (this.#runs.get(conversationId) === run) this.#runs.delete(conversationId)
      })
    return turn
  }

  async #run(conversationId: string, run: Run, previous: Promise<void> | undefined): Promise<void> {
    const { answerId, controller } = run
    const { signal } = controller
    try {
      // A stopped answer of this conversation may still be leaving the model: two must not write into one context.
      await previous
      signal.throwIfAborted()
      using lease = await this.#pool.acquire(run.model.id, {
        signal,
        isBackground: run.isBackground,
        onWait: (reason) => {
          if (!run.hasEnded) this.#conversations.setState(answerId, { kind: 'waiting', reason })
        },
      })
      await this.#answer(conversationId, run, lease)
      // A backend that ends without saying so has broken its word.
      if (!run.hasEnded)
        throw new AppError('MODEL_FAILED', `"${run.model.name}" ended without finishing its answer`)
    } catch (error) {
      if (signal.aborted) {
        this.#end(run, { kind: 'done', stopReason: 'stopped' })
        return
      }
      const problem = toProblem(error)
      if (problem.code === 'INTERNAL') this.#onDefect(error, ['turns'])
      this.#end(run, { kind: 'interrupted', problem })
    }
  }

  /** Has the model answer, with as much of the conversation as its context holds. */
  async #answer(conversationId: string, run: Run, lease: ModelLease): Promise<void> {
    const { answerId, controller, model } = run
    const { signal } = controller
    const path = this.#conversations.pathTo(run.turnId)
    const { instructions, ...how } = this.#askingOf(conversationId, run)
    this.#conversations.setSampling(answerId, { sampling: how.sampling, isJson: how.jsonSchema !== null })
    const messages = (turns: readonly Turn[]) => messagesOf(turns, { instructions, textOf: this.#textOf })
    let window = windowOf(path, model.id)
    for (;;) {
      if (window) this.#conversations.setMemory(answerId, window)
      const maySlide = this.#slides() && canSlide(path, window)
      try {
        const read = messages(turnsInWindow(path, window))
        const events = lease.generate(conversationId, read, { signal, keepsRoom: maySlide, ...how })
        for await (const event of events) this.#take(run, event)
        return
      } catch (error) {
        const slid = maySlide ? afterFull(error, path, { window, messages }) : null
        if (!slid) throw error
        window = slid
      }
    }
  }

  /** How the model of a run is asked: as the turn says, else the conversation, else the model. */
  #askingOf(
    conversationId: string,
    { asking = {}, model }: Run,
  ): { instructions: string | null; sampling: ResolvedSampling; jsonSchema: unknown } {
    const usual = this.#conversations.asking(conversationId)
    const { instructions, jsonSchema } = withAsking(usual, asking)
    const parsed = jsonSchema === null ? null : parseJsonSchema(jsonSchema)
    return {
      instructions,
      sampling: resolveSampling(asking.sampling, usual.sampling, ...(model.samplings ?? [])),
      // It was checked when it was set.
      jsonSchema: parsed && 'schema' in parsed ? parsed.schema : null,
    }
  }

  #take(run: Run, event: GenerateEvent): void {
    const { answerId, turnId } = run
    switch (event.kind) {
      case 'reading': {
        const { readTokens, promptTokens } = event
        this.#conversations.setState(answerId, { kind: 'reading', readTokens, promptTokens })
        return
      }
      case 'text':
        this.#conversations.setState(answerId, { kind: 'writing' })
        this.#conversations.append(answerId, event.text)
        return
      case 'done': {
        const stats: AnswerStats = {
          promptTokens: event.promptTokens,
          reusedTokens: event.reusedTokens,
          generatedTokens: event.generatedTokens,
          timeToFirstTokenMs: event.timeToFirstTokenMs,
          tokensPerSecond: event.tokensPerSecond,
        }
        if (run.hasEnded) this.#conversations.addStats(answerId, turnId, stats)
        else this.#end(run, { kind: 'done', stopReason: event.stopReason }, stats)
        return
      }
      default:
        event satisfies never
    }
  }

  #stopRun(run: Run): void {
    // The screen must not wait for the model: the answer ends now, the model within one batch.
    this.#end(run, { kind: 'done', stopReason: 'stopped' })
    run.controller.abort()
  }

  #end(run: Run, state: Extract<AnswerState, { kind: 'done' | 'interrupted' }>, stats?: AnswerStats): void {
    if (run.hasEnded) return
    run.hasEnded = true
    this.#conversations.end(run.answerId, state, stats)
  }

  async #finished(conversationId: string, turnId: string, signal: AbortSignal | undefined): Promise<void> {
    const stop = () => this.stopIfThere(turnId)
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    await this.#runs.get(conversationId)?.finished
    signal?.removeEventListener('abort', stop)
  }
}

/** The window that is tried after the one that did not fit; null when the error says something else, or there is none. */
function afterFull(
  error: unknown,
  path: readonly Turn[],
  { window, messages }: { window: MemoryWindow | null; messages: (turns: readonly Turn[]) => ChatMessage[] },
): MemoryWindow | null {
  const { code, details } = toProblem(error)
  const { neededTokens, contextTokens } = details
  if (code !== 'CONTEXT_FULL' || neededTokens === undefined || contextTokens === undefined) return null
  return slideWindow(path, window, { neededTokens, contextTokens, messages })
}

function waitingFor(model: AnsweringModel): string {
  return `Waiting for "${model.name}"`
}
