/** Somebody who waits for a turn. */
interface Waiter {
  readonly key: string
  readonly start: () => void
  readonly fail: (error: unknown) => void
  readonly onWait: (ahead: number) => void
}

/** A line for something that only so many can have at once: first come, first served, and one turn at a time for each key. */
export class AnswerLine {
  readonly #places: number
  readonly #running = new Set<string>()
  readonly #waiting: Waiter[] = []
  #closedBy: Error | null = null

  constructor(places: number) {
    this.#places = places
  }

  /** Resolves when it is this key's turn; dispose the result when it is over. `onWait` hears how many are ahead, whenever that changes. */
  async enter(
    key: string,
    options: { signal?: AbortSignal | undefined; onWait?: ((ahead: number) => void) | undefined } = {},
  ): Promise<Disposable> {
    const { signal, onWait = () => undefined } = options
    signal?.throwIfAborted()
    if (this.#closedBy) throw this.#closedBy
    const { promise, resolve, reject } = Promise.withResolvers<null>()
    const waiter: Waiter = { key, start: () => resolve(null), fail: reject, onWait }
    const leave = () => {
      const at = this.#waiting.indexOf(waiter)
      if (at === -1) return
      this.#waiting.splice(at, 1)
      reject(signal?.reason)
      this.#tellPlaces()
    }
    signal?.addEventListener('abort', leave, { once: true })
    this.#waiting.push(waiter)
    this.#advance()
    if (this.#waiting.includes(waiter)) onWait(this.#ahead(waiter))
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
    return {
      [Symbol.dispose]: () => {
        if (this.#running.delete(key)) this.#advance()
      },
    }
  }

  /** Turns away everybody who waits and everybody who comes. */
  close(error: Error): void {
    this.#closedBy ??= error
    for (const waiter of this.#waiting.splice(0)) waiter.fail(error)
  }

  #advance(): void {
    let hasMoved = false
    while (this.#running.size < this.#places) {
      const at = this.#waiting.findIndex(({ key }) => !this.#running.has(key))
      const [waiter] = at === -1 ? [] : this.#waiting.splice(at, 1)
      if (!waiter) break
      this.#running.add(waiter.key)
      waiter.start()
      hasMoved = true
    }
    if (hasMoved) this.#tellPlaces()
  }

  #tellPlaces(): void {
    for (const waiter of this.#waiting) waiter.onWait(this.#ahead(waiter))
  }

  #ahead(waiter: Waiter): number {
    return this.#running.size + this.#waiting.indexOf(waiter)
  }
}
