import { mapEventIterator, ORPCError } from '@orpc/client'
import type { ErrorCode } from './errors.ts'
import { AppError, toProblem } from './errors.ts'

/**
 * The form in which an error crosses oRPC: its code, its message, and its details as data. What is no `AppError` becomes `INTERNAL`.
 * `statuses` are those that the contract gives its errors: oRPC takes an error with another status for an undeclared one.
 */
export function toRpcError(
  error: unknown,
  statuses: Readonly<Partial<Record<ErrorCode, number>>> = {},
): ORPCError<ErrorCode, unknown> {
  const { code, message, details } = toProblem(inputError(error) ?? error)
  const status = statuses[code]
  return new ORPCError(code, {
    message,
    data: details,
    cause: error,
    ...(status === undefined ? {} : { status }),
  })
}

/** What `toRpcError` sent, as it was thrown. */
export function fromRpcError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const { code, message, details } = toProblem(error)
  return new AppError(code, message, { details, cause: error })
}

/**
 * An oRPC interceptor (`clientInterceptors` of a handler, `interceptors` of a link) that puts every error through `mapError`:
 * those of calls, and those that end an event iterator.
 */
export function mapRpcErrors(mapError: (error: unknown) => unknown) {
  return async ({ next }: { next: () => Promise<unknown> }): Promise<unknown> => {
    try {
      const output = await next()
      if (!isAsyncIterator(output)) return output
      return mapEventIterator(output, {
        value: async (value) => value,
        error: async (error) => mapError(error),
      })
    } catch (error) {
      throw mapError(error)
    }
  }
}

/** oRPC's own error for input that does not fit the contract, in our words. */
function inputError(error: unknown): AppError | undefined {
  if (!(error instanceof ORPCError) || error.code !== 'BAD_REQUEST') return undefined
  const { issues = [] } = (error.data ?? {}) as {
    issues?: readonly { path?: readonly unknown[]; message: string }[]
  }
  const facts = issues.map(({ path = [], message }) =>
    path.length > 0 ? `"${path.join('.')}": ${message}` : message,
  )
  return new AppError('BAD_INPUT', [error.message, facts.join(', ')].filter(Boolean).join(': '), {
    cause: error,
  })
}

function isAsyncIterator(value: unknown): value is AsyncIterator<unknown, unknown, void> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
}
