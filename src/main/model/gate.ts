/** Where the answers of a context stand still, between two batches, while others have the memory's bandwidth. */
export class Gate {
  #isOpen = true
  /** Answers that have begun and not ended, and how each of those that stand still goes on. */
  #inside = 0
  readonly #still = new Set<() => void>()
  readonly #whenStill: (() => void)[] = []

  /** An answer begins; dispose the result when it has ended. */
  enter(): Disposable {
    this.#inside++
    return {
      [Symbol.dispose]: () => {
        this.#inside--
        this.#tellIfStill()
      },
    }
  }

  /** Ends when no answer is decoded any more; none is until `open`. */
  async close(): Promise<void> {
    this.#isOpen = false
    const { promise, resolve } = Promise.withResolvers<null>()
    this.#whenStill.push(() => resolve(null))
    this.#tellIfStill()
    await promise
  }

  open(): void {
    this.#isOpen = true
    for (const goOn of [...this.#still]) goOn()
  }

  /** Ends at once while the gate is open, else when it opens or a signal aborts; for how long it stood still, in milliseconds. */
  async pass(signals: readonly (AbortSignal | undefined)[]): Promise<number> {
    if (this.#isOpen || signals.some((signal) => signal?.aborted)) return 0
    const { promise, resolve } = Promise.withResolvers<null>()
    const goOn = () => resolve(null)
    const since = performance.now()
    for (const signal of signals) signal?.addEventListener('abort', goOn, { once: true })
    this.#still.add(goOn)
    this.#tellIfStill()
    await promise
    this.#still.delete(goOn)
    for (const signal of signals) signal?.removeEventListener('abort', goOn)
    return performance.now() - since
  }

  #tellIfStill(): void {
    if (this.#inside === this.#still.size) for (const tell of this.#whenStill.splice(0)) tell()
  }
}
