import { z } from 'zod'
import { askingSchema } from './asking.ts'
import { attachmentKindSchema, maxAttachmentCharacters } from './attachment.ts'
import { answerSchema, answerStateSchema, answerStatsSchema } from './conversation.ts'
import { routingDecisionSchema, verificationSchema } from './routing.ts'
import { resolvedSamplingSchema } from './sampling.ts'

/** What the files say that they are. */
export const fileFormat = 'plenum-conversations'
/** Grows when older versions of Plenum could no longer read what newer ones write. What is only added needs no new version. */
export const fileVersion = 1

const id = z.string().min(1).max(200)
/** Milliseconds since 1970. */
const time = z.number().int().min(0).max(8_640_000_000_000_000)

/** A text that goes with messages, in a file. */
export const exportedAttachmentSchema = z.looseObject({
  id,
  name: z.string().min(1).max(1000),
  kind: attachmentKindSchema,
  text: z.string().max(maxAttachmentCharacters),
  /** It was cut: so long it was before, in UTF-16 units. */
  cutFrom: z.number().int().min(0).nullish(),
})
export type ExportedAttachment = z.infer<typeof exportedAttachmentSchema>

/** An answer in a file. Further fields are those of an answer's row; what a version of Plenum does not know it leaves out. */
export const exportedAnswerSchema = z.looseObject({
  id,
  modelId: z.string().max(1000),
  modelName: z.string().max(1000),
  text: z.string(),
  state: answerStateSchema,
  stats: answerStatsSchema.nullable(),
  /** The same for all answers that were asked for at once. */
  askedTogetherId: id.nullish(),
  /** As the model wrote it, where the user has changed the text. */
  writtenText: z.string().nullish(),
  /** The turn that follows it where it was last shown. */
  nextTurnId: id.nullish(),
  /** The oldest turn that the model read for it, where it did not read all. */
  memoryStartsAt: id.nullish(),
  /** With it: 1 when the very first turn was read as well. */
  memoryKeepsFirst: z.number().int().min(0).max(1).nullish(),
  sampling: resolvedSamplingSchema.nullish(),
  isJson: z.boolean().optional(),
  thoughts: answerSchema.shape.thoughts.nullable(),
  routing: routingDecisionSchema.nullish(),
  verification: verificationSchema.nullish(),
  /** The answer of the same turn that this one repairs. */
  repairsAnswerId: id.nullish(),
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
  /** Of several models that were asked at once none was kept yet. */
  isUndecided: z.boolean().optional(),
  /** Of the conversation's attachments those that go with this message, in their order. */
  attachmentIds: z.array(id).optional(),
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
  /** How its models are asked. What cannot be understood counts as nothing said. */
  asking: askingSchema.nullish().catch(null),
  attachments: z.array(exportedAttachmentSchema).optional(),
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
