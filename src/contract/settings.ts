import { z } from 'zod'

/** Everything the user can set for the whole app. Each has a default; stored values that no longer fit fall back to it. */
export const settingsSchema = z.object({
  /** Size of the pool in bytes; null: what the machine has. */
  poolSizeBytes: z.number().int().positive().nullable().default(null).catch(null),
  /** Never given to models, in bytes; null: a sixteenth of the pool, at least 512 MB and at most 8 GB. */
  reserveBytes: z.number().int().min(0).nullable().default(null).catch(null),
  /** Which idle models leave first when room is needed. */
  evictionPolicy: z.enum(['cost', 'lru', 'lru_access']).default('cost').catch('cost'),
  /** Unload a model that was idle this long, in minutes; null: never. */
  idleUnloadMinutes: z.number().positive().nullable().default(null).catch(null),
  /** Load the residents of the last session at start: ask first, always, or never. */
  restoreResidents: z.enum(['ask', 'always', 'never']).default('ask').catch('ask'),
  /** A dropped model for which nobody has to leave is loaded at once. */
  loadOnDrop: z.boolean().default(true).catch(true),
  /** Folders that are searched for GGUF files and watched. */
  modelFolders: z.array(z.string()).default([]).catch([]),
  /** Use the models that LM Studio, Ollama and the Hugging Face cache keep on this machine. */
  findOtherApps: z.boolean().default(true).catch(true),
  /** CPU threads for each model; null: one less than the cores. */
  threads: z.number().int().min(1).max(1024).nullable().default(null).catch(null),
  /** Context size of a conversation when a model says nothing else, in tokens; the training context is the upper limit. */
  contextTokens: z.number().int().min(64).max(16_777_216).default(4096).catch(4096),
})
export type Settings = z.infer<typeof settingsSchema>
