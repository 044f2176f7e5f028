import { z } from 'zod'

/** A piece of a text that is shown with a hit; `isHit` is what was looked for. */
export const textPieceSchema = z.object({ text: z.string(), isHit: z.boolean() })
export type TextPiece = z.infer<typeof textPieceSchema>

/** A place where something was found. */
export const searchHitSchema = z.object({
  kind: z.enum(['title', 'message', 'answer', 'attachment']),
  conversationId: z.string(),
  /** The conversation's title. */
  title: z.array(textPieceSchema),
  isArchived: z.boolean(),
  /** Null for a title. */
  turnId: z.string().nullable(),
  /** Of an answer. */
  answerId: z.string().nullable(),
  /** Of an answer: who gave it. */
  modelName: z.string().nullable(),
  /** The attachment that it is in: it goes with the message of the turn. */
  attachment: z.object({ id: z.string(), name: z.string() }).nullable(),
  /** When it was written, in milliseconds since 1970; for a title when the conversation was last used. */
  at: z.number(),
  /** The text around the hit, on one line; empty for a title. */
  snippet: z.array(textPieceSchema),
})
export type SearchHit = z.infer<typeof searchHitSchema>

/** What a search found: titles first, then texts, the newest first. */
export const searchResultSchema = z.object({
  hits: z.array(searchHitSchema),
  /** There are more than were asked for. */
  hasMore: z.boolean(),
})
export type SearchResult = z.infer<typeof searchResultSchema>

/** A message or answer of the shown path that holds what was looked for. */
export const foundPlaceSchema = z.object({
  turnId: z.string(),
  /** Null for the message. */
  answerId: z.string().nullable(),
  /** How often, at most a thousand times; an attachment of the message that holds it counts once. */
  count: z.number().int(),
})
export type FoundPlace = z.infer<typeof foundPlaceSchema>
