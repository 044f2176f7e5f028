import { setImmediate } from 'node:timers/promises'
import { withAsking, type AskingChanges } from '../../contract/asking.ts'
import type { GenerateEvent, ChatMessage } from '../../contract/backend.ts'
import type {
  Answer,
  AnswerState,
  AnswerStats,
  Conversation,
  ConversationEvent,
  Turn,
} from '../../contract/conversation.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import { parseJsonSchema } from '../../contract/json-schema.ts'
import { resolveSampling, type ResolvedSampling, type Sampling } from '../../contract/sampling.ts'
import type { AnsweringModel, Conversations } from './conversations.ts'
import {
  canSlide,
  slideWindow,
  turnsInWindow,
  windowOf,
  windowOfAnswer,
  type MemoryWindow,
} from './memory-window.ts'
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
      /** The last message is the beginning of the answer. */
      continues: boolean
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

/** Who answers: one model, or several at once. */
type Answerers = {
  readonly modelId?: string | undefined
  readonly modelIds?: readonly string[] | undefined
}

/** What of a turn is asked for. */
type Question = Answerers & {
  readonly conversationId: string
  readonly text: string
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
  /** Whether it need not be loaded. */
  isResident(modelId: string): boolean
  /** Loads the model when it is not there; Rejects with the signal's reason. */
  acquire(modelId: string, options: AcquireForTurn): Promise<ModelLease>
  /** Frees what models keep for a conversation in memory and, unless it is to stay, on disk. */
  forget(conversationId: string, options?: { keepsParked?: boolean }): void
}

type Run = {
  readonly conversationId: string
  readonly turnId: string
  readonly answerId: string
  readonly model: ReturnType<TurnPool['model']>
  readonly isBackground: boolean
  /** For this answer alone: goes before what the conversation says. */
  readonly asking?: AskingChanges
  /** The answer has text, which goes on. */
  readonly continues: boolean
  readonly controller: AbortController
  /** The answer has its last state; what is left winds down. */
  hasEnded: boolean
  /** When the model was taken, or the run is over. Never rejects. */
  acquired: Promise<unknown>
  /** When the model is free of this run. Never rejects. */
  finished: Promise<void>
}

/**
 * Runs turns: takes the model from the pool, reads the conversation into it, and writes the answer down as it comes. Several
 * models that are asked at once are a run each: nobody of them waits for another but in line for room and for decoding.
 */
export class Turns implements AsyncDisposable {
  readonly #conversations: Conversations
  readonly #pool: TurnPool
  readonly #textOf: (attachmentId: string) => string
  readonly #slides: () => boolean
  readonly #onDefect: (error: unknown, path: readonly string[]) => void
  /** Runs that have not finished, also such whose answer has ended. A conversation has one for each answer that is under way. */
  readonly #runs = new Set<Run>()
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

  /** Records a turn and starts its answers. Throws `MODEL_BUSY` while an answer of this conversation is under way. */
  send(input: Question): Turn {
    const { conversationId, text, attachmentIds, background, instructions, sampling, jsonSchema } = input
    this.#checkFree(conversationId, 'send to')
    if (text === '' && (attachmentIds ?? []).length === 0)
      throw new AppError('BAD_INPUT', 'Cannot send a message without text or attachments')
    const models = this.#models(input)
    const turn = this.#conversations.addTurn(conversationId, { text, models, attachmentIds })
    const asking = { instructions, sampling, jsonSchema }
    return this.#startAll(turn, turn.answers, { conversationId, background, asking })
  }

  /** Writes a message anew, as a further version of it, and starts the answers to it. Throws `MODEL_BUSY` as `send` does. */
  edit(input: Answerers & { readonly turnId: string; readonly text: string }): Turn {
    const { turnId, text } = input
    const conversationId = this.#checkTurnFree(turnId, 'edit a message of')
    const models = this.#models(input)
    const turn = this.#conversations.addTurn(conversationId, { text, models, inPlaceOf: turnId })
    return this.#startAll(turn, turn.answers, { conversationId })
  }

  /** Asks a turn again: further answers, the first of which becomes the chosen one. Throws `MODEL_BUSY` as `send` does. */
  retry(input: Answerers & { readonly turnId: string }): Turn {
    const conversationId = this.#checkTurnFree(input.turnId, 'send to')
    const models = this.#models(input)
    const turn = this.#conversations.addAnswers(input.turnId, models)
    return this.#startAll(turn, turn.answers.slice(-models.length), { conversationId })
  }

  /** Lets an answer go on where its text ends, by its model. Throws `BAD_INPUT` when it has ended by itself, `MODEL_BUSY` as `send` does. */
  continue(answerId: string): Turn {
    const { conversationId, turnId } = this.#conversations.placeOfAnswer(answerId)
    this.#checkFree(conversationId, 'continue an answer of')
    const answer = this.#conversations.turn(turnId).answers.find(({ id }) => id === answerId)
    if (!answer || !wasCut(answer))
      throw new AppError('BAD_INPUT', 'Cannot continue the answer: it has come to its end')
    this.#pool.model(answer.modelId)
    const turn = this.#conversations.reopenAnswer(answerId)
    return this.#startAll(turn, [answer], { conversationId })
  }

  /** Changes the text of an answer; null: as the model wrote it. Throws `MODEL_BUSY` as `send` does. */
  editAnswer(answerId: string, text: string | null): Turn {
    const { conversationId } = this.#conversations.placeOfAnswer(answerId)
    this.#checkFree(conversationId, 'edit an answer of')
    return this.#conversations.editAnswer(answerId, text)
  }

  /** Lets the path go through a turn, and through this answer of it, which is kept. Throws `MODEL_BUSY` while an answer of another turn is under way. */
  show(turnId: string, answerId?: string): Conversation {
    const conversationId = this.#conversations.conversationOf(turnId)
    if (!this.#conversations.isShown(turnId, answerId))
      this.#checkFree(conversationId, 'show another version in', { but: turnId })
    return this.#conversations.show(turnId, answerId)
  }

  /** Copies the path up to a turn. Throws `MODEL_BUSY` while an answer of that turn is under way. */
  branch(turnId: string): Conversation {
    const conversationId = this.#conversations.conversationOf(turnId)
    const isUnderWay = this.#runsOf(conversationId).some((run) => run.turnId === turnId && !run.hasEnded)
    if (isUnderWay) this.#checkFree(conversationId, 'branch from')
    return this.#conversations.branch(turnId)
  }

  /** Deletes a turn with everything below it. Throws `MODEL_BUSY` as `send` does. */
  deleteTurn(turnId: string): void {
    this.#checkTurnFree(turnId, 'delete a turn of')
    this.#conversations.deleteTurn(turnId)
  }

  /** Brings a deleted turn back. Throws `MODEL_BUSY` as `send` does. */
  restoreTurn(turnId: string): Conversation {
    this.#checkFree(this.#conversations.conversationOfDeleted(turnId), 'bring a turn back to')
    return this.#conversations.restoreTurn(turnId)
  }

  /** Ends the answers under way of a turn, or one of them, keeping their text. Harmless when there is none. */
  stop(turnId: string, { answerId }: { readonly answerId?: string | undefined } = {}): void {
    for (const run of this.#runsOf(this.#conversations.conversationOf(turnId)))
      if (run.turnId === turnId && (answerId === undefined || run.answerId === answerId)) this.#stopRun(run)
  }

  /** Sends a turn and waits for the end of its answers. When `signal` aborts they are stopped. */
  async ask(input: Question, signal?: AbortSignal): Promise<Turn> {
    signal?.throwIfAborted()
    const turn = this.send(input)
    await this.#finished(turn.id, signal)
    return this.#conversations.turn(turn.id)
  }

  /** Sends a turn and gives the events of its conversation until the answer has ended. */
  askStreaming(
    input: Question,
    signal?: AbortSignal,
  ): AsyncIteratorObject<ConversationEvent, undefined, undefined> {
    signal?.throwIfAborted()
    // Checked before the stream begins, so that a refusal is an error and not an empty stream.
    this.#checkFree(input.conversationId, 'send to')
    const feed = this.#conversations.watch(input.conversationId)
    try {
      const turn = this.send(input)
      feed.onEnd(() => this.stopIfThere(turn.id))
      void this.#finished(turn.id, signal).then(() => feed.end())
    } catch (error) {
      feed.end()
      throw error
    }
    return feed
  }

  /** Like `stop`, also when the turn has been deleted meanwhile. */
  stopIfThere(turnId: string): void {
    for (const run of this.#runs) if (run.turnId === turnId) this.#stopRun(run)
  }

  /** Deletes a conversation: its answers under way end, and models give back what they keep of it. Throws `NOT_FOUND`. */
  deleteConversation(id: string): void {
    const runs = this.#runsOf(id)
    for (const run of runs) this.#stopRun(run)
    this.#conversations.delete(id)
    // What is parked on disk stays until the conversation cannot come back.
    void Promise.all(runs.map(({ finished }) => finished)).then(() =>
      this.#pool.forget(id, { keepsParked: true }),
    )
  }

  /** Deletes several conversations; what is not there is passed over. The ids of those that were. */
  deleteConversations(ids: readonly string[]): string[] {
    const there = new Set(this.#conversations.existing(ids))
    for (const id of there) this.deleteConversation(id)
    return [...there]
  }

  /** Drops for good what was deleted longer ago than this many milliseconds, with what is parked of it; a little at a time. */
  async purgeDeleted(olderThanMs: number): Promise<void> {
    for (const id of this.#conversations.deletedIds(olderThanMs)) {
      await setImmediate()
      if (this.#isClosed) return
      this.#conversations.purge(id)
      this.#pool.forget(id)
    }
  }

  /** Stops all answers and waits until their models are free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const run of this.#runs) this.#stopRun(run)
    await Promise.all([...this.#runs].map(({ finished }) => finished))
  }

  #runsOf(conversationId: string): readonly Run[] {
    return [...this.#runs].filter((run) => run.conversationId === conversationId)
  }

  #models({ modelId, modelIds }: Answerers): AnsweringModel[] {
    const ids = new Set(modelIds ?? (modelId === undefined ? [] : [modelId]))
    if (ids.size === 0)
      throw new AppError('BAD_INPUT', 'Cannot ask: no model is named', {
        details: { help: 'Name one as modelId, or several as modelIds' },
      })
    return [...ids].map((id) => this.#pool.model(id))
  }

  #checkTurnFree(turnId: string, action: string): string {
    const conversationId = this.#conversations.conversationOf(turnId)
    this.#checkFree(conversationId, action)
    return conversationId
  }

  /** Throws `MODEL_BUSY` while an answer of the conversation is under way, `but` of one turn. */
  #checkFree(conversationId: string, action: string, { but }: { readonly but?: string } = {}): void {
    if (this.#isClosed) throw new AppError('INTERNAL', 'Cannot answer: the app is ending')
    const run = this.#runsOf(conversationId).find(({ hasEnded, turnId }) => !hasEnded && turnId !== but)
    if (!run) return
    const { title } = this.#conversations.summary(conversationId)
    throw new AppError(
      'MODEL_BUSY',
      `Cannot ${action} "${title}": "${run.model.name}" is still answering in it`,
      {
        details: { modelId: run.model.id, help: 'Wait for its end, or stop it' },
      },
    )
  }

  /** Starts a run for each of these answers of a turn. */
  #startAll(
    turn: Turn,
    answers: readonly Answer[],
    how: {
      readonly conversationId: string
      readonly background?: boolean | undefined
      readonly asking?: AskingChanges
    },
  ): Turn {
    // Stopped answers of this conversation may still be leaving their models: two must not write into one context.
    const previous = Promise.all(this.#runsOf(how.conversationId).map(({ finished }) => finished))
    const isResident = ({ modelId }: Answer) => this.#pool.isResident(modelId)
    // Who is in memory takes its model first, or those that have to be loaded would send it away.
    const residents = answers.filter(isResident).map((answer) => this.#newRun(turn, answer, how))
    const others = answers
      .filter((answer) => !isResident(answer))
      .map((answer) => this.#newRun(turn, answer, how))
    for (const run of residents) this.#start(run, previous)
    const after = Promise.all([previous, ...residents.map(({ acquired }) => acquired)])
    for (const run of others) this.#start(run, after)
    return turn
  }

  #newRun(
    turn: Turn,
    answer: Answer,
    how: {
      readonly conversationId: string
      readonly background?: boolean | undefined
      readonly asking?: AskingChanges
    },
  ): Run {
    const { conversationId, background: isBackground = false, asking } = how
    const run: Run = {
      ...{ conversationId, turnId: turn.id, answerId: answer.id, isBackground },
      ...(asking && { asking }),
      model: this.#pool.model(answer.modelId),
      continues: answer.text !== '',
      controller: new AbortController(),
      hasEnded: false,
      acquired: Promise.resolve(),
      finished: Promise.resolve(),
    }
    this.#runs.add(run)
    return run
  }

  #start(run: Run, before: Promise<unknown>): void {
    const acquired = Promise.withResolvers<null>()
    run.acquired = acquired.promise
    run.finished = this.#run(run, { before, onAcquired: () => acquired.resolve(null) })
      .catch((error: unknown) => this.#onDefect(error, ['turns']))
      .finally(() => {
        acquired.resolve(null)
        this.#runs.delete(run)
      })
  }

  async #run(
    run: Run,
    { before, onAcquired }: { before: Promise<unknown>; onAcquired: () => void },
  ): Promise<void> {
    const { answerId, controller } = run
    const { signal } = controller
    try {
      await before
      signal.throwIfAborted()
      using lease = await this.#pool.acquire(run.model.id, {
        signal,
        isBackground: run.isBackground,
        onWait: (reason) => {
          if (!run.hasEnded) this.#conversations.setState(answerId, { kind: 'waiting', reason })
        },
      })
      onAcquired()
      await this.#answer(run, lease)
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
  async #answer(run: Run, lease: ModelLease): Promise<void> {
    const { conversationId, answerId, controller, model } = run
    const { signal } = controller
    const path = this.#conversations.pathTo(run.turnId)
    const answer = run.continues ? path.at(-1)?.answers.find(({ id }) => id === answerId) : undefined
    const continued = answer?.text ?? ''
    const { instructions, ...how } = this.#askingOf(conversationId, run)
    this.#conversations.setSampling(answerId, { sampling: how.sampling, isJson: how.jsonSchema !== null })
    const messages = (turns: readonly Turn[]) =>
      messagesOf(turns, { instructions, textOf: this.#textOf, continued })
    let window = (answer && windowOfAnswer(path, answer)) ?? windowOf(path, model.id)
    for (;;) {
      if (window) this.#conversations.setMemory(answerId, window)
      const maySlide = this.#slides() && canSlide(path, window)
      try {
        const read = messages(turnsInWindow(path, window))
        const continues = continued !== ''
        const events = lease.generate(conversationId, read, {
          ...{ signal, keepsRoom: maySlide, continues },
          ...how,
        })
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

  async #finished(turnId: string, signal: AbortSignal | undefined): Promise<void> {
    const stop = () => this.stopIfThere(turnId)
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    const runs = [...this.#runs].filter((run) => run.turnId === turnId)
    await Promise.all(runs.map(({ finished }) => finished))
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

/** Whether an answer could go on: something ended it before it had. */
function wasCut({ state }: Answer): boolean {
  return state.kind === 'interrupted' || (state.kind === 'done' && state.stopReason !== 'end')
}
