import { z } from 'zod'
import { jsonSchemaTextSchema } from './json-schema.ts'
import { samplingSchema } from './sampling.ts'

/** How a conversation's models are asked, beside its messages. */
export const askingSchema = z.object({
  /** What models read before the first message; null: nothing. */
  instructions: z.string().min(1).max(200_000).nullable(),
  /** Goes before the model's own. */
  sampling: samplingSchema,
  /** A JSON schema, as it was typed, that every answer follows; null: answers are free. */
  jsonSchema: jsonSchemaTextSchema.nullable(),
})
export type Asking = z.infer<typeof askingSchema>

/** A change of it: what is absent stays. */
export const askingChangesSchema = askingSchema.partial()
export type AskingChanges = z.infer<typeof askingChangesSchema>

/** What a change says, on top of what was there. */
export function withAsking(asking: Asking, changes: AskingChanges): Asking {
  return {
    ...asking,
    ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
  }
}

/** Nothing but the messages. */
export const plainAsking: Asking = { instructions: null, sampling: {}, jsonSchema: null }

/** The way of asking of a preset, without its name. */
export function askingOf({ instructions, sampling, jsonSchema }: Asking): Asking {
  return { instructions, sampling, jsonSchema }
}

/** A named way of asking, to be used again. */
export const presetSchema = z.object({
  id: z.string().min(1),
  name: z.string().trim().min(1).max(80),
  ...askingSchema.shape,
})
export type Preset = z.infer<typeof presetSchema>
