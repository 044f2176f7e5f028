import type { Pausable } from '../core/arbiter.ts'
import { orLeave } from './model-lease.ts'

/** Lets one answer stand still while others decode: before it has begun it does not begin, and then its context is told. */
export class AnswerPause implements Pausable {
  /** How the answer stands still that has begun. */
  #answer: Pausable | null = null
  #held: PromiseWithResolvers<null> | null = null

  /** Waits until the answer may begin, and asks `answer` from then on until the result is disposed. Rejects with the signal's reason. */
  async begin(answer: Pausable, signal: AbortSignal | undefined): Promise<Disposable> {
    while (this.#held) await orLeave(this.#held.promise, signal)
    this.#answer = answer
    return {
      [Symbol.dispose]: () => {
        // The context's next answer is another one's.
        if (this.#held) answer.resume()
        this.#answer = null
      },
    }
  }

  async pause(): Promise<void> {
    this.#held ??= Promise.withResolvers()
    await this.#answer?.pause()
  }

  resume(): void {
    this.#held?.resolve(null)
    this.#held = null
    this.#answer?.resume()
  }
}
