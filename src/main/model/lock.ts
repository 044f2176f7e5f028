/** Lets one holder in at a time, in order of asking. */
export class Lock {
  #last: Promise<null> = Promise.resolve(null)

  /** Resolves when it is this caller's turn; dispose what it returns to let the next one in. */
  async acquire(): Promise<Disposable> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<null>()
    this.#last = promise
    await before
    return { [Symbol.dispose]: () => resolve(null) }
  }
}
