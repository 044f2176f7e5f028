import { AppError } from '../../contract/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { ResidentModel } from './resident-model.ts'
import type { ModelLease } from './turns.ts'

/** The right to let a resident model answer, with the model at hand. */
export function leaseModel(
  lease: Lease,
  model: ResidentModel,
  options: { readonly name: string; readonly onWait: (reason: string) => void },
): ModelLease {
  const { name, onWait } = options
  return {
    async *generate(conversationId, messages, { signal, keepsRoom }) {
      try {
        yield* model.generate(conversationId, messages, { signal, keepsRoom, onWait })
      } catch (error) {
        throw lease.signal.aborted && isAbortError(lease.signal.reason) ? takenAwayError(name) : error
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

/** Whether something was ended on purpose. */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Waits for `promise`, but no longer than until `signal` aborts; then rejects with its reason. */
export async function orLeave(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise: left, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason as Error)
  signal.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([promise, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
