import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { plainAsking, withAsking, type Asking, type AskingChanges } from '../../contract/asking.ts'
import type { Attachment } from '../../contract/attachment.ts'
import type {
  Answer,
  AnswerState,
  AnswerStats,
  Conversation,
  ConversationEvent,
  ConversationListEvent,
  ConversationSummary,
  Turn,
} from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import type { ResolvedSampling } from '../../contract/sampling.ts'
import { Attachments } from './attachments.ts'
import { mergeEvents } from './conversation-events.ts'
import { ConversationList } from './conversation-list.ts'
import { ConversationRows, type TurnRow } from './conversation-rows.ts'
import { Feed } from './frames.ts'
import type { MemoryWindow } from './memory-window.ts'
import { endThoughts, timeThoughts } from './thought-times.ts'
import { titleFrom, untitled } from './title.ts'
import type { CutTurns } from './turn-tree.ts'

/** Text that streams is written to the database this often: what a killed app loses at most. */
const flushMs = 500
/** When writing failed (a full disk), it is tried again this often. */
const retryMs = 5000

/** So many deletions can be taken back. */
const keptDeletions = 20

/** Who answers, as an answer records it. */
export type AnsweringModel = { readonly id: string; readonly name: string }

/** An answer that is being made, or has ended and is not yet written: it is ahead of the database. */
type LiveAnswer = {
  readonly conversationId: string
  readonly turnId: string
  answer: Answer
  isDirty: boolean
  hasEnded: boolean
}

/**
 * All conversations: kept in the database, and the only place that changes them. Watchers get a snapshot first and then
 * what changes; text of an answer reaches them at once and the database within half a second.
 */
export class Conversations implements Disposable {
  readonly #rows: ConversationRows
  readonly #attachments: Attachments
  readonly #now: () => number
  readonly #onDefect: (error: unknown) => void
  readonly #live = new Map<string, LiveAnswer>()
  readonly #feeds = new Map<string, Set<Feed<ConversationEvent>>>()
  readonly #list: ConversationList
  /** Deleted turns by id, the last one deleted last. */
  readonly #deletedTurns = new Map<string, { conversationId: string; turns: CutTurns }>()
  #flushTimer: NodeJS.Timeout | undefined

  /** Answers that were under way when the app last ended become `interrupted`. `onDefect` hears of text that could not be written. */
  constructor(
    database: DatabaseSync,
    options: { now?: () => number; onDefect?: (error: unknown) => void; attachments?: Attachments } = {},
  ) {
    this.#rows = new ConversationRows(database)
    this.#list = new ConversationList(this.#rows)
    this.#attachments = options.attachments ?? new Attachments(database)
    this.#onDefect = options.onDefect ?? (() => undefined)
    this.#now = options.now ?? Date.now
    this.#rows.interruptUnended({
      code: 'MODEL_CRASHED',
      message: 'The app ended while this answer was being written',
      details: { help: 'Send the turn again' },
    })
  }

  /** All conversations, the last one used first. */
  list(): ConversationSummary[] {
    return this.#rows.summaries()
  }

  /** The list now, then what changes of it, until `signal` aborts. */
  watchList(signal?: AbortSignal): Feed<ConversationListEvent> {
    return this.#list.watch(signal)
  }

  /** Makes an empty conversation. Without a title it gets one from its first message. */
  create(options: { title?: string | undefined; asking?: AskingChanges | undefined } = {}): Conversation {
    const title = options.title?.trim() ?? ''
    const id = randomUUID()
    this.#rows.insertConversation({
      id,
      title: title === '' ? untitled : title,
      isTitled: title !== '',
      at: this.#now(),
    })
    if (options.asking) this.#rows.setAsking(id, withAsking(plainAsking, options.asking))
    this.#list.tell(id)
    return this.get(id)
  }

  /** A conversation with the path from its first turn to the shown one. Throws `NOT_FOUND`. */
  get(id: string): Conversation {
    const shown = this.summary(id)
    const shownTurnId = this.#rows.shownTurnId(id)
    const turns = shownTurnId === null ? [] : this.pathTo(shownTurnId)
    return { ...shown, ...this.#rows.asking(id), turns }
  }

  /** The path that is shown: what a next turn follows. Throws `NOT_FOUND`. */
  shownPath(id: string): Turn[] {
    this.summary(id)
    const shownTurnId = this.#rows.shownTurnId(id)
    return shownTurnId === null ? [] : this.pathTo(shownTurnId)
  }

  /** A text that changes with what the shown path holds. Not while an answer of it is under way. */
  versionOf(id: string): string {
    const { updatedAt, turnCount } = this.summary(id)
    return `${this.#rows.shownTurnId(id) ?? ''} ${String(updatedAt)} ${String(turnCount)}`
  }

  /** How models are asked in a conversation. */
  asking(id: string): Asking {
    return this.#rows.asking(id)
  }

  /** Changes that from the next answer on; what is absent stays. Throws `NOT_FOUND`. */
  setAsking(id: string, changes: AskingChanges): Asking {
    this.summary(id)
    const asking = withAsking(this.#rows.asking(id), changes)
    this.#rows.setAsking(id, asking)
    this.#publish(id, { kind: 'asking', asking })
    return asking
  }

  /** What happens in a conversation: a snapshot first, then turns and text as they come, until `signal` aborts. */
  watch(id: string, signal?: AbortSignal): Feed<ConversationEvent> {
    const feed = new Feed<ConversationEvent>({ merge: mergeEvents, signal })
    feed.push({ kind: 'snapshot', conversation: this.get(id) })
    const feeds = this.#feeds.get(id) ?? new Set()
    this.#feeds.set(id, feeds.add(feed))
    feed.onEnd(() => {
      feeds.delete(feed)
      if (feeds.size === 0 && this.#feeds.get(id) === feeds) this.#feeds.delete(id)
    })
    return feed
  }

  /** Changes the title, or where it is in the list; what is absent stays. Throws `NOT_FOUND`. */
  update(
    id: string,
    changes: { title?: string | undefined; isPinned?: boolean | undefined; isArchived?: boolean | undefined },
  ): ConversationSummary {
    this.summary(id)
    if (changes.title !== undefined) this.#rows.setTitle(id, changes.title)
    this.#rows.setPlace(id, changes)
    this.#publishSnapshot(id)
    this.#list.tell(id)
    return this.summary(id)
  }

  /**
   * Deletes a conversation with all its turns; `restore` takes it back until it is purged. Who runs an answer in it
   * stops that first. Throws `NOT_FOUND`.
   */
  delete(id: string): void {
    this.summary(id)
    // What was said stays, should it come back.
    this.flush()
    for (const [answerId, live] of this.#live) if (live.conversationId === id) this.#live.delete(answerId)
    this.#rows.markDeleted(id, this.#now())
    this.#publish(id, { kind: 'deleted' })
    for (const feed of this.#feeds.get(id) ?? []) feed.end()
    this.#feeds.delete(id)
    this.#list.tell(id)
  }

  /** Takes a deletion back. Throws `NOT_FOUND` when the conversation has been purged. */
  restore(id: string): ConversationSummary {
    this.#rows.restore(id)
    this.#list.tell(id)
    return this.summary(id)
  }

  /** Those of these ids that are conversations. */
  existing(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => this.#rows.summary(id) !== undefined)
  }

  /** Takes several deletions back; what has been purged is passed over. */
  restoreMany(ids: readonly string[]): void {
    this.#rows.together(() => {
      for (const id of ids) this.#rows.restore(id)
    })
    this.#list.tell(...ids)
  }

  /** Conversations that were deleted longer ago than this many milliseconds. */
  deletedIds(olderThanMs: number): readonly string[] {
    return this.#rows.deletedIds(this.#now() - olderThanMs)
  }

  /** Drops a deleted conversation for good. */
  purge(id: string): void {
    this.#rows.purge(id)
  }

  /** The turns from the root of their conversation to this one, with the text so far of answers under way. */
  pathTo(turnId: string): Turn[] {
    const attachments = this.#attachments.ofPath(turnId)
    return this.#rows.path(turnId).map((turn) => this.#withLive(turn, attachments.get(turn.id)))
  }

  /** A turn as it is now. Throws `NOT_FOUND`. */
  turn(turnId: string): Turn {
    this.conversationOf(turnId)
    const turn = this.#rows.turn(turnId)
    if (!turn) throw new AppError('NOT_FOUND', `There is no turn "${turnId}"`)
    return this.#withLive(turn, this.#attachments.ofTurn(turnId))
  }

  /** The conversation that a turn belongs to. Throws `NOT_FOUND`. */
  conversationOf(turnId: string): string {
    const id = this.#rows.conversationOfTurn(turnId)
    if (id === undefined) throw new AppError('NOT_FOUND', `There is no turn "${turnId}"`)
    return id
  }

  /** The turn and the conversation that an answer belongs to. Throws `NOT_FOUND`. */
  placeOfAnswer(answerId: string): { turnId: string; conversationId: string } {
    const place = this.#rows.placeOfAnswer(answerId)
    if (!place) throw new AppError('NOT_FOUND', `There is no answer "${answerId}"`)
    return place
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
    const { title } = this.summary(conversationId)
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
    this.#begin(conversationId, turn.id, answers)
    if (message.inPlaceOf !== undefined || this.summary(conversationId).title !== title)
      this.#publishSnapshot(conversationId)
    // Sending on keeps the answer that was marked.
    else if (parentId !== null && !isParentDecided) this.#publishTurn({ conversationId, turnId: parentId })
    return this.turn(turn.id)
  }

  /**
   * Adds an answer to a turn that waits for each of `models`, and shows the first of them. Where no answer of the turn was kept yet, they join those
   * that were asked for together.
   */
  addAnswers(turnId: string, models: readonly AnsweringModel[]): Turn {
    const conversationId = this.conversationOf(turnId)
    const { isUndecided, answers: known, chosenAnswerId } = this.turn(turnId)
    const isLast = this.#rows.shownTurnId(conversationId) === turnId
    const answers = this.#newAnswers(
      models,
      isUndecided ? known.find(({ id }) => id === chosenAnswerId)?.askedTogetherId : undefined,
    )
    const [first] = answers
    this.#rows.together(() => {
      for (const answer of answers) this.#rows.insertAnswer(turnId, answer)
      if (!isUndecided) this.#rows.chooseAnswer(turnId, first.id, { isUndecided: answers.length > 1 })
      this.#rows.tree.show(conversationId, turnId)
      this.#rows.touch(conversationId, first.createdAt)
    })
    this.#begin(conversationId, turnId, answers)
    if (!isLast) this.#publishSnapshot(conversationId)
    return this.turn(turnId)
  }

  /** Lets an answer that has ended wait for its model again, with the text that it has. */
  reopenAnswer(answerId: string): Turn {
    const { turnId, conversationId } = this.placeOfAnswer(answerId)
    // What a full disk has kept back is read from the rows.
    this.flush()
    const answer = this.turn(turnId).answers.find(({ id }) => id === answerId)
    if (!answer) throw new AppError('NOT_FOUND', `There is no answer "${answerId}"`)
    const waiting: Answer = { ...answer, state: waitingFor({ id: answer.modelId, name: answer.modelName }) }
    this.#rows.together(() => {
      this.#rows.saveAnswer(waiting)
      this.#rows.touch(conversationId, this.#now())
    })
    this.#begin(conversationId, turnId, [waiting])
    return this.turn(turnId)
  }

  /** Changes the text of an answer that has ended; null: as the model wrote it. */
  editAnswer(answerId: string, text: string | null): Turn {
    const place = this.placeOfAnswer(answerId)
    this.flush()
    this.#rows.together(() => {
      this.#rows.editAnswer(answerId, text === null ? null : text.toWellFormed())
      this.#rows.touch(place.conversationId, this.#now())
    })
    this.#publishTurn(place)
    this.#list.tell(place.conversationId)
    return this.turn(place.turnId)
  }

  /** Whether the path goes through a turn, and through an answer of it that was kept. Throws `NOT_FOUND`. */
  isShown(turnId: string, answerId?: string): boolean {
    const { chosenAnswerId, isUndecided } = this.turn(turnId)
    const isKept = answerId === undefined || (chosenAnswerId === answerId && !isUndecided)
    return isKept && this.#rows.tree.isShown(this.conversationOf(turnId), turnId)
  }

  /** Lets the path go through a turn and on as it last did; with an answer of it, that one is kept. Throws `NOT_FOUND`. */
  show(turnId: string, answerId?: string): Conversation {
    const id = this.conversationOf(turnId)
    const before = this.#rows.shownTurnId(id)
    const { chosenAnswerId, answers } = this.turn(turnId)
    if (answerId !== undefined && !answers.some((answer) => answer.id === answerId))
      throw new AppError('NOT_FOUND', `There is no answer "${answerId}" to turn "${turnId}"`)
    this.#rows.together(() => {
      if (answerId !== undefined) this.#rows.chooseAnswer(turnId, answerId, { isUndecided: false })
      this.#rows.tree.show(id, turnId)
    })
    const isPathSame = this.#rows.shownTurnId(id) === before
    if (isPathSame && before === turnId) this.#publishTurn({ conversationId: id, turnId })
    else if (!isPathSame || (answerId ?? chosenAnswerId) !== chosenAnswerId) this.#publishSnapshot(id)
    this.#list.tell(id)
    return this.get(id)
  }

  /** A new conversation with a copy of the path up to a turn. No answer of it may be under way. */
  branch(turnId: string): Conversation {
    const { title } = this.summary(this.conversationOf(turnId))
    this.flush()
    const id = randomUUID()
    this.#rows.together(() =>
      this.#rows.tree.branch(turnId, { id, title: `${title} (branch)`, at: this.#now() }),
    )
    this.#list.tell(id)
    return this.get(id)
  }

  /** Deletes a turn with everything below it. Who runs answers in it stops them first. */
  deleteTurn(turnId: string): void {
    const conversationId = this.conversationOf(turnId)
    this.flush()
    const turns = this.#rows.together(() => this.#rows.tree.cut(conversationId, turnId))
    this.#deletedTurns.set(turnId, { conversationId, turns })
    for (const id of [...this.#deletedTurns.keys()].slice(0, -keptDeletions)) this.#deletedTurns.delete(id)
    this.#publishSnapshot(conversationId)
    this.#list.tell(conversationId)
  }

  /** The conversation that a deleted turn belonged to. Throws `NOT_FOUND`. */
  conversationOfDeleted(turnId: string): string {
    const deleted = this.#deletedTurns.get(turnId)
    if (!deleted) throw new AppError('NOT_FOUND', `There is no deleted turn "${turnId}"`)
    return deleted.conversationId
  }

  /** Brings back what `deleteTurn` took, and shows it. Throws `NOT_FOUND` when what it hung on is gone too. */
  restoreTurn(turnId: string): Conversation {
    const conversationId = this.conversationOfDeleted(turnId)
    this.summary(conversationId)
    const turns = this.#deletedTurns.get(turnId)?.turns ?? {
      turns: [],
      answers: [],
      attachments: [],
      uses: [],
    }
    if (!this.#rows.together(() => this.#rows.tree.putBack(conversationId, turns)))
      throw new AppError('NOT_FOUND', 'Cannot bring the turn back: what was before it is gone', {
        details: { help: 'Bring that back first' },
      })
    this.#deletedTurns.delete(turnId)
    this.#publishSnapshot(conversationId)
    this.#list.tell(conversationId)
    return this.get(conversationId)
  }

  /** Says where an answer under way is. Ignored when it has ended. */
  setState(answerId: string, state: Extract<AnswerState, { kind: 'waiting' | 'reading' | 'writing' }>): void {
    const live = this.#underWay(answerId)
    const isNewKind = live?.answer.state.kind !== state.kind
    if (!live || (state.kind === 'writing' && !isNewKind)) return
    live.answer = { ...live.answer, state }
    if (isNewKind) this.#makeDirty(live)
    this.#publishTurn(live)
  }

  /** Tells where the model's memory begins for an answer under way. Ignored when it has ended. */
  setMemory(answerId: string, window: MemoryWindow): void {
    const live = this.#underWay(answerId)
    if (!live) return
    live.answer = {
      ...live.answer,
      memoryStartsAtTurnId: window.startsAtTurnId,
      memoryKeepsFirstTurn: window.keepsFirstTurn,
    }
    this.#makeDirty(live)
    this.#publishTurn(live)
  }

  /** Tells how the tokens of an answer under way are chosen. Ignored when it has ended. */
  setSampling(answerId: string, how: { sampling: ResolvedSampling; isJson: boolean }): void {
    const live = this.#underWay(answerId)
    if (!live) return
    live.answer = { ...live.answer, sampling: how.sampling, ...(how.isJson && { isJson: true }) }
    this.#makeDirty(live)
    this.#publishTurn(live)
  }

  /** Appends text to an answer under way. Ignored when it has ended. */
  append(answerId: string, text: string): void {
    const live = this.#underWay(answerId)
    if (!live || text === '') return
    const at = live.answer.text.length
    const grown = live.answer.text + text
    const thoughts = timeThoughts(grown, live.answer.thoughts, this.#now())
    const isTold = thoughts !== live.answer.thoughts
    live.answer = { ...live.answer, text: grown, ...(thoughts && { thoughts }) }
    this.#makeDirty(live)
    this.#publish(live.conversationId, { kind: 'text', turnId: live.turnId, answerId, at, text })
    // A thought that began or ended.
    if (isTold) this.#publishTurn(live)
  }

  /** Ends an answer under way: its state, text and stats are in the database when this returns. Ignored when it has ended. */
  end(
    answerId: string,
    state: Extract<AnswerState, { kind: 'done' | 'interrupted' }>,
    stats?: AnswerStats,
  ): void {
    const live = this.#underWay(answerId)
    if (!live) return
    const thoughts = endThoughts(live.answer.thoughts, this.#now())
    const allStats = addStats(live.answer.stats, stats)
    live.answer = { ...live.answer, state, stats: allStats, ...(thoughts && { thoughts }) }
    live.hasEnded = true
    live.isDirty = true
    this.flush()
    this.#chooseEnded(live)
    this.#publishTurn(live)
    this.#list.tell(live.conversationId)
  }

  /** What an answer cost, where that became known only after its end. Ignored when the conversation is gone. */
  addStats(answerId: string, turnId: string, stats: AnswerStats): void {
    const live = this.#live.get(answerId)
    if (live) live.answer = { ...live.answer, stats: addStats(live.answer.stats, stats) ?? stats }
    else {
      const before = this.#rows.turn(turnId)?.answers.find(({ id }) => id === answerId)?.stats
      this.#rows.saveStats(answerId, addStats(before ?? null, stats) ?? stats)
    }
    const conversationId = this.#rows.conversationOfTurn(turnId)
    if (conversationId !== undefined) this.#publishTurn({ conversationId, turnId })
  }

  /** Writes all text that is not in the database yet. What cannot be written stays in memory and is tried again. */
  flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    const dirty = [...this.#live].filter(([, { isDirty }]) => isDirty)
    if (dirty.length === 0) return
    try {
      this.#rows.together(() => {
        for (const [, live] of dirty) {
          this.#rows.saveAnswer(live.answer)
          if (live.hasEnded) this.#rows.touch(live.conversationId, this.#now())
        }
      })
    } catch (error) {
      this.#onDefect(error)
      this.#flushTimer = setTimeout(() => this.flush(), retryMs)
      return
    }
    for (const [answerId, live] of dirty) {
      live.isDirty = false
      if (live.hasEnded) this.#live.delete(answerId)
    }
  }

  /** Writes what is left and lets all watchers go. */
  [Symbol.dispose](): void {
    this.flush()
    clearTimeout(this.#flushTimer)
    this.#list[Symbol.dispose]()
    for (const feeds of this.#feeds.values()) for (const feed of feeds) feed.end()
    this.#feeds.clear()
  }

  /** A conversation as the list has it. Throws `NOT_FOUND`. */
  summary(id: string): ConversationSummary {
    const summary = this.#rows.summary(id)
    if (!summary) throw new AppError('NOT_FOUND', `There is no conversation "${id}"`)
    return summary
  }

  /** An answer that has not ended. */
  #underWay(answerId: string): LiveAnswer | undefined {
    const live = this.#live.get(answerId)
    return live?.hasEnded ? undefined : live
  }

  /** Where a message goes: to the end of the shown path, or beside another version of it. */
  #placeFor(
    conversationId: string,
    inPlaceOf: string | undefined,
  ): Pick<Turn, 'parentId' | 'parentAnswerId'> {
    if (inPlaceOf !== undefined) return this.turn(inPlaceOf)
    const last = this.#rows.shownTurnId(conversationId)
    return last === null
      ? { parentId: null, parentAnswerId: null }
      : { parentId: last, parentAnswerId: this.turn(last).chosenAnswerId }
  }

  #newAnswers(models: readonly AnsweringModel[], together?: string): [Answer, ...Answer[]] {
    const askedTogetherId = together ?? (models.length > 1 ? randomUUID() : undefined)
    const [first, ...others] = models.map((model): Answer => ({
      ...{ id: randomUUID(), modelId: model.id, modelName: model.name, text: '' },
      ...{ state: waitingFor(model), stats: null, createdAt: this.#now() },
      ...(askedTogetherId !== undefined && { askedTogetherId }),
    }))
    if (!first) throw new AppError('BAD_INPUT', 'Cannot ask: no model is named')
    return [first, ...others]
  }

  #begin(conversationId: string, turnId: string, answers: readonly Answer[]): void {
    for (const answer of answers)
      this.#live.set(answer.id, { conversationId, turnId, answer, isDirty: false, hasEnded: false })
    this.#publishTurn({ conversationId, turnId })
    this.#list.tell(conversationId)
  }

  /** While nobody has kept an answer of several, the path goes on from the first that ended well. */
  #chooseEnded({ answer, turnId }: LiveAnswer): void {
    if (!endedWell(answer)) return
    const turn = this.turn(turnId)
    const chosen = turn.answers.find(({ id }) => id === turn.chosenAnswerId)
    if (turn.isUndecided && !(chosen && chosen.id !== answer.id && endedWell(chosen)))
      this.#rows.chooseAnswer(turnId, answer.id, { isUndecided: true })
  }

  #withLive(turn: Turn, attachments: readonly Attachment[] = []): Turn {
    const answers = turn.answers.map((answer) => this.#live.get(answer.id)?.answer ?? answer)
    return { ...turn, answers, ...(attachments.length > 0 && { attachments: [...attachments] }) }
  }

  #makeDirty(live: LiveAnswer): void {
    live.isDirty = true
    this.#flushTimer ??= setTimeout(() => this.flush(), flushMs)
  }

  #publishTurn({ conversationId, turnId }: Pick<LiveAnswer, 'conversationId' | 'turnId'>): void {
    if (this.#feeds.has(conversationId))
      this.#publish(conversationId, { kind: 'turn', turn: this.turn(turnId) })
  }

  #publishSnapshot(id: string): void {
    if (this.#feeds.has(id)) this.#publish(id, { kind: 'snapshot', conversation: this.get(id) })
  }

  #publish(id: string, event: ConversationEvent): void {
    for (const feed of this.#feeds.get(id) ?? []) feed.push(event)
  }
}

function endedWell({ state, text }: Answer): boolean {
  return state.kind === 'done' && state.stopReason !== 'stopped' && text !== ''
}

function waitingFor({ name }: AnsweringModel): Extract<AnswerState, { kind: 'waiting' }> {
  return { kind: 'waiting', reason: `Waiting for "${name}"` }
}

/** What an answer has cost with what going on with it has: it was begun once, and all of it was generated. */
function addStats(before: AnswerStats | null, after: AnswerStats | undefined): AnswerStats | null {
  if (!before || !after) return after ?? before
  return {
    ...before,
    generatedTokens: before.generatedTokens + after.generatedTokens,
    tokensPerSecond: after.tokensPerSecond ?? before.tokensPerSecond,
  }
}
