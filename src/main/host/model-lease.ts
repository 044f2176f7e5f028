import { AppError } from '../../contract/errors.ts'
import type { Arbiter } from '../core/arbiter.ts'
import type { Lease } from '../core/lease.ts'
import { AnswerPause } from './answer-pause.ts'
import type { AnswerMeter } from './pool-bandwidth.ts'
import type { WritingSpeed } from './measurements.ts'
import type { ResidentModel } from './resident-model.ts'
import type { ModelLease } from './turn-pool.ts'

/** The right to let a resident model answer, with the model at hand. Its answers take their turn to decode with `arbiter`. */
export function leaseModel(
  lease: Lease,
  model: ResidentModel,
  options: {
    readonly name: string
    readonly arbiter: Arbiter
    readonly onWait: (reason: string) => void
    /** Decodes beside other models. */
    readonly runsBeside: boolean
    readonly isBackground: boolean
    /** Hears how long reading has taken. */
    readonly onPrefill: (prefill: { readonly tokens: number; readonly ms: number }) => void
    /** Follows an answer while it is written. Default: nobody does. */
    readonly follow?: () => AnswerMeter
    /** Hears how fast an answer to a conversation was written. */
    readonly onWritten: (speed: WritingSpeed) => void
  },
): ModelLease {
  const { name, arbiter, onWait, runsBeside, isBackground, onPrefill, onWritten } = options
  const turnOf = (signal: AbortSignal) => {
    const pause = isBackground ? new AnswerPause() : undefined
    const enter = async () =>
      arbiter.enter({
        ...{ modelId: lease.modelId, name, runsBeside, onWait, background: pause },
        signal: AbortSignal.any([signal, lease.signal]),
      })
    return { signal, enter, ...(pause && { pause }) }
  }
  const explain = (error: unknown) =>
    lease.signal.aborted && isAbortError(lease.signal.reason) ? takenAwayError(name) : error
  return {
    async *generate(conversationId, messages, { signal, ...how }) {
      const meter = options.follow?.()
      try {
        const answer = { ...how, ...turnOf(signal) }
        for await (const event of model.generate(conversationId, messages, answer)) {
          if (event.kind === 'done' && event.generatedTokens > 0)
            onPrefill({ tokens: event.promptTokens - event.reusedTokens, ms: event.timeToFirstTokenMs })
          meter?.take(event)
          if (event.kind === 'done' && event.tokensPerSecond !== null && conversationId !== null)
            onWritten({ tokensPerSecond: event.tokensPerSecond, answerTokens: event.generatedTokens })
          yield event
        }
      } catch (error) {
        throw explain(error)
      } finally {
        meter?.end()
      }
    },
    async choose(conversationId, messages, choices, { signal, ...how }) {
      try {
        return await model.choose(conversationId, messages, choices, { ...how, ...turnOf(signal) })
      } catch (error) {
        throw explain(error)
      }
    },
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  }
}

/** Why an answer cannot go on when somebody took its model out of memory: not a cancel of the one who asked. */
export function takenAwayError(name: string): AppError {
  return new AppError('MODEL_FAILED', `"${name}" was taken out of memory before it had answered`, {
    details: { help: 'Send the turn again: that loads it' },
  })
}

/** The same of a load that somebody else cancelled. */
export function cancelledLoadError(name: string): AppError {
  return new AppError('MODEL_FAILED', `Loading "${name}" was cancelled: it was taken out of memory`)
}

/** Whether something was ended on purpose. */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Waits for `promise`, but no longer than until `signal` aborts; then rejects with its reason. */
export async function orLeave(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  const { promise: left, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal?.reason as Error)
  signal?.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([promise, left])
  } finally {
    signal?.removeEventListener('abort', leave)
  }
}
