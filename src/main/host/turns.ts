import { setImmediate } from 'node:timers/promises'
import type { AskingChanges } from '../../contract/asking.ts'
import type { ChatMessage } from '../../contract/backend.ts'
import {
  endedEarly,
  type Answer,
  type Conversation,
  type ConversationEvent,
  type Turn,
} from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import { AnswerRun, type RunOptions, type RunSurroundings } from './answer-run.ts'
import type { Auto } from './auto.ts'
import { resolveAnswerers, type Answerers } from './answerers.ts'
import { Checks, endedByItself, type FailedAnswer } from './checks.ts'
import type { Conversations } from './conversations.ts'
import { addRepair } from './repair.ts'
import type { TurnPool } from './turn-pool.ts'

/** What of a turn is asked for. */
type Question = Answerers & {
  readonly conversationId: string
  readonly text: string
  /** Nobody waits for the answer: others go before it. */
  readonly background?: boolean | undefined
  readonly attachmentIds?: readonly string[] | undefined
} & AskingChanges

/** How the answers of a turn are run. */
type How = Pick<Question, 'conversationId' | 'background'> & {
  readonly asking?: AskingChanges
  /** Auto says who answers. */
  readonly isRouted?: boolean
  /** What models read after the path: why an answer is to be repaired. */
  readonly after?: readonly ChatMessage[]
  /** The answers are checked, whatever else is said. */
  readonly isChecked?: boolean
}

/**
 * Lets models answer turns, one turn of a conversation at a time. Several models that are asked at once are a run each: nobody of them
 * waits for another but in line for room and for decoding.
 */
export class Turns implements AsyncDisposable {
  readonly #conversations: Conversations
  readonly #pool: TurnPool
  readonly #surroundings: RunSurroundings
  readonly #auto: Auto | undefined
  readonly #checks: Checks | undefined
  readonly #onQuiet: (conversationId: string) => void
  /** Runs that have not finished, also such whose answer has ended. A conversation has one for each answer that is under way. */
  readonly #runs = new Set<AnswerRun>()
  #isClosed = false

  /** Without `auto` nobody is looked for and nothing is checked. */
  constructor(
    options: Omit<RunSurroundings, 'textOf'> &
      Partial<Pick<RunSurroundings, 'textOf'>> & {
        readonly auto?: Auto
        /** Hears that nobody answers in a conversation any more. */
        readonly onQuiet?: (conversationId: string) => void
      },
  ) {
    const { auto, onQuiet = () => undefined, ...surroundings } = options
    const { conversations, onDefect } = options
    this.#conversations = conversations
    this.#pool = options.pool
    this.#surroundings = { textOf: () => '', ...surroundings }
    this.#onQuiet = onQuiet
    this.#auto = auto
    this.#checks =
      auto &&
      new Checks({
        ...{ ...auto, conversations, onDefect },
        routerId: () => auto.routing.router()?.id ?? null,
        repair: (failed) => this.#repair(failed),
      })
  }

  /** Records a turn and starts its answers. Throws `MODEL_BUSY` while an answer of this conversation is under way. */
  send(input: Question): Turn {
    const { conversationId, text, attachmentIds, background } = input
    this.#checkFree(conversationId, 'send to')
    if (text === '' && (attachmentIds ?? []).length === 0)
      throw new AppError('BAD_INPUT', 'Cannot send a message without text or attachments')
    const { models, isRouted } = this.#answerers(conversationId, input)
    const turn = this.#conversations.tree.addTurn(conversationId, { text, models, attachmentIds })
    const { instructions, sampling, jsonSchema, isVerified } = input
    const asking = { instructions, sampling, jsonSchema, isVerified }
    return this.#startAll(turn, turn.answers, { conversationId, background, asking, isRouted })
  }

  /** Writes a message anew, as a further version of it, and starts the answers to it. Throws `MODEL_BUSY` as `send` does. */
  edit(input: Answerers & { readonly turnId: string; readonly text: string }): Turn {
    const { turnId, text } = input
    const conversationId = this.#checkTurnFree(turnId, 'edit a message of')
    const { models, isRouted } = this.#answerers(conversationId, input)
    const turn = this.#conversations.tree.addTurn(conversationId, { text, models, inPlaceOf: turnId })
    return this.#startAll(turn, turn.answers, { conversationId, isRouted })
  }

  /** Asks a turn again: further answers, the first of which becomes the chosen one. Throws `MODEL_BUSY` as `send` does. */
  retry(input: Answerers & { readonly turnId: string }): Turn {
    const conversationId = this.#checkTurnFree(input.turnId, 'send to')
    const { models, isRouted } = this.#answerers(conversationId, input)
    const turn = this.#conversations.tree.addAnswers(input.turnId, models)
    return this.#startAll(turn, turn.answers.slice(-models.length), { conversationId, isRouted })
  }

  /** Has another model answer than the one that Auto chose, whose answer ends if it is still being written. Throws as `RouteLearning.routed` does. */
  overrule({
    answerId,
    modelId,
    isRemembered,
  }: {
    readonly answerId: string
    readonly modelId: string
    readonly isRemembered: boolean
  }): Turn {
    const learning = this.#needAuto().learning
    const { turn } = learning.routed(answerId)
    const model = this.#pool.model(modelId)
    this.stop(turn.id)
    const conversationId = this.#checkTurnFree(turn.id, 'send to')
    const answered = this.#conversations.tree.addAnswers(turn.id, [model])
    learning.overruled(answerId, model, { isRemembered })
    this.#startAll(answered, answered.answers.slice(-1), { conversationId })
    return this.#conversations.turn(turn.id)
  }

  /** Has the verifier read an answer, and a model repair it when it fails. Throws as `Checks.check` does, and `MODEL_BUSY` as `send` does. */
  check(answerId: string): Turn {
    const { conversationId, turnId } = this.#conversations.placeOfAnswer(answerId)
    this.#checkFree(conversationId, 'check an answer of')
    this.#needAuto()
    this.#checks?.check(answerId)
    return this.#conversations.turn(turnId)
  }

  /** Lets an answer go on where its text ends, by its model. Throws `BAD_INPUT` when it has ended by itself, `MODEL_BUSY` as `send` does. */
  continue(answerId: string): Turn {
    const { conversationId, turnId } = this.#conversations.placeOfAnswer(answerId)
    this.#checkFree(conversationId, 'continue an answer of')
    const answer = this.#conversations.turn(turnId).answers.find(({ id }) => id === answerId)
    if (!answer || !endedEarly(answer.state))
      throw new AppError('BAD_INPUT', 'Cannot continue the answer: it has come to its end')
    this.#pool.model(answer.modelId)
    const turn = this.#conversations.tree.reopenAnswer(answerId)
    return this.#startAll(turn, [answer], { conversationId })
  }

  /** Changes the text of an answer; null: as the model wrote it. Throws `MODEL_BUSY` as `send` does. */
  editAnswer(answerId: string, text: string | null): Turn {
    const { conversationId } = this.#conversations.placeOfAnswer(answerId)
    this.#checkFree(conversationId, 'edit an answer of')
    return this.#conversations.tree.editAnswer(answerId, text)
  }

  /** Lets the path go through a turn, and through this answer of it, which is kept. Throws `MODEL_BUSY` while an answer of another turn is under way. */
  show(turnId: string, answerId?: string): Conversation {
    const conversationId = this.#conversations.conversationOf(turnId)
    if (!this.#conversations.tree.isShown(turnId, answerId))
      this.#checkFree(conversationId, 'show another version in', { but: turnId })
    return this.#conversations.tree.show(turnId, answerId)
  }

  /** Copies the path up to a turn. Throws `MODEL_BUSY` while an answer of that turn is under way. */
  branch(turnId: string): Conversation {
    const conversationId = this.#conversations.conversationOf(turnId)
    const isUnderWay = this.#runsOf(conversationId).some((run) => run.turnId === turnId && !run.hasEnded)
    if (isUnderWay) this.#checkFree(conversationId, 'branch from')
    return this.#conversations.tree.branch(turnId)
  }

  /** Deletes a turn with everything below it. Throws `MODEL_BUSY` as `send` does. */
  deleteTurn(turnId: string): void {
    this.#checkTurnFree(turnId, 'delete a turn of')
    this.#conversations.tree.deleteTurn(turnId)
  }

  /** Brings a deleted turn back. Throws `MODEL_BUSY` as `send` does. */
  restoreTurn(turnId: string): Conversation {
    this.#checkFree(this.#conversations.tree.conversationOfDeleted(turnId), 'bring a turn back to')
    return this.#conversations.tree.restoreTurn(turnId)
  }

  /** Ends the answers under way of a turn, or one of them, keeping their text. Harmless when there is none. */
  stop(turnId: string, { answerId }: { readonly answerId?: string | undefined } = {}): void {
    for (const run of this.#runsOf(this.#conversations.conversationOf(turnId)))
      if (run.turnId === turnId && (answerId === undefined || run.answerId === answerId)) run.stop()
    this.#checks?.stop({ turnId, answerId })
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
    for (const run of this.#runs) if (run.turnId === turnId) run.stop()
    this.#checks?.stop({ turnId })
  }

  /** Deletes a conversation: its answers under way end, and models give back what they keep of it. Throws `NOT_FOUND`. */
  deleteConversation(id: string): void {
    const runs = this.#runsOf(id)
    for (const run of runs) run.stop()
    this.#checks?.stopAll(id)
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
    for (const run of this.#runs) run.stop()
    await Promise.all([
      this.#checks?.[Symbol.asyncDispose](),
      ...[...this.#runs].map(({ finished }) => finished),
    ])
  }

  #runsOf(conversationId: string): readonly AnswerRun[] {
    return [...this.#runs].filter((run) => run.conversationId === conversationId)
  }

  #answerers(conversationId: string, answerers: Answerers): ReturnType<typeof resolveAnswerers> {
    const { routing } = this.#auto ?? {}
    return resolveAnswerers(answerers, {
      ...{ conversationId, routing, pool: this.#pool, conversations: this.#conversations },
    })
  }

  #needAuto(): Auto {
    if (this.#auto) return this.#auto
    throw new AppError('NOT_SUPPORTED', 'Cannot do that: there is no Auto here')
  }

  /** Has an answer repaired that has failed its check, unless another one is under way. */
  #repair(failed: FailedAnswer): void {
    const { conversationId } = failed
    if (this.#isClosed || this.#runsOf(conversationId).some(({ hasEnded }) => !hasEnded)) return
    const { repairerId } = this.#needAuto().settings()
    const repair = addRepair(failed, { conversations: this.#conversations, pool: this.#pool, repairerId })
    if (!repair) return
    const { turn, after } = repair
    this.#startAll(turn, turn.answers.slice(-1), { conversationId, after, isChecked: true })
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
  #startAll(turn: Turn, answers: readonly Answer[], how: How): Turn {
    // Stopped answers of this conversation may still be leaving their models: two must not write into one context.
    const previous = Promise.all(this.#runsOf(how.conversationId).map(({ finished }) => finished))
    const isResident = ({ modelId }: Answer) => this.#pool.isResident(modelId)
    // Who is in memory takes its model first, or those that have to be loaded would send it away.
    const residents = answers.filter(isResident).map((answer) => this.#newRun(turn, answer, how))
    const others = answers
      .filter((answer) => !isResident(answer))
      .map((answer) => this.#newRun(turn, answer, how))
    const after = Promise.all([previous, ...residents.map(({ acquired }) => acquired)])
    for (const run of residents) this.#start(run, previous)
    for (const run of others) this.#start(run, after)
    return turn
  }

  #newRun(
    turn: Turn,
    answer: Answer,
    { conversationId, background: isBackground = false, asking = {}, ...how }: How,
  ): AnswerRun {
    const { isRouted = false, isChecked = false, after = [] } = how
    const { routing } = this.#auto ?? {}
    const turnId = turn.id
    const router = isRouted ? routing?.router() : null
    const willCheck = isChecked || this.#checks?.isOn(conversationId, asking) === true
    const verifier = willCheck ? this.#auto?.verifying.verifier() : null
    const keep = [...new Set([router, verifier].flatMap((model) => (model ? [model.id] : [])))]
    const route: RunOptions['route'] =
      isRouted && routing
        ? async (options) =>
            routing.route({ turnId, fallback: { id: answer.modelId, name: answer.modelName }, ...options })
        : undefined
    const options = { conversationId, turnId, isBackground, asking, keep, after, route, isChecked: willCheck }
    const run = new AnswerRun(answer, options, this.#surroundings)
    this.#runs.add(run)
    return run
  }

  #start(run: AnswerRun, before: Promise<unknown>): void {
    run.start(before)
    void run.finished.then(() => {
      this.#runs.delete(run)
      if (run.isChecked) this.#checkEnded(run)
      if (this.#runsOf(run.conversationId).length === 0) this.#onQuiet(run.conversationId)
    })
  }

  #checkEnded({ turnId, answerId }: AnswerRun): void {
    if (this.#isClosed || !this.#conversations.hasTurn(turnId)) return
    const answer = this.#conversations.turn(turnId).answers.find(({ id }) => id === answerId)
    if (answer && endedByItself(answer)) this.#checks?.begin(answerId)
  }

  async #finished(turnId: string, signal: AbortSignal | undefined): Promise<void> {
    const stop = () => this.stopIfThere(turnId)
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    // A check follows an answer, and a repair may follow a check.
    for (;;) {
      const runs = [...this.#runs].filter((run) => run.turnId === turnId).map(({ finished }) => finished)
      const underWay = [...runs, ...(this.#checks?.ofTurn(turnId) ?? [])]
      if (underWay.length === 0) break
      await Promise.all(underWay)
    }
    signal?.removeEventListener('abort', stop)
  }
}
