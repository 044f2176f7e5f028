import type { ConversationListEvent, ConversationSummary } from '../../contract/conversation.ts'
import { Feed, frameMs } from './frames.ts'

/** Where the list reads. */
type Rows = {
  readonly summaries: () => ConversationSummary[]
  readonly summary: (id: string) => ConversationSummary | undefined
}

/** The list of conversations as watchers see it: all of it once, then only what changes, so that a long list costs nothing. */
export class ConversationList implements Disposable {
  readonly #rows: Rows
  readonly #feeds = new Set<Feed<ConversationListEvent>>()
  readonly #changedIds = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** The list now, then what changes of it, at most ten times a second, until `signal` aborts. */
  watch(signal?: AbortSignal): Feed<ConversationListEvent> {
    const feed = new Feed<ConversationListEvent>({ merge: mergeEvents, signal })
    feed.push({ kind: 'all', conversations: this.#rows.summaries() })
    this.#feeds.add(feed)
    feed.onEnd(() => void this.#feeds.delete(feed))
    return feed
  }

  /** Says that conversations are new, changed or gone. */
  tell(...ids: readonly string[]): void {
    if (this.#feeds.size === 0) return
    for (const id of ids) this.#changedIds.add(id)
    if (this.#timer) return
    this.#timer = setTimeout(() => this.#send(), frameMs)
  }

  /** Lets all watchers go. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const feed of [...this.#feeds]) feed.end()
  }

  #send(): void {
    this.#timer = undefined
    const ids = [...this.#changedIds]
    this.#changedIds.clear()
    if (this.#feeds.size === 0) return
    const changed = ids.flatMap((id) => this.#rows.summary(id) ?? [])
    const there = new Set(changed.map(({ id }) => id))
    const removedIds = ids.filter((id) => !there.has(id))
    for (const feed of this.#feeds) feed.push({ kind: 'changes', changed, removedIds })
  }
}

/** A slow watcher gets one event with the last state of everything. */
function mergeEvents(
  queued: readonly ConversationListEvent[],
  event: ConversationListEvent,
): ConversationListEvent[] {
  const [before] = queued
  if (!before || event.kind === 'all') return [event]
  const older = before.kind === 'all' ? before.conversations : before.changed
  const ids = new Set([...event.changed.map(({ id }) => id), ...event.removedIds])
  const joined = [...older.filter(({ id }) => !ids.has(id)), ...event.changed]
  if (before.kind === 'all') return [{ kind: 'all', conversations: joined }]
  const there = new Set(joined.map(({ id }) => id))
  const removedIds = [...new Set([...before.removedIds, ...event.removedIds])].filter((id) => !there.has(id))
  return [{ kind: 'changes', changed: joined, removedIds }]
}
