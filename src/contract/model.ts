import { z } from 'zod'
import { problemSchema } from './errors.ts'
import { modelRoleSchema } from './routing.ts'
import { samplingSchema } from './sampling.ts'

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

/** Type of the numbers in a KV cache. `q8_0` takes 34 bytes for 32 numbers, `f16` 64. */
export const kvTypeSchema = z.enum(['f16', 'q8_0'])
export type KvType = z.infer<typeof kvTypeSchema>

/** How weights come from the file: mapped, read past the system's cache, or read through it. */
export const fileAccessSchema = z.enum(['mmap', 'direct', 'read'])
export type FileAccess = z.infer<typeof fileAccessSchema>

/** What a dry run of llama.cpp says that one context takes on the CPU, KV cache and compute buffers together. */
export const dryRunSchema = z.object({
  kvType: kvTypeSchema,
  flashAttention: z.boolean(),
  batchTokens: z.number().int(),
  contextTokens: z.number().int(),
  bytes: z.number(),
})
export type DryRun = z.infer<typeof dryRunSchema>

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
  /** Of the weights: the token embeddings, and what belongs to no layer after them (output, its norm). Without output weights the embeddings serve twice. */
  inputBytes: z.number(),
  outputBytes: z.number(),
  layers: z.number().int(),
  embeddingLength: z.number().int(),
  feedForwardLength: z.number().int(),
  headCount: z.number().int(),
  vocabularySize: z.number().int(),
  /** The same for models whose tokens are the same; absent of files that were looked at before this was kept. */
  vocabularyFingerprint: z.string().optional(),
  /** Merge rules of the tokenizer. */
  mergeCount: z.number().int(),
  trainContextTokens: z.number().int(),
  kvLayerGroups: z.array(kvLayerGroupSchema),
  /** Constant state of recurrent layers for one sequence, in bytes; 0 without such layers. */
  recurrentStateBytes: z.number(),
  /** KV cache bytes a token at f16, full-attention and window layers together. */
  kvBytesPerToken: z.number(),
  experts: z
    .object({
      count: z.number().int(),
      used: z.number().int(),
      /** Width of one expert; `feedForwardLength` is that of dense layers. */
      feedForwardLength: z.number().int(),
      /** Of the weights: all experts together. Absent of files that an older version has looked at. */
      bytes: z.number().optional(),
    })
    .nullable(),
  /** Dry runs at several context sizes, made when the file was inspected; empty where they could not be made. */
  dryRuns: z.array(dryRunSchema),
  hasChatTemplate: z.boolean(),
  /** What the file recommends (`general.sampling.*`), as far as it can be followed. */
  recommendedSampling: samplingSchema,
  /** What the backend has found out about the chat template, for the backend alone; absent where that was nothing. */
  chatFormat: z.string().optional(),
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

/** What writes ahead of a model: looking up in the conversation, or a draft model. */
export const draftKindSchema = z.enum(['lookup', 'model'])
export type DraftKind = z.infer<typeof draftKindSchema>

/** What drafts for a model: by itself, nothing, looking up in the conversation, or the library's model of this id. */
export const draftChoiceSchema = z
  .string()
  .max(300)
  .regex(/^(auto|off|lookup|model:.+)$/)

/** How a model is loaded. Absent values follow the settings; the descriptions are shown to the user. */
export const loadOptionsSchema = z.object({
  contextTokens: z
    .number()
    .int()
    .min(64)
    .max(16_777_216)
    .optional()
    .describe(
      'Tokens that one conversation may have. Default: as in the settings, at most what the model was trained for. Its context begins smaller and grows up to this as it fills up.',
    ),
  startContextTokens: z
    .number()
    .int()
    .min(64)
    .max(16_777_216)
    .optional()
    .describe(
      'Tokens with which a context begins, before it grows. Default: as in the settings, fewer while memory is short. More take their memory at once and spare growing.',
    ),
  gpuLayers: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe(
      'Layers on the GPU, counted with the output layer. Default: all that fit. Fewer leave GPU memory free and are slower.',
    ),
  kvType: kvTypeSchema
    .optional()
    .describe(
      'Type of the numbers in the KV cache. Default: f16. q8_0 takes about half, needs flash attention, and is less exact.',
    ),
  flashAttention: z
    .enum(['auto', 'on', 'off'])
    .optional()
    .describe(
      'A way to compute attention that needs less memory. Default: auto, which leaves it out for heads narrower than 64, where it is slower.',
    ),
  batchTokens: z
    .number()
    .int()
    .min(32)
    .max(8192)
    .optional()
    .describe(
      'Tokens that are read at once. Default: 512. More may read faster and take larger compute buffers; stopping takes effect after each batch.',
    ),
  threads: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'CPU threads. Default: as in the settings, one less than the cores. More than there are free cores is much slower.',
    ),
  fileAccess: z
    .enum(['auto', ...fileAccessSchema.options])
    .optional()
    .describe(
      'How the weights are read. Default: auto. mmap shares the file with the system cache, direct goes past it, read copies it.',
    ),
  fullWindowCache: z
    .boolean()
    .optional()
    .describe(
      'Full sliding-window cache: layers that see only a window keep all that was read, so that an answer can be asked for again or changed without reading the conversation anew. Default: off. Their KV cache then grows with the context like that of other layers. Has no effect on models without such layers.',
    ),
  kvBudgetBytes: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'Bytes that the KV caches of all conversations with this model may reserve together. Default: two contexts.',
    ),
  chatTemplate: z
    .string()
    .max(200_000)
    .optional()
    .describe(
      'A Jinja template in place of the one in the file. Default: the file’s own. Decides how a conversation is put to the model.',
    ),
  thinking: z
    .enum(['on', 'off'])
    .optional()
    .describe(
      'Whether the model is asked to think before it answers. Default: as its template has it. Has no effect on models whose template knows no such switch.',
    ),
  thinkingBudgetTokens: z
    .number()
    .int()
    .min(0)
    .max(16_777_216)
    .optional()
    .describe(
      'Tokens that an answer may think before it has to begin. Default: as many as the model likes. Has no effect on models whose template marks no thoughts.',
    ),
  draft: draftChoiceSchema
    .optional()
    .describe(
      'Speculative decoding: what writes ahead, so that the model checks several tokens in one step. The answers stay the same. Default: auto, which tries what costs nothing and keeps to what was measured to be faster. lookup looks up what followed the same words earlier in the conversation. model:ID loads that smaller model of the same vocabulary beside it, which takes memory.',
    ),
  bandwidthThrottle: z
    .boolean()
    .optional()
    .describe(
      'Off: may decode while other models do, at the cost of their speed. Default: on. Counts from the next answer on.',
    ),
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
  /** How its tokens are chosen where a conversation does not say; absent: as the file recommends. */
  sampling: samplingSchema.optional(),
  /** What Auto may ask it for; absent: Auto leaves it alone. */
  role: modelRoleSchema.optional(),
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
