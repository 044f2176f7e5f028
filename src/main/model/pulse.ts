import { setTimeout } from 'node:timers/promises'

/** The host takes ten seconds of silence for a process that hangs. */
const pulseMs = 1000

/** Signs of life, about one a second for as long as the event loop turns and somebody listens. */
export async function* pulse(signal?: AbortSignal): AsyncGenerator<{ uptimeMs: number }, void, void> {
  while (signal?.aborted !== true) {
    yield { uptimeMs: Math.round(performance.now()) }
    await setTimeout(pulseMs, null, signal && { signal }).catch(() => null)
  }
}
