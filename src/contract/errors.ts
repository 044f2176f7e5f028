import { z } from 'zod'

/** Every way in which a request to Plenum can fail. Programs read these codes. */
export const errorCodeSchema = z.enum([
  /** The input does not have the asked-for form. */
  'BAD_INPUT',
  /** Nothing with that id, or no file at that path. */
  'NOT_FOUND',
  /** The file is not a model that can be used: not a GGUF, cut short, unsupported, hostile. */
  'BAD_MODEL_FILE',
  /** The pool has no room, and nothing that may leave makes enough. Details hold the remedies. */
  'NO_ROOM',
  /** The model is in use, and the request would take it away. */
  'MODEL_BUSY',
  /** The backend refused to load or run the model. */
  'MODEL_FAILED',
  /** The model's process ended by itself or was killed. */
  'MODEL_CRASHED',
  /** The model's context holds no more tokens. */
  'CONTEXT_FULL',
  /** The disk has no room for what was to be written. */
  'DISK_FULL',
  /** The host cannot do this (a file dialog in a browser, for example). */
  'NOT_SUPPORTED',
  /** The token, the host name or the origin of a request is not allowed. */
  'FORBIDDEN',
  /** A defect of Plenum. */
  'INTERNAL',
])
export type ErrorCode = z.infer<typeof errorCodeSchema>

/** Something that the user could do to make room, and what it would free. */
export const remedySchema = z.object({
  kind: z.enum(['unpin', 'wait', 'unload', 'shorten', 'kvType']),
  /** The model to act on; absent for `shorten` and `kvType` (a q8_0 KV cache), which act on the model that is asked for. */
  modelId: z.string().optional(),
  name: z.string(),
  freesBytes: z.number(),
  /** The context size in tokens that would fit; for `kvType` only where the context has to be shorter as well. */
  contextTokens: z.number().int().optional(),
})
export type Remedy = z.infer<typeof remedySchema>

/** What the screen shows beside an error's message. */
export const errorDetailsSchema = z.object({
  /** One sentence on what would help. */
  help: z.string().optional(),
  path: z.string().optional(),
  modelId: z.string().optional(),
  neededBytes: z.number().optional(),
  freeBytes: z.number().optional(),
  /** For `CONTEXT_FULL`: what the conversation and room for an answer take, and what there is. */
  neededTokens: z.number().int().optional(),
  contextTokens: z.number().int().optional(),
  remedies: z.array(remedySchema).optional(),
})
export type ErrorDetails = z.infer<typeof errorDetailsSchema>

/** An error as plain data: kept with a turn, a library entry or a resident, and sent over the contract. */
export const problemSchema = z.object({
  code: errorCodeSchema,
  message: z.string(),
  details: errorDetailsSchema,
})
export type Problem = z.infer<typeof problemSchema>

/**
 * The one error that Plenum throws. The message says what was tried, then the facts:
 * `Cannot load "qwen3-30b": needs 41.2 GB, 18.0 GB is free`.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details ?? {}
  }
}

/** The plain data of any thrown value; what is no AppError becomes `INTERNAL` with its message. */
export function toProblem(error: unknown): Problem {
  if (error instanceof AppError) return { code: error.code, message: error.message, details: error.details }
  const received = problemSchema.safeParse(
    error instanceof Error && 'code' in error && 'data' in error
      ? { code: error.code, message: error.message, details: error.data ?? {} }
      : undefined,
  )
  if (received.success) return received.data
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), details: {} }
}

/** The error of a problem that was kept or received. */
export function fromProblem(problem: Problem): AppError {
  return new AppError(problem.code, problem.message, { details: problem.details })
}
