import { z } from 'zod'
import { problemSchema } from './errors.ts'

/** Layers that keep the same amount of KV cache a token. */
export const kvLayerGroupSchema = z.object({
  layers: z.number().int(),
  kvHeads: z.number().int(),
  /** Elements of one key and one value vector. */
  keyLength: z.number().int(),
  valueLength: z.number().int(),
  /** Sliding-window layers hold at most this many tokens; null for full attention. */
  windowTokens: z.number().int().nullable(),
})
export type KvLayerGroup = z.infer<typeof kvLayerGroupSchema>

/** What a GGUF header says of a model. */
export const modelFactsSchema = z.object({
  architecture: z.string(),
  /** `general.name`, or null. */
  title: z.string().nullable(),
  /** Number of weights, summed over all tensors. */
  parameters: z.number(),
  /** "Q4_K_M", "MXFP4", "NVFP4", "F16": the file's type, or the type that holds most bytes. */
  quantization: z.string(),
  /** Bytes of tensor data, exact. */
  weightBytes: z.number(),
  /** Bytes by tensor type, largest first. */
  tensorTypes: z.array(z.object({ type: z.string(), tensors: z.number().int(), bytes: z.number() })),
  layers: z.number().int(),
  embeddingLength: z.number().int(),
  feedForwardLength: z.number().int(),
  headCount: z.number().int(),
  vocabularySize: z.number().int(),
  trainContextTokens: z.number().int(),
  kvLayerGroups: z.array(kvLayerGroupSchema),
  /** Constant state of recurrent layers for one sequence, in bytes; 0 without such layers. */
  recurrentStateBytes: z.number(),
  /** KV cache bytes a token at f16, full-attention and window layers together. */
  kvBytesPerToken: z.number(),
  experts: z.object({ count: z.number().int(), used: z.number().int() }).nullable(),
  hasChatTemplate: z.boolean(),
  license: z.string().nullable(),
  author: z.string().nullable(),
  description: z.string().nullable(),
})
export type ModelFacts = z.infer<typeof modelFactsSchema>

/** Where an entry of the library comes from. */
export const modelSourceSchema = z.enum(['demo', 'added', 'folder', 'lm-studio', 'ollama', 'hugging-face'])
export type ModelSource = z.infer<typeof modelSourceSchema>

/** What is known of a library entry's file. */
export const modelFileStateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inspecting') }),
  z.object({ kind: z.literal('usable'), facts: modelFactsSchema }),
  z.object({ kind: z.literal('unusable'), problem: problemSchema }),
  z.object({ kind: z.literal('missing') }),
])
export type ModelFileState = z.infer<typeof modelFileStateSchema>

/** How a model is loaded. Absent values follow the settings. */
export const loadOptionsSchema = z.object({
  /** Context size of one conversation, in tokens. */
  contextTokens: z.number().int().min(64).max(16_777_216).optional(),
  /** Layers on the GPU; absent: all that fit. */
  gpuLayers: z.number().int().min(0).max(100_000).optional(),
  /** Off: may decode while other models do, at the cost of their speed. Absent: on. Counts from the next answer on. */
  bandwidthThrottle: z.boolean().optional(),
})
export type LoadOptions = z.infer<typeof loadOptionsSchema>

/** An entry of the library: a model on this machine, used in place. */
export const libraryModelSchema = z.object({
  /** Readable and stable: made from the file's name. */
  id: z.string(),
  /** What the user sees; can be changed. */
  name: z.string(),
  /** All files of a split model, in order. */
  paths: z.array(z.string()).min(1),
  fileBytes: z.number(),
  source: modelSourceSchema,
  /** Path of the image projector (mmproj) that belongs to it. */
  projectorPath: z.string().nullable(),
  file: modelFileStateSchema,
  pinned: z.boolean(),
  /** Index of its colour in the palette: the same everywhere. */
  colour: z.number().int(),
  loadOptions: loadOptionsSchema,
  addedAt: z.number(),
})
export type LibraryModel = z.infer<typeof libraryModelSchema>

/** One result of adding a path: an entry, or why it was not added. Entries that were there are marked. */
export const addResultSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('added'), model: libraryModelSchema }),
  z.object({ kind: z.literal('known'), model: libraryModelSchema }),
  z.object({ kind: z.literal('refused'), path: z.string(), problem: problemSchema }),
])
export type AddResult = z.infer<typeof addResultSchema>
