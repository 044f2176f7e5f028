import { z } from 'zod'
import { domainIdSchema, footprintPartNameSchema } from './memory.ts'
import { kvTypeSchema } from './model.ts'
import { maxPipelineCharacters } from './pipeline-limits.ts'
import { stepKinds } from './pipeline.ts'

/** Something to say of a file, and where. */
export const pipelineFindingSchema = z.object({
  /** `error`: it cannot be used so. `warning`: it can, and something is lost. `note`: what came of a key. */
  severity: z.enum(['error', 'warning', 'note']),
  /** From 1; null where no one place says it. */
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
  /** Like "models[0].max_context"; empty for the whole file. */
  path: z.string(),
  /** What is there, and why that is wrong. */
  message: z.string(),
  /** What could be there. */
  expected: z.string().optional(),
  /** What would help. */
  help: z.string().optional(),
})
export type PipelineFinding = z.infer<typeof pipelineFindingSchema>

/** A number that is measured, published, or taken from something else that is; where from, in plain words. */
export const figureSchema = z.object({
  value: z.number(),
  source: z.enum(['measured', 'file', 'published', 'assumed']),
  /** "published for RTX Spark". */
  from: z.string(),
})
export type Figure = z.infer<typeof figureSchema>

/** One part of what a model of the plan takes. `whole`: the file's estimate, which has no parts. */
export const plannedPartSchema = z.object({
  part: z.enum([...footprintPartNameSchema.options, 'whole']),
  domain: domainIdSchema,
  bytes: z.number(),
  source: z.enum(['predicted', 'learned', 'measured', 'estimated']),
})
export type PlannedPart = z.infer<typeof plannedPartSchema>

const roomSchema = z.object({
  domain: domainIdSchema,
  name: z.string(),
  totalBytes: z.number(),
  reserveBytes: z.number(),
  /** What models may have: total − reserve. */
  capacityBytes: z.number(),
  /** What the whole set takes at first, and with each KV cache as full as it may get. */
  usedBytes: z.number(),
  grownBytes: z.number(),
})

/** What a file comes to on a machine. Nothing was loaded for it. */
export const pipelinePlanSchema = z.object({
  machine: z.object({
    name: z.string(),
    /** The pool is the one of the machine that this runs on; else the file's, for planning. */
    isHere: z.boolean(),
    bandwidth: figureSchema.nullable(),
  }),
  /** By domain, the one that models go to first. */
  rooms: z.array(roomSchema),
  /** `together`: all at once. `inTurns`: each alone, and some have to make room for others. `no`: some cannot be loaded at all. */
  fits: z.enum(['together', 'inTurns', 'no']),
  /** The same on this machine, where the plan is for another one. */
  fitsHere: z.enum(['together', 'inTurns', 'no']),
  models: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      path: z.string(),
      /** `usable`: its file was read. `missing`: not found. */
      state: z.enum(['usable', 'missing', 'unusable']),
      /** Its entry in the library; null: it has none yet. */
      modelId: z.string().nullable(),
      parts: z.array(plannedPartSchema),
      bytes: z.number(),
      pinned: z.boolean(),
      quantization: z.string().nullable(),
      /** Tokens that a conversation begins with and may have. */
      startContextTokens: z.number().int(),
      contextTokens: z.number().int(),
      kvType: kvTypeSchema,
      kvBudgetBytes: z.number(),
      /** Tokens that the budget holds, over all conversations; null where nothing says what a token takes. */
      kvBudgetTokens: z.number().nullable(),
      kvBytesPerToken: figureSchema.nullable(),
    }),
  ),
  steps: z.array(
    z.object({
      step: z.enum(stepKinds),
      modelId: z.string(),
      label: z.string().nullable(),
      promptTokens: z.number().int(),
      answerTokens: z.number().int(),
      requests: z.number().int(),
      /** At most: memory bandwidth ÷ bytes read for each token; or as measured. */
      tokensPerSecond: figureSchema.nullable(),
      firstTokenMs: figureSchema.nullable(),
      /** Of one request, reading and writing; null where the speed is not known. */
      seconds: z.number().nullable(),
      /** Only after a failed check: not part of every turn. */
      isRare: z.boolean(),
      /** One of several models with labels: each turn has one of them. */
      isAlternative: z.boolean(),
      /** It is loaded for this step in every turn, and who leaves for it. */
      reload: z.object({ bytes: z.number(), leaving: z.array(z.string()) }).nullable(),
    }),
  ),
  /** Loads in each turn, once turns follow each other, and what they read from disk; on average, with all labels equally often. */
  reloadsPerTurn: z.number(),
  reloadBytesPerTurn: z.number(),
  /** Of a whole turn without loads, of alternatives the slowest; null where the speed of a step is not known. */
  turnSeconds: z.number().nullable(),
})
export type PipelinePlan = z.infer<typeof pipelinePlanSchema>

/** What a check of a file found. */
export const pipelineReportSchema = z.object({
  /** Errors first, each kind in the order of the file. */
  findings: z.array(pipelineFindingSchema),
  /** Null where errors leave nothing to plan. */
  plan: pipelinePlanSchema.nullable(),
})
export type PipelineReport = z.infer<typeof pipelineReportSchema>

/** A file by its path on the host, or its text; with both the text counts, and the path says where its models are. */
export const pipelineSourceSchema = z.object({
  path: z.string().min(1).max(4096).optional(),
  text: z.string().max(maxPipelineCharacters).optional(),
})
export type PipelineSource = z.infer<typeof pipelineSourceSchema>

/** What loading a set has done. */
export const pipelineLoadedSchema = z.object({
  /** In the order of the file. */
  modelIds: z.array(z.string()),
  report: pipelineReportSchema,
})
export type PipelineLoaded = z.infer<typeof pipelineLoadedSchema>
