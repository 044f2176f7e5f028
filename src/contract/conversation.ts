import { z } from 'zod'
import { askingSchema } from './asking.ts'
import { attachmentSchema } from './attachment.ts'
import { problemSchema } from './errors.ts'
import { routingDecisionSchema, verificationSchema } from './routing.ts'
import { draftKindSchema } from './model.ts'
import { resolvedSamplingSchema } from './sampling.ts'

/** As many models as one turn may be asked of at once. */
export const mostAnswerers = 4

/** Why an answer ended. `stop-text`: it came to a text that was to end it. `repetition`: it had begun to repeat itself without end. */
export const stopReasonSchema = z.enum([
  ...(['end', 'stop-text', 'repetition', 'max-tokens', 'context-full'] as const),
  ...(['stopped', 'crashed', 'failed'] as const),
])
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
  /** What wrote ahead: looking up in the conversation, or a draft model of this name. Absent where nothing was drafted. */
  draft: z
    .object({
      kind: draftKindSchema,
      name: z.string().optional(),
      proposedTokens: z.number().int(),
      acceptedTokens: z.number().int(),
    })
    .optional(),
})
export type AnswerStats = z.infer<typeof answerStatsSchema>

/** Where an answer is: waiting for the model, being read into it, being written, or ended. */
export const answerStateSchema = z.discriminatedUnion('kind', [
  /**
   * The model loads or is busy with another turn; `reason` says which, in plain words. `isRouting`: Auto has not found the model yet, and the
   * answer's is the one that answers where nobody better is found.
   */
  z.object({ kind: z.literal('waiting'), reason: z.string(), isRouting: z.boolean().optional() }),
  z.object({ kind: z.literal('reading'), readTokens: z.number().int(), promptTokens: z.number().int() }),
  z.object({ kind: z.literal('writing') }),
  z.object({
    kind: z.literal('done'),
    stopReason: stopReasonSchema,
    /** For `repetition`: the beginning of what is repeated. */
    repeated: z.string().optional(),
  }),
  /** Cut short by a crash or an error; the text so far is kept. */
  z.object({ kind: z.literal('interrupted'), problem: problemSchema }),
])
export type AnswerState = z.infer<typeof answerStateSchema>

/** Whether an answer could go on: something ended it before it had come to the end that it or the user wanted. */
export function endedEarly(state: AnswerState): boolean {
  if (state.kind === 'done') return state.stopReason !== 'end' && state.stopReason !== 'stop-text'
  return state.kind === 'interrupted'
}

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
  /** The same for all answers that were asked for at once, of several models. */
  askedTogetherId: z.string().optional(),
  /** The text is not as the model wrote it: the user changed it. */
  isEdited: z.boolean().optional(),
  /** How its tokens were chosen; absent for answers from before this was kept. */
  sampling: resolvedSamplingSchema.optional(),
  /** It was held to a JSON schema. */
  isJson: z.boolean().optional(),
  /** Auto found who writes it; absent where the user said so, and until it is found. */
  routing: routingDecisionSchema.optional(),
  /** A verifier has read it, or is to; absent where nobody checks. */
  verification: verificationSchema.optional(),
  /** The answer of the same turn that a verifier found wanting, and that this one repairs. */
  repairsAnswerId: z.string().optional(),
  createdAt: z.number(),
})
export type Answer = z.infer<typeof answerSchema>

/**
 * A user's message and its answers. A conversation is a tree: a turn hangs on one answer of the turn before it. The path on the screen is
 * the path that models read: each turn of it but the last has chosen the answer that the next one hangs on, and nothing hangs on the last one's.
 */
export const turnSchema = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  /** The answer of the parent that this turn hangs on; null for a first turn. */
  parentAnswerId: z.string().nullable(),
  /** All versions of this message, itself included: the turns that hang on the same answer, oldest first. */
  siblingIds: z.array(z.string()),
  text: z.string(),
  /** Texts that go with the message; absent without any. */
  attachments: z.array(attachmentSchema).optional(),
  /** In order of asking; asking again adds one. */
  answers: z.array(answerSchema).min(1),
  /** The answer that the path goes on from. */
  chosenAnswerId: z.string(),
  /** Several models were asked at once and no answer was kept yet: the chosen one is only the first that ended well. */
  isUndecided: z.boolean(),
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
  /** Kept on top of the list. */
  isPinned: z.boolean(),
  /** Kept out of the list, until it gets another message. */
  isArchived: z.boolean(),
})
export type ConversationSummary = z.infer<typeof conversationSummarySchema>

/** What a watcher of the list receives: first all of it, then what changes. */
export const conversationListEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all'), conversations: z.array(conversationSummarySchema) }),
  z.object({
    kind: z.literal('changes'),
    /** New or changed. */
    changed: z.array(conversationSummarySchema),
    removedIds: z.array(z.string()),
  }),
])
export type ConversationListEvent = z.infer<typeof conversationListEventSchema>

/** A whole conversation: the path from its first turn to the one that is shown. */
export const conversationSchema = conversationSummarySchema.extend({
  ...askingSchema.shape,
  turns: z.array(turnSchema),
})
export type Conversation = z.infer<typeof conversationSchema>

/** What a watcher of a conversation receives: first a snapshot, then what changes. */
export const conversationEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('snapshot'), conversation: conversationSchema }),
  /** The turns right before the first one that the watcher has, when its snapshot had only the last ones. */
  z.object({ kind: z.literal('earlier'), turns: z.array(turnSchema).min(1) }),
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
  /** What the list says of it is another now: its title, say. */
  z.object({ kind: z.literal('summary'), summary: conversationSummarySchema }),
  /** Its models are asked in another way from now on. */
  z.object({ kind: z.literal('asking'), asking: askingSchema }),
  z.object({ kind: z.literal('deleted') }),
])
export type ConversationEvent = z.infer<typeof conversationEventSchema>
