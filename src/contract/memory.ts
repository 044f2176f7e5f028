import { z } from 'zod'
import { problemSchema, remedySchema } from './errors.ts'
import { fileAccessSchema, kvTypeSchema } from './model.ts'

/** Where bytes live: one pool shared by CPU and GPU, or main memory and a card's memory apart. */
export const domainIdSchema = z.enum(['unified', 'ram', 'vram'])
export type DomainId = z.infer<typeof domainIdSchema>

/** One memory domain of the pool, in bytes: total = reserve + other + used + free. */
export const domainSchema = z.object({
  id: domainIdSchema,
  /** What the user calls it: "Unified memory", "NVIDIA RTX 4090". */
  name: z.string(),
  /** What the pool may show and share out: the machine's memory, or `--pool-size`. */
  totalBytes: z.number(),
  /** Never given to models. */
  reserveBytes: z.number(),
  /** Held by other programs, inside of this pool. */
  otherBytes: z.number(),
  /** Reserved by residents: the sum of their footprints in this domain. */
  usedBytes: z.number(),
  freeBytes: z.number(),
})
export type Domain = z.infer<typeof domainSchema>

/** What a resident's memory is for. `draft` is all that its draft model takes, `runtime` what its process costs with no model. */
export const footprintPartNameSchema = z.enum(['weights', 'kvCache', 'compute', 'draft', 'runtime'])
export type FootprintPartName = z.infer<typeof footprintPartNameSchema>

/** One part of a footprint in one domain, and whether it was predicted or measured. */
export const footprintPartSchema = z.object({
  part: footprintPartNameSchema,
  domain: domainIdSchema,
  bytes: z.number(),
  /** `learned`: predicted, and corrected by what an earlier load of this file has taken. */
  source: z.enum(['predicted', 'learned', 'measured']),
})
export type FootprintPart = z.infer<typeof footprintPartSchema>

/** The memory that a model takes or would take. */
export const footprintSchema = z.array(footprintPartSchema).readonly()
export type Footprint = z.infer<typeof footprintSchema>

/** The life of a resident: absent → queued → loading → ready ⇄ busy → unloading → absent, and failed. */
export const residentStateSchema = z.enum(['queued', 'loading', 'ready', 'busy', 'unloading', 'failed'])
export type ResidentState = z.infer<typeof residentStateSchema>

/** A live context of a resident: one conversation's KV cache, or a spare one. */
export const residentContextSchema = z.object({
  /** Unique while the model is resident. */
  id: z.string(),
  conversationId: z.string().nullable(),
  contextTokens: z.number().int(),
  usedTokens: z.number().int(),
  /** KV cache bytes that the context reserves. */
  kvBytes: z.number(),
  /** It reads, writes, or is on its way to or from the disk. */
  isBusy: z.boolean(),
  /** What it holds is on disk as well. */
  isParked: z.boolean(),
  /** It is for what the model is asked on the side (which model answers, whether an answer fits), of no conversation. Absent: it is not. */
  isAside: z.boolean().optional(),
})
export type ResidentContext = z.infer<typeof residentContextSchema>

/** How a model was loaded in the end: options with nothing left open. */
export const loadedWithSchema = z.object({
  contextTokens: z.number().int(),
  /** Layers on the GPU; null: all. */
  gpuLayers: z.number().int().nullable(),
  kvType: kvTypeSchema,
  flashAttention: z.boolean(),
  batchTokens: z.number().int(),
  threads: z.number().int(),
  fileAccess: fileAccessSchema,
  /** Layers with a sliding window keep what has left it. */
  fullWindowCache: z.boolean().default(false),
  /** The model that drafts for it; absent without one. */
  draft: z.object({ modelId: z.string(), name: z.string(), contextTokens: z.number().int() }).optional(),
})
export type LoadedWith = z.infer<typeof loadedWithSchema>

/** What a load was predicted to take, by plain prediction, and what it took, with one context. */
export const measurementSchema = z.object({
  /** Milliseconds since 1970. */
  at: z.number(),
  /** What computed: "CPU". */
  backend: z.string(),
  loadedWith: loadedWithSchema,
  /** Without anything learned from earlier loads. */
  predicted: footprintSchema,
  /** As the user was told before this load: with what was learned. */
  corrected: footprintSchema,
  measured: footprintSchema,
  /** The weights, and how long it took until they were in; absent of loads that older versions kept. */
  reading: z.object({ bytes: z.number(), ms: z.number() }).optional(),
})
export type Measurement = z.infer<typeof measurementSchema>

/** How far a prediction is off, as a share of what was measured: −0.02 is 2 % too little. Null when nothing was measured, or nothing predicted. */
export function predictionError(predicted: Footprint, measured: Footprint): number | null {
  const sum = (footprint: Footprint) => footprint.reduce((bytes, part) => bytes + part.bytes, 0)
  return sum(predicted) > 0 && sum(measured) > 0 ? sum(predicted) / sum(measured) - 1 : null
}

/** A model in memory, or on its way in or out. */
export const residentSchema = z.object({
  modelId: z.string(),
  name: z.string(),
  state: residentStateSchema,
  pinned: z.boolean(),
  /** Turns that use it now. */
  leases: z.number().int(),
  footprint: footprintSchema,
  /** What was predicted for one context before it was loaded; empty while it is queued. */
  predicted: footprintSchema,
  /** What it took then, with one context as large as at first; empty before it is loaded. `footprint` is what it takes now. */
  measured: footprintSchema,
  /** `predicted` against `measured`, all parts together: −0.02 is 2 % too little. Null until there is something to compare. */
  predictionError: z.number().nullable(),
  /** How it is loaded; null before. */
  loadedWith: loadedWithSchema.nullable(),
  /** Why its file is read as `loadedWith` says, in plain words; absent where the user has said how. */
  fileAccessReason: z.string().optional(),
  /** What the user should know of how it was loaded: options that this backend or model does not support. */
  warnings: z.array(z.string()),
  contexts: z.array(residentContextSchema),
  /** Tokens over all contexts: reserved and used, and the most that may be reserved. */
  contextTokens: z.number().int(),
  usedTokens: z.number().int(),
  kvBytesPerToken: z.number(),
  kvBudgetBytes: z.number(),
  /** How large one context may become. */
  contextLimitTokens: z.number().int(),
  processId: z.number().int().nullable(),
  /** While loading: bytes of weights read. While queued: what it waits for. */
  loadedBytes: z.number().nullable(),
  waitingFor: z.string().nullable(),
  /** Why it failed. */
  problem: problemSchema.nullable(),
  loadedAt: z.number().nullable(),
  lastUsedAt: z.number().nullable(),
})
export type Resident = z.infer<typeof residentSchema>

/** How often things happened since the host started. */
export const poolCountersSchema = z.object({
  loads: z.number().int(),
  unloads: z.number().int(),
  evictions: z.number().int(),
  refusals: z.number().int(),
  crashes: z.number().int(),
  /** KV caches that were given back without their model leaving. */
  reliefs: z.number().int(),
})
export type PoolCounters = z.infer<typeof poolCountersSchema>

/** Something that happened in the pool, for the activity list. */
export const poolEventSchema = z.object({
  id: z.number().int(),
  /** Milliseconds since 1970. */
  at: z.number(),
  kind: z.enum([
    ...(['loaded', 'unloaded', 'evicted', 'failed', 'crashed', 'refused'] as const),
    /** A context became larger, a conversation came back from disk, or it could not go there or come back. */
    ...(['grown', 'restored', 'parkingFailed'] as const),
    /** An idle KV cache was made smaller, put on disk, or is read again when it is needed. */
    ...(['shrunk', 'parked', 'dropped'] as const),
    /** Models take turns in memory. */
    'thrash',
  ]),
  modelId: z.string(),
  name: z.string(),
  /** Plain words: what happened, and why. */
  text: z.string(),
  /** What it freed, and how long it took in milliseconds; null where that says nothing. */
  freedBytes: z.number().nullable(),
  tookMs: z.number().nullable(),
})
export type PoolEvent = z.infer<typeof poolEventSchema>

/** Models that take turns in memory because they do not fit in together. */
export const thrashSchema = z.object({
  /** `bytes`: what each takes in memory. */
  models: z.array(z.object({ modelId: z.string(), name: z.string(), bytes: z.number() })),
  /** What a switch reads from disk, and how long the last such loads took: the most of them. Null where that is not known. */
  reloadBytes: z.number(),
  reloadMs: z.number().nullable(),
  /** In plain words. */
  text: z.string(),
})
export type Thrash = z.infer<typeof thrashSchema>

/** The whole pool at one moment. `usedBytes` of each domain equals the sum of its residents' parts. */
export const poolSnapshotSchema = z.object({
  kind: z.enum(['unified', 'split']),
  /** The machine as a whole, for the machine view: its memory, and what other programs hold of it. */
  machine: z.object({ name: z.string(), totalBytes: z.number(), otherBytes: z.number() }),
  /** What computes: "CPU", "Vulkan: AMD Radeon 8060S". */
  device: z.string(),
  domains: z.array(domainSchema),
  residents: z.array(residentSchema),
  /** Models that were resident when the app last ended and can be loaded again with one press. */
  lastResidents: z.array(z.object({ modelId: z.string(), name: z.string() })),
  /** A model process without a model, kept ready for the next load; absent when there is none. Its bytes are among `otherBytes`. */
  spare: z.object({ processId: z.number().int().nullable(), bytes: z.number() }).optional(),
  /**
   * KV caches of all residents, in bytes: reserved; reserved and not used; held by conversations that nobody answers in now; and what
   * `consolidate` would give back, buffers included.
   */
  kv: z.object({
    reservedBytes: z.number(),
    unusedBytes: z.number(),
    strandedBytes: z.number(),
    reclaimableBytes: z.number(),
  }),
  /**
   * Memory that models read while they write: for each token its weights (of a mixture, those in use) and the KV cache as far as it is
   * filled, by what was written in the last second. Decoding is bound by it. `decoding`: who writes now.
   */
  bandwidth: z.object({
    bytesPerSecond: z.number(),
    decoding: z.array(
      z.object({ modelId: z.string(), tokensPerSecond: z.number(), bytesPerSecond: z.number() }),
    ),
    /** The most that was measured on this machine and device; null before anything was. */
    bestBytesPerSecond: z.number().nullable(),
  }),
  /** More than `pressureShare` of the pool is taken: idle KV caches are given back. */
  isUnderPressure: z.boolean(),
  pressureShare: z.number(),
  thrash: thrashSchema.nullable(),
  counters: poolCountersSchema,
  /** Newest first, at most 100. */
  events: z.array(poolEventSchema),
})
export type PoolSnapshot = z.infer<typeof poolSnapshotSchema>

/** An idle KV cache that would be given back, its model staying. */
export const reliefStepSchema = z.object({
  modelId: z.string(),
  name: z.string(),
  /** `shrink` loses nothing that was read, `park` keeps it on disk, after `drop` it is read again. */
  kind: z.enum(['shrink', 'park', 'drop']),
  freesBytes: z.number(),
})
export type ReliefStep = z.infer<typeof reliefStepSchema>

const leaverSchema = z.object({ modelId: z.string(), name: z.string(), freesBytes: z.number() })

/** What loading a model would take, and who would have to leave. Nothing happens by asking. */
export const loadPreviewSchema = z.object({
  modelId: z.string(),
  /** A context begins with so many tokens, for which `footprint` is, and may grow to `contextTokens` as far as there is room then. */
  startContextTokens: z.number().int(),
  contextTokens: z.number().int(),
  footprint: footprintSchema,
  /** How it would be loaded: its context is the one that it begins with. */
  loadedWith: loadedWithSchema,
  /** Options that could not be followed, in plain words. */
  warnings: z.array(z.string()),
  /**
   * What drafting for it was measured to come to on this machine, by `draft` of the load options: how many times as fast as without it, and the
   * share of the drafted tokens that was accepted. Absent where nothing was measured.
   */
  drafts: z
    .array(z.object({ draft: z.string(), gain: z.number(), acceptance: z.number() }))
    .readonly()
    .optional(),
  /** What it would take with one context grown as far as it may, in bytes over all domains. */
  grownBytes: z.number(),
  /**
   * `resident`: it is there. `fits`: nobody leaves. `evicts`: these leave. `waits`: these leave when some of them are done.
   * `refused`: it cannot be. `relieves`: KV caches that are given back for it, if any; their models stay.
   */
  verdict: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('resident') }),
    z.object({ kind: z.literal('fits'), relieves: z.array(reliefStepSchema).optional() }),
    z.object({
      kind: z.literal('evicts'),
      leaving: z.array(leaverSchema),
      relieves: z.array(reliefStepSchema).optional(),
    }),
    z.object({
      kind: z.literal('waits'),
      leaving: z.array(leaverSchema),
      relieves: z.array(reliefStepSchema).optional(),
      /** Those of them that are busy or still loading. */
      waitsFor: z.array(leaverSchema),
      /** What would spare the wait; each is enough. */
      remedies: z.array(remedySchema),
    }),
    z.object({ kind: z.literal('refused'), problem: problemSchema, remedies: z.array(remedySchema) }),
  ]),
})
export type LoadPreview = z.infer<typeof loadPreviewSchema>

/** What asking several models at once would take. */
export const turnPlanSchema = z.object({
  /** In the order in which they answer: those that are in memory first. */
  models: z.array(
    z.object({
      modelId: z.string(),
      name: z.string(),
      /** `resident`: it is there. `loads`: it is loaded for the turn. `refused`: it cannot be. */
      kind: z.enum(['resident', 'loads', 'refused']),
      /** What loading it reserves; 0 for a resident. */
      bytes: z.number(),
      /** From 0: models of one round are in memory together, each further round waits until the one before it has answered. */
      round: z.number().int(),
      /** For `refused`. */
      problem: problemSchema.optional(),
    }),
  ),
  rounds: z.number().int(),
  /** Who leaves for it, in order; of the models themselves those that make room for the next round. */
  leaving: z.array(leaverSchema),
})
export type TurnPlan = z.infer<typeof turnPlanSchema>
