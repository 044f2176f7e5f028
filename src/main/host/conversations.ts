import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type {
  Answer,
  AnswerState,
  AnswerStats,
  Conversation,
  ConversationEvent,
  ConversationSummary,
  Turn,
} from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import { ConversationRows } from './conversation-rows.ts'
import { Feed, watchState } from './frames.ts'
import type { MemoryWindow } from './memory-window.ts'
import { endThoughts, timeThoughts } from './thought-times.ts'

/** Text that streams is written to the database this often: what a killed app loses at most. */
const flushMs = 500
/** When writing failed (a full disk), it is tried again this often. */
const retryMs = 5000

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
  readonly #now: () => number
  readonly #onDefect: (error: unknown) => void
  readonly #live = new Map<string, LiveAnswer>()
  readonly #feeds = new Map<string, Set<Feed<ConversationEvent>>>()
  readonly #listListeners = new Set<() => void>()
  #flushTimer: NodeJS.Timeout | undefined

  /** Answers that were under way when the app last ended become `interrupted`. `onDefect` hears of text that could not be written. */
  constructor(
    database: DatabaseSync,
    options: { now?: () => number; onDefect?: (error: unknown) => void } = {},
  ) {
    this.#rows = new ConversationRows(database)
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

  /** The list now and after each change, until `signal` aborts. */
  watchList(signal?: AbortSignal): AsyncIteratorObject<ConversationSummary[], undefined, undefined> {
    return watchState({
      read: () => this.list(),
      subscribe: (listener) => {
        this.#listListeners.add(listener)
        return () => void this.#listListeners.delete(listener)
      },
      signal,
    })
  }

  /** Makes an empty conversation. Without a title it gets one from its first message. */
  create(options: { title?: string | undefined } = {}): Conversation {
    const title = options.title?.trim() ?? ''
    const id = randomUUID()
    this.#rows.insertConversation({
      id,
      title: title === '' ? 'New conversation' : title,
      isTitled: title !== '',
      at: this.#now(),
    })
    this.#tellList()
    return this.get(id)
  }

  /** A conversation with the path from its first turn to the shown one. Throws `NOT_FOUND`. */
  get(id: string): Conversation {
    const shown = this.#summary(id)
    const shownTurnId = this.#rows.shownTurnId(id)
    return { ...shown, turns: shownTurnId === null ? [] : this.pathTo(shownTurnId) }
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

  rename(id: string, title: string): ConversationSummary {
    this.#summary(id)
    this.#rows.setTitle(id, title)
    this.#publishSnapshot(id)
    this.#tellList()
    return this.#summary(id)
  }

  /** Deletes a conversation with all its turns. Who runs an answer in it stops that first. */
  delete(id: string): void {
    this.#summary(id)
    for (const [answerId, live] of this.#live) if (live.conversationId === id) this.#live.delete(answerId)
    this.#rows.deleteConversation(id)
    this.#publish(id, { kind: 'deleted' })
    for (const feed of this.#feeds.get(id) ?? []) feed.end()
    this.#feeds.delete(id)
    this.#tellList()
  }

  /** The turns from the root of their conversation to this one, with the text so far of answers under way. */
  pathTo(turnId: string): Turn[] {
    return this.#rows.path(turnId).map((turn) => this.#withLive(turn))
  }

  /** A turn as it is now. Throws `NOT_FOUND`. */
  turn(turnId: string): Turn {
    const turn = this.#rows.turn(turnId)
    if (!turn) throw new AppError('NOT_FOUND', `There is no turn "${turnId}"`)
    return this.#withLive(turn)
  }

  /** The conversation that a turn belongs to. Throws `NOT_FOUND`. */
  conversationOf(turnId: string): string {
    const id = this.#rows.conversationOfTurn(turnId)
    if (id === undefined) throw new AppError('NOT_FOUND', `There is no turn "${turnId}"`)
    return id
  }

  /** Records a message at the end of the shown path, and an answer to it that waits for `model`. */
  addTurn(conversationId: string, message: { text: string; model: AnsweringModel; reason: string }): Turn {
    this.#summary(conversationId)
    const answer = this.#newAnswer(message)
    const turn: Turn = {
      id: randomUUID(),
      parentId: this.#rows.shownTurnId(conversationId),
      // Half a surrogate pair cannot be stored; what is on the screen is what will be there after a restart.
      text: message.text.toWellFormed(),
      answers: [answer],
      chosenAnswerId: answer.id,
      createdAt: answer.createdAt,
    }
    this.#rows.together(() => {
      this.#rows.insertTurn(conversationId, turn)
      this.#rows.insertAnswer(turn.id, answer)
      this.#rows.showTurn(conversationId, turn.id)
      if (turn.parentId === null) {
        this.#rows.setTitle(conversationId, titleFrom(message.text), { unlessTitled: true })
      }
      this.#rows.touch(conversationId, answer.createdAt)
    })
    this.#begin(conversationId, turn.id, answer)
    if (turn.parentId === null) this.#publishSnapshot(conversationId)
    return this.turn(turn.id)
  }

  /** Adds an answer to a turn, which waits for `model`, and makes it the chosen one. */
  addAnswer(turnId: string, question: { model: AnsweringModel; reason: string }): Turn {
    const conversationId = this.conversationOf(turnId)
    const answer = this.#newAnswer(question)
    this.#rows.together(() => {
      this.#rows.insertAnswer(turnId, answer)
      this.#rows.chooseAnswer(turnId, answer.id)
      this.#rows.touch(conversationId, answer.createdAt)
    })
    this.#begin(conversationId, turnId, answer)
    return this.turn(turnId)
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
    live.answer = { ...live.answer, state, stats: stats ?? null, ...(thoughts && { thoughts }) }
    live.hasEnded = true
    live.isDirty = true
    this.flush()
    this.#publishTurn(live)
    this.#tellList()
  }

  /** What an answer cost, where that became known only after its end. Ignored when the conversation is gone. */
  addStats(answerId: string, turnId: string, stats: AnswerStats): void {
    const live = this.#live.get(answerId)
    if (live) live.answer = { ...live.answer, stats }
    else this.#rows.saveStats(answerId, stats)
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
    for (const feeds of this.#feeds.values()) for (const feed of feeds) feed.end()
    this.#feeds.clear()
  }

  #summary(id: string): ConversationSummary {
    const summary = this.#rows.summary(id)
    if (!summary) throw new AppError('NOT_FOUND', `There is no conversation "${id}"`)
    return summary
  }

  /** An answer that has not ended. */
  #underWay(answerId: string): LiveAnswer | undefined {
    const live = this.#live.get(answerId)
    return live?.hasEnded ? undefined : live
  }

  #newAnswer({ model, reason }: { model: AnsweringModel; reason: string }): Answer {
    return {
      id: randomUUID(),
      modelId: model.id,
      modelName: model.name,
      text: '',
      state: { kind: 'waiting', reason },
      stats: null,
      createdAt: this.#now(),
    }
  }

  #begin(conversationId: string, turnId: string, answer: Answer): void {
    const live: LiveAnswer = { conversationId, turnId, answer, isDirty: false, hasEnded: false }
    this.#live.set(answer.id, live)
    this.#publishTurn(live)
    this.#tellList()
  }

  #withLive(turn: Turn): Turn {
    return { ...turn, answers: turn.answers.map((answer) => this.#live.get(answer.id)?.answer ?? answer) }
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

  #tellList(): void {
    for (const listener of [...this.#listListeners]) listener()
  }
}

/** A title for a conversation: the first line of its first message, shortened at a word to about 60 characters. */
export function titleFrom(text: string): string {
  const [first = ''] = text.trimStart().slice(0, 1000).split(/\r?\n/, 1)
  const line = first.replaceAll(/\s+/g, ' ').trim()
  if (line === '') return 'New conversation'
  const characters = [...new Intl.Segmenter().segment(line)]
  const cut = characters[60]?.index
  if (cut === undefined) return line
  const start = line.slice(0, cut)
  const lastSpace = start.lastIndexOf(' ')
  // A line without a space in reach (a link, Chinese) is cut where it stands.
  return `${(lastSpace > 20 ? start.slice(0, lastSpace) : start).replace(/[\s,;:.–—-]+$/, '')}…`
}

/** Keeps the queue of a slow watcher no longer than what it is about. */
function mergeEvents(queued: readonly ConversationEvent[], event: ConversationEvent): ConversationEvent[] {
  switch (event.kind) {
    case 'snapshot':
    case 'deleted':
      return [event]
    case 'turn': {
      const isOfTurn = (other: ConversationEvent) =>
        other.kind === 'turn'
          ? other.turn.id === event.turn.id
          : other.kind === 'text' && other.turnId === event.turn.id
      const ofTurn = queued.filter(isOfTurn)
      const others = queued.filter((other) => !isOfTurn(other))
      // The last state of the turn is enough, but who reads texts only misses none: they stay, behind the turn that they belong to.
      const texts = ofTurn.filter(({ kind }) => kind === 'text')
      if (texts.length === 0) return [...others, event]
      const begin = ofTurn[0]?.kind === 'turn' ? [ofTurn[0]] : []
      return [...others, ...begin, ...texts.reduce(appendText, []), event]
    }
    case 'text':
      return appendText(queued, event)
    default:
      return event satisfies never
  }
}

function appendText(queued: readonly ConversationEvent[], event: ConversationEvent): ConversationEvent[] {
  const last = queued.at(-1)
  return event.kind === 'text' && last?.kind === 'text' && last.answerId === event.answerId
    ? [...queued.slice(0, -1), { ...last, text: last.text + event.text }]
    : [...queued, event]
}
