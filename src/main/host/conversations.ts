import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { plainAsking, withAsking, type Asking, type AskingChanges } from '../../contract/asking.ts'
import type {
  Conversation,
  ConversationEvent,
  ConversationListEvent,
  ConversationSummary,
  Turn,
} from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import { Attachments } from './attachments.ts'
import { ConversationFeeds, type TurnPlace } from './conversation-feeds.ts'
import { ConversationList } from './conversation-list.ts'
import { ConversationRows } from './conversation-rows.ts'
import { ConversationTree } from './conversation-tree.ts'
import type { Feed } from './frames.ts'
import { LiveAnswers } from './live-answers.ts'
import { untitled } from './title.ts'

/**
 * All conversations: kept in the database, and the only place that changes them, with `tree` for their turns and `live` for answers under
 * way. Watchers get a snapshot first and then what changes.
 */
export class Conversations implements Disposable {
  readonly #rows: ConversationRows
  readonly #attachments: Attachments
  readonly #now: () => number
  readonly #feeds: ConversationFeeds
  readonly #list: ConversationList
  /** Answers under way. */
  readonly live: LiveAnswers
  /** Their turns, in all versions. */
  readonly tree: ConversationTree

  /** Answers that were under way when the app last ended become `interrupted`. `onDefect` hears of text that could not be written or read. */
  constructor(
    database: DatabaseSync,
    options: { now?: () => number; onDefect?: (error: unknown) => void; attachments?: Attachments } = {},
  ) {
    this.#rows = new ConversationRows(database)
    this.#list = new ConversationList(this.#rows)
    this.#attachments = options.attachments ?? new Attachments(database)
    this.#now = options.now ?? Date.now
    const onDefect = options.onDefect ?? (() => undefined)
    this.#feeds = new ConversationFeeds({
      conversation: (id, part) => this.get(id, part),
      turn: (id) => this.turn(id),
      // Which answer the path takes is known from the turn after.
      before: (turn, most) => this.#withLive(this.#rows.path(turn.id, { most: most + 1 }).slice(0, -1)),
      onDefect,
    })
    const shared = { rows: this.#rows, feeds: this.#feeds, list: this.#list, now: this.#now }
    this.live = new LiveAnswers({ ...shared, onDefect })
    this.tree = new ConversationTree({
      ...{ ...shared, conversations: this, attachments: this.#attachments, live: this.live },
    })
    this.#rows.interruptUnended({
      code: 'MODEL_CRASHED',
      message: 'The app ended while this answer was being written',
      details: { help: 'Send the turn again' },
    })
    this.#rows.interruptChecks({
      code: 'MODEL_CRASHED',
      message: 'The app ended while this answer was being checked',
      details: { help: 'Check it again' },
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

  /** A conversation with the path from its first turn to the shown one, or with so many of the last turns of it. Throws `NOT_FOUND`. */
  get(id: string, options: { readonly lastTurns?: number | undefined } = {}): Conversation {
    const shown = this.summary(id)
    const shownTurnId = this.#rows.tree.shownTurnId(id)
    const turns =
      shownTurnId === null ? [] : this.#withLive(this.#rows.path(shownTurnId, { most: options.lastTurns }))
    return { ...shown, ...this.#rows.asking(id), turns }
  }

  /** The path that is shown: what a next turn follows. Throws `NOT_FOUND`. */
  shownPath(id: string): Turn[] {
    this.summary(id)
    const shownTurnId = this.#rows.tree.shownTurnId(id)
    return shownTurnId === null ? [] : this.pathTo(shownTurnId)
  }

  /** A text that changes with what the shown path holds. Not while an answer of it is under way. */
  versionOf(id: string): string {
    const { updatedAt, turnCount } = this.summary(id)
    return `${this.#rows.tree.shownTurnId(id) ?? ''} ${String(updatedAt)} ${String(turnCount)}`
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
    this.#feeds.publish(id, { kind: 'asking', asking })
    return asking
  }

  /** What happens in a conversation: a snapshot first, then turns and text as they come, until `signal` aborts. See `ConversationFeeds`. */
  watch(
    id: string,
    options: { readonly signal?: AbortSignal | undefined; readonly lastTurns?: number | undefined } = {},
  ): Feed<ConversationEvent> {
    return this.#feeds.watch(id, options)
  }

  /** Changes the title, or where it is in the list; what is absent stays. Throws `NOT_FOUND`. */
  update(
    id: string,
    changes: { title?: string | undefined; isPinned?: boolean | undefined; isArchived?: boolean | undefined },
  ): ConversationSummary {
    this.summary(id)
    if (changes.title !== undefined) this.#rows.setTitle(id, changes.title)
    this.#rows.setPlace(id, changes)
    const summary = this.summary(id)
    this.#feeds.publish(id, { kind: 'summary', summary })
    this.#list.tell(id)
    return summary
  }

  /**
   * Deletes a conversation with all its turns; `restore` takes it back until it is purged. Who runs an answer in it
   * stops that first. Throws `NOT_FOUND`.
   */
  delete(id: string): void {
    this.summary(id)
    this.live.forget(id)
    this.#rows.markDeleted(id, this.#now())
    this.#feeds.publishDeleted(id)
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
    return this.#withLive(this.#rows.path(turnId))
  }

  /** A turn as it is now. Throws `NOT_FOUND`. */
  turn(turnId: string): Turn {
    this.conversationOf(turnId)
    const turn = this.#rows.turn(turnId)
    if (!turn) throw new AppError('NOT_FOUND', `There is no turn "${turnId}"`)
    return this.#withLive([turn])[0] ?? turn
  }

  /** Whether a turn is there. */
  hasTurn(turnId: string): boolean {
    return this.#rows.conversationOfTurn(turnId) !== undefined
  }

  /** The conversation that a turn belongs to. Throws `NOT_FOUND`. */
  conversationOf(turnId: string): string {
    const id = this.#rows.conversationOfTurn(turnId)
    if (id === undefined) throw new AppError('NOT_FOUND', `There is no turn "${turnId}"`)
    return id
  }

  /** The turn and the conversation that an answer belongs to. Throws `NOT_FOUND`. */
  placeOfAnswer(answerId: string): TurnPlace {
    const place = this.#rows.placeOfAnswer(answerId)
    if (!place) throw new AppError('NOT_FOUND', `There is no answer "${answerId}"`)
    return place
  }

  /** Writes what is left and lets all watchers go. */
  [Symbol.dispose](): void {
    this.live[Symbol.dispose]()
    this.#list[Symbol.dispose]()
    this.#feeds[Symbol.dispose]()
  }

  /** A conversation as the list has it. Throws `NOT_FOUND`. */
  summary(id: string): ConversationSummary {
    const summary = this.#rows.summary(id)
    if (!summary) throw new AppError('NOT_FOUND', `There is no conversation "${id}"`)
    return summary
  }

  /** Turns with their attachments, and with the text so far of answers under way. */
  #withLive(turns: readonly Turn[]): Turn[] {
    const attachments = this.#attachments.ofTurns(turns.map(({ id }) => id))
    return turns.map((turn) => {
      const own = attachments.get(turn.id)
      const answers = turn.answers.map((answer) => this.live.latest(answer))
      return { ...turn, answers, ...(own && { attachments: [...own] }) }
    })
  }
}
