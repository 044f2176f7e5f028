/** How often watchers of a state are told, at most: ten times a second. */
export const frameMs = 100

/**
 * A state as a stream: its value now, and after changes its latest value, at most once in `everyMs`; what a slow reader
 * has missed is left out. Ends when `signal` aborts or the reader leaves. `subscribe` gets a function to call at each
 * change and returns its unsubscribe.
 */
export function watchState<T>(options: {
  read: () => T
  subscribe: (onChange: () => void) => () => void
  signal?: AbortSignal | undefined
  everyMs?: number
}): AsyncIteratorObject<T, undefined, undefined> {
  const { read, subscribe, signal, everyMs = frameMs } = options
  const feed = new Feed<T>({ merge: (_queued, value) => [value], signal })
  feed.push(read())
  let sentAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  const send = () => {
    timer = undefined
    sentAt = performance.now()
    feed.push(read())
  }
  const unsubscribe = subscribe(() => {
    timer ??= setTimeout(send, Math.max(0, sentAt + everyMs - performance.now()))
  })
  feed.onEnd(() => {
    unsubscribe()
    clearTimeout(timer)
  })
  return feed
}

/**
 * Values on their way to one reader. `merge` puts a new value behind those that wait, and may drop or join some, so that a
 * slow reader costs no more memory than the state itself. Ends when `end` is called, `signal` aborts, or the reader returns;
 * a reader that waits is let go at once.
 */
export class Feed<T> implements AsyncIteratorObject<T, undefined, undefined> {
  readonly #merge: (queued: readonly T[], value: T) => readonly T[]
  readonly #enders: (() => void)[] = []
  #queued: readonly T[] = []
  #readers: ((result: IteratorResult<T, undefined>) => void)[] = []
  #ended = false

  constructor(options: {
    merge?: (queued: readonly T[], value: T) => readonly T[]
    signal?: AbortSignal | undefined
  }) {
    const { merge, signal } = options
    this.#merge = merge ?? ((queued, value) => [...queued, value])
    if (!signal) return
    if (signal.aborted) this.#end()
    const leave = () => this.#end()
    signal.addEventListener('abort', leave, { once: true })
    this.onEnd(() => signal.removeEventListener('abort', leave))
  }

  /** Gives a value to the reader, or queues it. After the end it is dropped. */
  push(value: T): void {
    if (this.#ended) return
    const reader = this.#readers.shift()
    if (reader) reader({ done: false, value })
    else this.#queued = this.#merge(this.#queued, value)
  }

  /** Ends the stream after the values that wait. */
  end(): void {
    const queued = this.#queued
    this.#end()
    this.#queued = queued
  }

  /** Calls `listener` once when the stream has ended, at once when it has. */
  onEnd(listener: () => void): void {
    if (this.#ended) listener()
    else this.#enders.push(listener)
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const [value, ...rest] = this.#queued
    if (value !== undefined) {
      this.#queued = rest
      return { done: false, value }
    }
    if (this.#ended) return { done: true, value: undefined }
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #end(): void {
    this.#queued = []
    if (this.#ended) return
    this.#ended = true
    for (const reader of this.#readers) reader({ done: true, value: undefined })
    this.#readers = []
    for (const ender of this.#enders) ender()
  }
}
