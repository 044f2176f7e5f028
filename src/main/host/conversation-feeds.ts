import type { Conversation, ConversationEvent, Turn } from '../../contract/conversation.ts'
import { Feed } from './frames.ts'

/** Where a turn is. */
export type TurnPlace = { readonly conversationId: string; readonly turnId: string }

/** Earlier turns come so many at a time: a few milliseconds of work, for the host as for who reads them. */
const earlierTurns = 200
/** Pause before the first of them, in milliseconds, for what came first to be on the screen; and between them. */
const earlierPauseMs = { first: 100, next: 10 }

/** Where feeds read what they tell of, as it is now. */
type Reading = {
  readonly conversation: (id: string, part?: { readonly lastTurns?: number | undefined }) => Conversation
  readonly turn: (id: string) => Turn
  /** So many turns of the path before one. */
  readonly before: (turn: Turn, most: number) => Turn[]
  /** Hears of what could not be read when nobody asked just then. */
  readonly onDefect: (error: unknown) => void
}

/** What watchers of conversations receive: each a snapshot first, then what changes. */
export class ConversationFeeds implements Disposable {
  readonly #read: Reading
  readonly #feeds = new Map<string, Set<Feed<ConversationEvent>>>()
  readonly #closing = new AbortController()

  constructor(read: Reading) {
    this.#read = read
  }

  /**
   * A conversation as it is, then turns and text as they come, until `signal` aborts. With `lastTurns` the snapshot has only so many, and
   * those before them follow, so that a long conversation is seen at once. Throws `NOT_FOUND`.
   */
  watch(
    id: string,
    options: { readonly signal?: AbortSignal | undefined; readonly lastTurns?: number | undefined } = {},
  ): Feed<ConversationEvent> {
    const { signal = this.#closing.signal, lastTurns } = options
    const feed = new Feed<ConversationEvent>({
      merge: mergeEvents,
      signal: AbortSignal.any([signal, this.#closing.signal]),
    })
    const conversation = this.#read.conversation(id, { lastTurns })
    feed.push({ kind: 'snapshot', conversation })
    this.#sendBefore(conversation.turns[0], { feed, pauseMs: earlierPauseMs.first })
    const feeds = this.#feeds.get(id) ?? new Set()
    this.#feeds.set(id, feeds.add(feed))
    feed.onEnd(() => {
      feeds.delete(feed)
      if (feeds.size === 0 && this.#feeds.get(id) === feeds) this.#feeds.delete(id)
    })
    return feed
  }

  publish(id: string, event: ConversationEvent): void {
    for (const feed of this.#feeds.get(id) ?? []) feed.push(event)
  }

  /** Tells of a turn as it is now. */
  publishTurn({ conversationId, turnId }: TurnPlace): void {
    if (this.#feeds.has(conversationId))
      this.publish(conversationId, { kind: 'turn', turn: this.#read.turn(turnId) })
  }

  /** Tells of all of a conversation as it is now. */
  publishSnapshot(id: string): void {
    if (this.#feeds.has(id)) this.publish(id, { kind: 'snapshot', conversation: this.#read.conversation(id) })
  }

  /** Gives a watcher all turns before one, some at a time. */
  #sendBefore(
    turn: Turn | undefined,
    { feed, pauseMs }: { readonly feed: Feed<ConversationEvent>; readonly pauseMs: number },
  ): void {
    if (turn?.parentId == null) return
    const timer = setTimeout(() => {
      try {
        const turns = this.#read.before(turn, earlierTurns)
        if (turns.length === 0) return
        feed.push({ kind: 'earlier', turns })
        this.#sendBefore(turns[0], { feed, pauseMs: earlierPauseMs.next })
      } catch (error) {
        this.#read.onDefect(error)
      }
    }, pauseMs)
    feed.onEnd(() => clearTimeout(timer))
  }

  /** Tells that a conversation is deleted, and lets its watchers go. */
  publishDeleted(id: string): void {
    this.publish(id, { kind: 'deleted' })
    for (const feed of this.#feeds.get(id) ?? []) feed.end()
    this.#feeds.delete(id)
  }

  /** Lets all watchers go. */
  [Symbol.dispose](): void {
    for (const feeds of this.#feeds.values()) for (const feed of feeds) feed.end()
    this.#feeds.clear()
    // Who comes now gets nothing: the database may be closed before earlier turns are read.
    this.#closing.abort()
  }
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
    case 'earlier':
      return [...queued, event]
    case 'asking':
    case 'summary':
      return [...queued.filter(({ kind }) => kind !== event.kind), event]
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
