import { randomUUID } from 'node:crypto'
import type { Answer, AnswerState, Conversation, Turn } from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import type { RoutingDecision, Verification } from '../../contract/routing.ts'
import type { Attachments } from './attachments.ts'
import type { ConversationFeeds } from './conversation-feeds.ts'
import type { ConversationList } from './conversation-list.ts'
import type { ConversationRows, TurnRow } from './conversation-rows.ts'
import type { Conversations } from './conversations.ts'
import type { LiveAnswers } from './live-answers.ts'
import { titleFrom } from './title.ts'
import type { CutTurns } from './turn-tree.ts'

/** So many deletions can be taken back. */
const keptDeletions = 20

/** Who answers, as an answer records it. */
export type AnsweringModel = { readonly id: string; readonly name: string }

type Reading = Pick<Conversations, 'get' | 'summary' | 'turn' | 'conversationOf' | 'placeOfAnswer'>

/** Changes the turns of conversations, and which of their versions are shown, and tells of it. Nothing here runs a model. */
export class ConversationTree {
  readonly #conversations: Reading
  readonly #rows: ConversationRows
  readonly #attachments: Attachments
  readonly #live: LiveAnswers
  readonly #feeds: ConversationFeeds
  readonly #list: ConversationList
  readonly #now: () => number
  /** Of branches the conversations that they were copied from, as long as the app runs. */
  readonly #origins = new Map<string, string>()
  /** Deleted turns by id, the last one deleted last. */
  readonly #deletedTurns = new Map<string, { conversationId: string; turns: CutTurns }>()

  constructor(options: {
    /** Whose turns they are. */
    readonly conversations: Reading
    readonly rows: ConversationRows
    readonly attachments: Attachments
    readonly live: LiveAnswers
    readonly feeds: ConversationFeeds
    readonly list: ConversationList
    readonly now: () => number
  }) {
    this.#conversations = options.conversations
    this.#rows = options.rows
    this.#attachments = options.attachments
    this.#live = options.live
    this.#feeds = options.feeds
    this.#list = options.list
    this.#now = options.now
  }

  /**
   * Records a message at the end of the shown path, with an answer that waits for each of `models`. With `inPlaceOf` it becomes a further
   * version of that turn's message and is shown instead.
   */
  addTurn(
    conversationId: string,
    message: {
      text: string
      models: readonly AnsweringModel[]
      inPlaceOf?: string
      attachmentIds?: readonly string[] | undefined
    },
  ): Turn {
    const { title } = this.#conversations.summary(conversationId)
    const { parentId, parentAnswerId } = this.#placeFor(conversationId, message.inPlaceOf)
    const answers = this.#newAnswers(message.models)
    const [chosen] = answers
    const turn: TurnRow = {
      ...{ id: randomUUID(), parentId, parentAnswerId },
      // Half a surrogate pair cannot be stored; what is on the screen is what will be there after a restart.
      text: message.text.toWellFormed(),
      ...{ chosenAnswerId: chosen.id, isUndecided: answers.length > 1, createdAt: chosen.createdAt },
    }
    const isParentDecided = parentId === null || this.#rows.turn(parentId)?.isUndecided === false
    this.#rows.together(() => {
      this.#rows.insertTurn(conversationId, turn)
      for (const answer of answers) this.#rows.insertAnswer(turn.id, answer)
      this.#attachments.send(turn.id, message.attachmentIds ?? [])
      if (message.inPlaceOf === undefined) this.#rows.tree.extend(conversationId, turn)
      else {
        this.#rows.tree.copyAttachments(message.inPlaceOf, turn.id)
        this.#rows.tree.show(conversationId, turn.id)
      }
      if (parentId === null) {
        const [attachment] = this.#attachments.ofTurn(turn.id)
        const title = titleFrom(message.text.trim() === '' ? (attachment?.name ?? '') : message.text)
        this.#rows.setTitle(conversationId, title, { unlessTitled: true })
      }
      this.#rows.touch(conversationId, chosen.createdAt)
      // Whoever writes in it again wants it in the list.
      this.#rows.setPlace(conversationId, { isArchived: false })
    })
    this.#live.begin({ conversationId, turnId: turn.id }, answers)
    if (message.inPlaceOf !== undefined || this.#conversations.summary(conversationId).title !== title)
      this.#feeds.publishSnapshot(conversationId)
    // Sending on keeps the answer that was marked.
    else if (parentId !== null && !isParentDecided)
      this.#feeds.publishTurn({ conversationId, turnId: parentId })
    return this.#conversations.turn(turn.id)
  }

  /**
   * Adds an answer to a turn that waits for each of `models`, and shows the first of them. Where no answer of the turn was kept yet, they join those
   * that were asked for together.
   */
  addAnswers(
    turnId: string,
    models: readonly AnsweringModel[],
    { repairsAnswerId }: { readonly repairsAnswerId?: string } = {},
  ): Turn {
    const conversationId = this.#conversations.conversationOf(turnId)
    const { isUndecided, answers: known, chosenAnswerId } = this.#conversations.turn(turnId)
    const isLast = this.#rows.tree.shownTurnId(conversationId) === turnId
    const answers = this.#newAnswers(models, {
      together: isUndecided ? known.find(({ id }) => id === chosenAnswerId)?.askedTogetherId : undefined,
      repairsAnswerId,
    })
    const [first] = answers
    this.#rows.together(() => {
      for (const answer of answers) this.#rows.insertAnswer(turnId, answer)
      if (!isUndecided) this.#rows.chooseAnswer(turnId, first.id, { isUndecided: answers.length > 1 })
      this.#rows.tree.show(conversationId, turnId)
      this.#rows.touch(conversationId, first.createdAt)
    })
    this.#live.begin({ conversationId, turnId }, answers)
    if (!isLast) this.#feeds.publishSnapshot(conversationId)
    return this.#conversations.turn(turnId)
  }

  /** Lets an answer that has ended wait for its model again, with the text that it has. */
  reopenAnswer(answerId: string): Turn {
    const { turnId, conversationId } = this.#conversations.placeOfAnswer(answerId)
    // What a full disk has kept back is read from the rows.
    this.#live.flush()
    const answer = this.#conversations.turn(turnId).answers.find(({ id }) => id === answerId)
    if (!answer) throw new AppError('NOT_FOUND', `There is no answer "${answerId}"`)
    const waiting: Answer = { ...answer, state: waitingFor({ id: answer.modelId, name: answer.modelName }) }
    // It said so of another text.
    delete waiting.verification
    this.#rows.together(() => {
      this.#rows.saveAnswer(waiting)
      this.#rows.saveJudgement(answerId, { verification: null })
      this.#rows.touch(conversationId, this.#now())
    })
    this.#live.begin({ conversationId, turnId }, [waiting])
    return this.#conversations.turn(turnId)
  }

  /** Changes the text of an answer that has ended; null: as the model wrote it. */
  editAnswer(answerId: string, text: string | null): Turn {
    const place = this.#conversations.placeOfAnswer(answerId)
    this.#live.flush()
    this.#rows.together(() => {
      this.#rows.editAnswer(answerId, text === null ? null : text.toWellFormed())
      this.#rows.saveJudgement(answerId, { verification: null })
      this.#rows.touch(place.conversationId, this.#now())
    })
    this.#feeds.publishTurn(place)
    this.#list.tell(place.conversationId)
    return this.#conversations.turn(place.turnId)
  }

  /** Writes down how an answer was routed, or what a verifier says of it; null: nothing any more. Ignored when the answer is gone. */
  judge(
    answerId: string,
    judgement: { routing?: RoutingDecision; verification?: Verification | null },
  ): void {
    const place = this.#rows.placeOfAnswer(answerId)
    if (!place) return
    // What is kept back in memory would be read in the place of it.
    this.#live.flush()
    this.#rows.saveJudgement(answerId, judgement)
    this.#feeds.publishTurn(place)
  }

  /** Whether the path goes through a turn, and through an answer of it that was kept. Throws `NOT_FOUND`. */
  isShown(turnId: string, answerId?: string): boolean {
    const { chosenAnswerId, isUndecided } = this.#conversations.turn(turnId)
    const isKept = answerId === undefined || (chosenAnswerId === answerId && !isUndecided)
    return isKept && this.#rows.tree.isShown(this.#conversations.conversationOf(turnId), turnId)
  }

  /** Lets the path go through a turn and on as it last did; with an answer of it, that one is kept. Throws `NOT_FOUND`. */
  show(turnId: string, answerId?: string): Conversation {
    const id = this.#conversations.conversationOf(turnId)
    const before = this.#rows.tree.shownTurnId(id)
    const { chosenAnswerId, answers } = this.#conversations.turn(turnId)
    if (answerId !== undefined && !answers.some((answer) => answer.id === answerId))
      throw new AppError('NOT_FOUND', `There is no answer "${answerId}" to turn "${turnId}"`)
    this.#rows.together(() => {
      if (answerId !== undefined) this.#rows.chooseAnswer(turnId, answerId, { isUndecided: false })
      this.#rows.tree.show(id, turnId)
    })
    const isPathSame = this.#rows.tree.shownTurnId(id) === before
    if (isPathSame && before === turnId) this.#feeds.publishTurn({ conversationId: id, turnId })
    else if (!isPathSame || (answerId ?? chosenAnswerId) !== chosenAnswerId) this.#feeds.publishSnapshot(id)
    this.#list.tell(id)
    return this.#conversations.get(id)
  }

  /** A new conversation with a copy of the path up to a turn. No answer of it may be under way. */
  branch(turnId: string): Conversation {
    const origin = this.#conversations.conversationOf(turnId)
    const { title } = this.#conversations.summary(origin)
    this.#live.flush()
    const id = randomUUID()
    this.#origins.set(id, origin)
    this.#rows.together(() => {
      this.#rows.tree.branch(turnId, { id, title: `${title} (branch)`, at: this.#now() })
      const message = 'The conversation was branched while this answer was being checked'
      this.#rows.interruptChecks({ code: 'MODEL_FAILED', message, details: {} }, { conversationId: id })
    })
    this.#list.tell(id)
    return this.#conversations.get(id)
  }

  /** The conversation that another one was branched from since the app started: both begin with the same turns. */
  originOf(conversationId: string): string | undefined {
    return this.#origins.get(conversationId)
  }

  /** Deletes a turn with everything below it. Who runs answers in it stops them first. */
  deleteTurn(turnId: string): void {
    const conversationId = this.#conversations.conversationOf(turnId)
    this.#live.flush()
    const turns = this.#rows.together(() => this.#rows.tree.cut(conversationId, turnId))
    this.#deletedTurns.set(turnId, { conversationId, turns })
    for (const id of [...this.#deletedTurns.keys()].slice(0, -keptDeletions)) this.#deletedTurns.delete(id)
    this.#feeds.publishSnapshot(conversationId)
    this.#list.tell(conversationId)
  }

  /** The conversation that a deleted turn belonged to. Throws `NOT_FOUND`. */
  conversationOfDeleted(turnId: string): string {
    return this.#deleted(turnId).conversationId
  }

  /** Brings back what `deleteTurn` took, and shows it. Throws `NOT_FOUND` when what it hung on is gone too. */
  restoreTurn(turnId: string): Conversation {
    const { conversationId, turns } = this.#deleted(turnId)
    this.#conversations.summary(conversationId)
    if (!this.#rows.together(() => this.#rows.tree.putBack(conversationId, turns)))
      throw new AppError('NOT_FOUND', 'Cannot bring the turn back: what was before it is gone', {
        details: { help: 'Bring that back first' },
      })
    this.#deletedTurns.delete(turnId)
    this.#feeds.publishSnapshot(conversationId)
    this.#list.tell(conversationId)
    return this.#conversations.get(conversationId)
  }

  #deleted(turnId: string): { conversationId: string; turns: CutTurns } {
    const deleted = this.#deletedTurns.get(turnId)
    if (!deleted) throw new AppError('NOT_FOUND', `There is no deleted turn "${turnId}"`)
    return deleted
  }

  /** Where a message goes: to the end of the shown path, or beside another version of it. */
  #placeFor(
    conversationId: string,
    inPlaceOf: string | undefined,
  ): Pick<Turn, 'parentId' | 'parentAnswerId'> {
    if (inPlaceOf !== undefined) return this.#conversations.turn(inPlaceOf)
    const last = this.#rows.tree.shownTurnId(conversationId)
    return last === null
      ? { parentId: null, parentAnswerId: null }
      : { parentId: last, parentAnswerId: this.#conversations.turn(last).chosenAnswerId }
  }

  #newAnswers(
    models: readonly AnsweringModel[],
    {
      together,
      repairsAnswerId,
    }: { readonly together?: string | undefined; readonly repairsAnswerId?: string | undefined } = {},
  ): [Answer, ...Answer[]] {
    const askedTogetherId = together ?? (models.length > 1 ? randomUUID() : undefined)
    const [first, ...others] = models.map((model): Answer => ({
      ...{ id: randomUUID(), modelId: model.id, modelName: model.name, text: '' },
      ...{ state: waitingFor(model), stats: null, createdAt: this.#now() },
      ...(askedTogetherId !== undefined && { askedTogetherId }),
      ...(repairsAnswerId !== undefined && { repairsAnswerId }),
    }))
    if (!first) throw new AppError('BAD_INPUT', 'Cannot ask: no model is named')
    return [first, ...others]
  }
}

function waitingFor({ name }: AnsweringModel): Extract<AnswerState, { kind: 'waiting' }> {
  return { kind: 'waiting', reason: `Waiting for "${name}"` }
}
