/** Time as core sees it, so that tests can hold it still. */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls back once after `delayMs`; disposing before that prevents it. `delayMs` is at most `longestTimerMs`. */
  setTimer(delayMs: number, callback: () => void): Disposable
}

/** Timers of JavaScript hosts count in a signed 32-bit number; a longer one fires at once. */
export const longestTimerMs = 2 ** 31 - 1
