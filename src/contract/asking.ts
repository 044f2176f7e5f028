import { z } from 'zod'
import { jsonSchemaTextSchema } from './json-schema.ts'
import { samplingSchema } from './sampling.ts'

const fields = {
  /** What models read before the first message; null: nothing. */
  instructions: z.string().min(1).max(200_000).nullable(),
  /** Goes before the model's own. */
  sampling: samplingSchema,
  /** A JSON schema, as it was typed, that every answer follows; null: answers are free. */
  jsonSchema: jsonSchemaTextSchema.nullable(),
  /** Auto: for each turn a router says which model answers it. */
  isAuto: z.boolean(),
  /** Each answer is checked by the verifier, and repaired where it fails; null: as the settings say. */
  isVerified: z.boolean().nullable(),
}

/** How a conversation's models are asked, beside its messages. */
export const askingSchema = z.object({
  ...fields,
  // Older files and rows know nothing of these.
  isAuto: fields.isAuto.default(false),
  isVerified: fields.isVerified.default(null),
})
export type Asking = z.infer<typeof askingSchema>

/** A change of it: what is absent stays. No defaults, so that nothing is changed unasked. */
export const askingChangesSchema = z.object(fields).partial()
export type AskingChanges = z.infer<typeof askingChangesSchema>

/** What a change says, on top of what was there. */
export function withAsking(asking: Asking, changes: AskingChanges): Asking {
  return {
    ...asking,
    ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
  }
}

/** Nothing but the messages. */
export const plainAsking: Asking = {
  ...{ instructions: null, sampling: {}, jsonSchema: null },
  ...{ isAuto: false, isVerified: null },
}

/** The way of asking of a preset, without its name. */
export function askingOf({ instructions, sampling, jsonSchema, isAuto, isVerified }: Asking): Asking {
  return { instructions, sampling, jsonSchema, isAuto, isVerified }
}

/** A named way of asking, to be used again. */
export const presetSchema = z.object({
  id: z.string().min(1),
  name: z.string().trim().min(1).max(80),
  ...askingSchema.shape,
})
export type Preset = z.infer<typeof presetSchema>
