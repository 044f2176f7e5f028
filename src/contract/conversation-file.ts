import { z } from 'zod'
import { answerStateSchema, answerStatsSchema } from './conversation.ts'

/** What the files say that they are. */
export const fileFormat = 'plenum-conversations'
/** Grows when older versions of Plenum could no longer read what newer ones write. What is only added needs no new version. */
export const fileVersion = 1

const id = z.string().min(1).max(200)
/** Milliseconds since 1970. */
const time = z.number().int().min(0).max(8_640_000_000_000_000)

/** An answer in a file. Further fields are those of an answer's row; what a version of Plenum does not know it leaves out. */
export const exportedAnswerSchema = z.looseObject({
  id,
  modelId: z.string().max(1000),
  modelName: z.string().max(1000),
  text: z.string(),
  state: answerStateSchema,
  stats: answerStatsSchema.nullable(),
  createdAt: time,
})
export type ExportedAnswer = z.infer<typeof exportedAnswerSchema>

/** A turn in a file: of the whole tree, not only of the shown path. */
export const exportedTurnSchema = z.looseObject({
  id,
  /** The turn that it builds on, in the same conversation; null for the first one and its other versions. */
  parentId: id.nullable(),
  /** The answer of that turn that it hangs on; without it the chosen one. */
  parentAnswerId: id.nullish(),
  text: z.string(),
  /** One of its answers: the one that the path goes on from. */
  chosenAnswerId: id,
  createdAt: time,
  answers: z.array(exportedAnswerSchema).min(1),
})
export type ExportedTurn = z.infer<typeof exportedTurnSchema>

/** A conversation in a file. */
export const exportedConversationSchema = z.looseObject({
  id,
  title: z.string().min(1).max(2000),
  /** The user gave the title; else a first message gives another one. */
  isTitled: z.boolean(),
  isPinned: z.boolean(),
  isArchived: z.boolean(),
  createdAt: time,
  updatedAt: time,
  /** The last turn of the path that is shown; null without any. */
  shownTurnId: id.nullable(),
  turns: z.array(exportedTurnSchema),
})
export type ExportedConversation = z.infer<typeof exportedConversationSchema>

/** A file of conversations, as Plenum writes and reads it. */
export const conversationFileSchema = z.object({
  format: z.literal(fileFormat),
  version: z.literal(fileVersion),
  exportedAt: time,
  conversations: z.array(exportedConversationSchema),
})
export type ConversationFile = z.infer<typeof conversationFileSchema>

/** What an import brought in, and what not. */
export const importResultSchema = z.object({
  source: z.enum(['plenum', 'open-webui']),
  conversations: z.number().int(),
  turns: z.number().int(),
  /** Those that came in, so that it can be taken back. */
  ids: z.array(z.string()),
  /** Not brought in, because they are here already with the same texts. */
  known: z.number().int(),
  /** Not brought in, and why. */
  leftOut: z.array(z.object({ title: z.string(), reason: z.string() })),
  /** What could not come along with the others, in plain words: "3 images". */
  notes: z.array(z.string()),
})
export type ImportResult = z.infer<typeof importResultSchema>

/** How far an import is. */
export const importEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('writing'), done: z.number().int(), of: z.number().int() }),
  z.object({ kind: z.literal('done'), result: importResultSchema }),
])
export type ImportEvent = z.infer<typeof importEventSchema>
