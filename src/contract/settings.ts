import { z } from 'zod'
import { presetSchema } from './asking.ts'

const fields = {
  /** Size of the pool in bytes; null: what the machine has. */
  poolSizeBytes: z.number().int().positive().nullable(),
  /** Never given to models, in bytes; null: a sixteenth of the pool, at least 512 MB and at most 8 GB. */
  reserveBytes: z.number().int().min(0).nullable(),
  /** Which idle models leave first when room is needed. */
  evictionPolicy: z.enum(['cost', 'lru', 'lru_access']),
  /** From this share of the pool on, KV caches that are not used are given back: 0.85 is 85 %. */
  pressureShare: z.number().min(0.1).max(1),
  /** Unload a model that was idle this long, in minutes; null: never. */
  idleUnloadMinutes: z.number().positive().nullable(),
  /** Load the residents of the last session at start: ask first, always, or never. */
  restoreResidents: z.enum(['ask', 'always', 'never']),
  /** A dropped model for which nobody has to leave is loaded at once. */
  loadOnDrop: z.boolean(),
  /** Keep a model process ready for the next load, about 50 MB: models load half a second to a second sooner. */
  spareProcess: z.boolean(),
  /** Folders that are searched for GGUF files and watched. */
  modelFolders: z.array(z.string()),
  /** Use the models that LM Studio, Ollama and the Hugging Face cache keep on this machine. */
  findOtherApps: z.boolean(),
  /** CPU threads for each model; null: one less than the cores. */
  threads: z.number().int().min(1).max(1024).nullable(),
  /** How large the context of a conversation may become when a model says nothing else, in tokens; the training context is the upper limit. */
  contextTokens: z.number().int().min(64).max(16_777_216),
  /** Contexts begin with this many tokens, or fewer while memory is short, and grow as they fill up; no larger than `contextTokens`. */
  startContextTokens: z.number().int().min(64).max(16_777_216),
  /** When a conversation has filled its context: its oldest turns slide out of the model's memory, or the answer stops with a message. */
  contextFull: z.enum(['slide', 'stop']),
  /** End answers that have begun to repeat themselves without end. */
  earlyStopping: z.boolean(),
  /** While nothing happens, residents read what others have said in their conversations. */
  warming: z.boolean(),
  /** Keep on disk what models have read of conversations, so that they come back without reading it again. */
  parking: z.boolean(),
  /** Disk room for that, in bytes; null: 16 GB or a tenth of the disk's free room, whichever is less. */
  parkingBudgetBytes: z.number().int().min(0).nullable(),
  /** Whether drafts may write ahead of models, where that was measured to be faster; off: never. */
  speculativeDecoding: z.enum(['auto', 'off']),
  /** Colours of the page: as the system has them, or always light or dark. */
  theme: z.enum(['system', 'light', 'dark']),
  /** The tour of the first start was seen or skipped; it is not shown by itself again. */
  isTourSeen: z.boolean(),
  /** The model that sorts requests for Auto; null: one whose role says so, in memory first. */
  routerId: z.string().nullable(),
  /** How long Auto waits for it, in milliseconds; after that the model of the turn before answers. */
  routerLimitMs: z.number().int().min(50).max(600_000),
  /** The model that checks answers; null: one whose role says so, in memory first. */
  verifierId: z.string().nullable(),
  /** The model that repairs answers that have failed the check; null: the one that wrote them. */
  repairerId: z.string().nullable(),
  /** Answers are checked unless their conversation says otherwise. */
  verifiesAnswers: z.boolean(),
  /** Whether a choice of Auto that the user overruled becomes an example for the router: ask each time, always, or never. */
  learnsRouting: z.enum(['ask', 'always', 'never']),
  /** Named ways of asking. */
  presets: z.array(presetSchema).max(200),
  /** The preset that new conversations begin with; null: none. */
  defaultPresetId: z.string().nullable(),
}

/** A change of some settings: no defaults, so that what is absent stays as it is, and what is wrong is refused. */
export const settingsChangesSchema = z.object(fields).partial()
export type SettingsChanges = z.infer<typeof settingsChangesSchema>

/** Everything the user can set for the whole app. Each has a default; stored values that no longer fit fall back to it. */
export const settingsSchema = z.object({
  poolSizeBytes: fields.poolSizeBytes.default(null).catch(null),
  reserveBytes: fields.reserveBytes.default(null).catch(null),
  evictionPolicy: fields.evictionPolicy.default('cost').catch('cost'),
  pressureShare: fields.pressureShare.default(0.85).catch(0.85),
  idleUnloadMinutes: fields.idleUnloadMinutes.default(null).catch(null),
  restoreResidents: fields.restoreResidents.default('ask').catch('ask'),
  loadOnDrop: fields.loadOnDrop.default(true).catch(true),
  spareProcess: fields.spareProcess.default(true).catch(true),
  modelFolders: fields.modelFolders.default([]).catch([]),
  findOtherApps: fields.findOtherApps.default(true).catch(true),
  threads: fields.threads.default(null).catch(null),
  contextTokens: fields.contextTokens.default(32_768).catch(32_768),
  startContextTokens: fields.startContextTokens.default(4096).catch(4096),
  contextFull: fields.contextFull.default('slide').catch('slide'),
  earlyStopping: fields.earlyStopping.default(true).catch(true),
  warming: fields.warming.default(true).catch(true),
  parking: fields.parking.default(true).catch(true),
  parkingBudgetBytes: fields.parkingBudgetBytes.default(null).catch(null),
  speculativeDecoding: fields.speculativeDecoding.default('auto').catch('auto'),
  theme: fields.theme.default('system').catch('system'),
  isTourSeen: fields.isTourSeen.default(false).catch(false),
  routerId: fields.routerId.default(null).catch(null),
  routerLimitMs: fields.routerLimitMs.default(5000).catch(5000),
  verifierId: fields.verifierId.default(null).catch(null),
  repairerId: fields.repairerId.default(null).catch(null),
  verifiesAnswers: fields.verifiesAnswers.default(false).catch(false),
  learnsRouting: fields.learnsRouting.default('ask').catch('ask'),
  presets: fields.presets.default([]).catch([]),
  defaultPresetId: fields.defaultPresetId.default(null).catch(null),
})
export type Settings = z.infer<typeof settingsSchema>
