import { z } from 'zod'
import { problemSchema } from './errors.ts'

/** Why an answer ended. */
export const stopReasonSchema = z.enum(['end', 'max-tokens', 'context-full', 'stopped', 'crashed', 'failed'])
export type StopReason = z.infer<typeof stopReasonSchema>

/** What an answer cost. */
export const answerStatsSchema = z.object({
  /** Tokens of the whole path to this answer. */
  promptTokens: z.number().int(),
  /** Of these, how many the model had in its KV cache and did not read again. */
  reusedTokens: z.number().int(),
  generatedTokens: z.number().int(),
  /** From the start of the turn on the model (not counting loading) to the first token. */
  timeToFirstTokenMs: z.number(),
  /** Decoding speed, first token not counted; null with fewer than two tokens. */
  tokensPerSecond: z.number().nullable(),
})
export type AnswerStats = z.infer<typeof answerStatsSchema>

/** Where an answer is: waiting for the model, being read into it, being written, or ended. */
export const answerStateSchema = z.discriminatedUnion('kind', [
  /** The model loads or is busy with another turn; `reason` says which, in plain words. */
  z.object({ kind: z.literal('waiting'), reason: z.string() }),
  z.object({ kind: z.literal('reading'), readTokens: z.number().int(), promptTokens: z.number().int() }),
  z.object({ kind: z.literal('writing') }),
  z.object({ kind: z.literal('done'), stopReason: stopReasonSchema }),
  /** Cut short by a crash or an error; the text so far is kept. */
  z.object({ kind: z.literal('interrupted'), problem: problemSchema }),
])
export type AnswerState = z.infer<typeof answerStateSchema>

/** One model's answer to a turn. */
export const answerSchema = z.object({
  id: z.string(),
  modelId: z.string(),
  /** The model's name at that time, also when it has left the library. */
  modelName: z.string(),
  text: z.string(),
  state: answerStateSchema,
  stats: answerStatsSchema.nullable(),
  /** When each thought in its text began, and how long it took in milliseconds: null while it lasts. Absent where nobody measured. */
  thoughts: z.array(z.object({ startedAt: z.number(), ms: z.number().nullable() })).optional(),
  /** The conversation no longer fitted into the model's context: this turn is the oldest that the model read for this answer. */
  memoryStartsAtTurnId: z.string().optional(),
  /** With it: the very first turn was read as well. */
  memoryKeepsFirstTurn: z.boolean().optional(),
  createdAt: z.number(),
})
export type Answer = z.infer<typeof answerSchema>

/** A user's message and its answers; a conversation is a tree of turns. */
export const turnSchema = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  text: z.string(),
  /** In order of asking; sending again after an error adds one. */
  answers: z.array(answerSchema).min(1),
  /** The answer that later turns build on. */
  chosenAnswerId: z.string(),
  createdAt: z.number(),
})
export type Turn = z.infer<typeof turnSchema>

/** A conversation in the list. */
export const conversationSummarySchema = z.object({
  id: z.string(),
  title: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
  turnCount: z.number().int(),
  /** The model of the last answer: chosen again when the conversation is opened. */
  lastModelId: z.string().nullable(),
})
export type ConversationSummary = z.infer<typeof conversationSummarySchema>

/** A whole conversation: the path from its first turn to the one that is shown. */
export const conversationSchema = conversationSummarySchema.extend({ turns: z.array(turnSchema) })
export type Conversation = z.infer<typeof conversationSchema>

/** What a watcher of a conversation receives: first a snapshot, then what changes. */
export const conversationEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('snapshot'), conversation: conversationSchema }),
  /** A turn is new or has changed in more than its text. */
  z.object({ kind: z.literal('turn'), turn: turnSchema }),
  /** Text to append; `at` is the length of the answer before it, so that a gap is noticed. */
  z.object({
    kind: z.literal('text'),
    turnId: z.string(),
    answerId: z.string(),
    at: z.number().int(),
    text: z.string(),
  }),
  z.object({ kind: z.literal('deleted') }),
])
export type ConversationEvent = z.infer<typeof conversationEventSchema>
