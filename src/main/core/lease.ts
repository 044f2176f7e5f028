/**
 * The right to use a resident model: as long as one is held, the model is not evicted. Disposing gives it back;
 * twice, or after it became void, is harmless.
 */
export interface Lease extends Disposable {
  readonly modelId: string
  /**
   * Aborted when the lease becomes void because the model left under it: with the problem's `AppError` when its process
   * died, with an `AbortError` when it was unloaded by force. Not by disposing.
   */
  readonly signal: AbortSignal
}

/** A lease as its issuer holds it. */
export class IssuedLease implements Lease {
  readonly modelId: string
  readonly #controller = new AbortController()
  #onRelease: (() => void) | null

  constructor(modelId: string, onRelease: () => void) {
    this.modelId = modelId
    this.#onRelease = onRelease
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The model is gone: the holder is told, and disposing does nothing any more. */
  revoke(reason: Error): void {
    this.#onRelease = null
    this.#controller.abort(reason)
  }

  [Symbol.dispose](): void {
    const onRelease = this.#onRelease
    this.#onRelease = null
    onRelease?.()
  }
}

/** The reason of a wait, a load or a lease that was ended on purpose; never reported as a failure. */
export function abortError(message: string): Error {
  const error = new Error(message)
  error.name = 'AbortError'
  return error
}
