import { z } from 'zod'

/** What a text was before it was attached. */
export const attachmentKindSchema = z.enum(['text', 'pdf', 'pasted'])

/** A text that goes with a message; the text itself is fetched by a call of its own. */
export const attachmentSchema = z.object({
  id: z.string(),
  /** The file's name, or what stands for it. */
  name: z.string(),
  kind: attachmentKindSchema,
  /** Length of its text, in UTF-16 units. */
  characters: z.number().int(),
  /** It was cut: so long it was before. */
  cutFromCharacters: z.number().int().optional(),
})
export type Attachment = z.infer<typeof attachmentSchema>

/** Longest text of one attachment, in UTF-16 units. */
export const maxAttachmentCharacters = 5_000_000
/** Largest file that is looked at for its text: with base64 around it, it fits through the WebSocket. */
export const maxAttachmentBytes = 20 * 2 ** 20

/** What sending a draft would cost with a model. */
export const turnCostSchema = z.object({
  /** Tokens of the whole path with the draft, as the model would read them. */
  promptTokens: z.number().int(),
  /** Of these, what it holds in memory or on disk and does not read again. */
  reusedTokens: z.number().int(),
  /** Tokens of the draft without the turns before it: what has to fit into a context in any case. */
  aloneTokens: z.number().int(),
  /** By the model's own tokenizer; else judged by the number of letters. */
  isExact: z.boolean(),
  /** Judged for now: its tokenizer is being read, and whoever asks again hears what that counts. */
  isProvisional: z.literal(true).optional(),
  /** Tokens that the model has held of this conversation and could not use for this: the path or the instructions have changed. */
  lostTokens: z.number().int(),
  /** Tokens of each attachment by itself, in order. */
  attachmentTokens: z.array(z.number().int()),
  /** Tokens that a conversation with this model may have. */
  contextTokens: z.number().int(),
  /** Seconds until the first token, from the reading speed measured last; null before one was. */
  readingSeconds: z.number().nullable(),
  /** Seconds that the last load took; null when it is in memory or was never loaded. */
  loadingSeconds: z.number().nullable(),
})
export type TurnCost = z.infer<typeof turnCostSchema>
