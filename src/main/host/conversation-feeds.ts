import type { Conversation, ConversationEvent, Turn } from '../../contract/conversation.ts'
import { Feed } from './frames.ts'

/** Where a turn is. */
export type TurnPlace = { readonly conversationId: string; readonly turnId: string }

/** What watchers of conversations receive: each a snapshot first, then what changes. */
export class ConversationFeeds implements Disposable {
  readonly #read: {
    readonly conversation: (id: string) => Conversation
    readonly turn: (id: string) => Turn
  }
  readonly #feeds = new Map<string, Set<Feed<ConversationEvent>>>()

  /** `read` gives what is told of as it is now. */
  constructor(read: { conversation: (id: string) => Conversation; turn: (id: string) => Turn }) {
    this.#read = read
  }

  /** A conversation as it is, then turns and text as they come, until `signal` aborts. Throws `NOT_FOUND`. */
  watch(id: string, signal?: AbortSignal): Feed<ConversationEvent> {
    const feed = new Feed<ConversationEvent>({ merge: mergeEvents, signal })
    feed.push({ kind: 'snapshot', conversation: this.#read.conversation(id) })
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
    case 'asking':
      return [...queued.filter(({ kind }) => kind !== 'asking'), event]
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
