import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { errorCodeSchema, errorDetailsSchema } from './errors.ts'
import { draftKindSchema, fileAccessSchema, kvTypeSchema, modelFactsSchema } from './model.ts'
import { resolvedSamplingSchema } from './sampling.ts'

/** What a GGUF file turned out to be. */
export const inspectionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('model'), facts: modelFactsSchema, splitCount: z.number().int() }),
  /** An image projector (mmproj): paired with a model, never listed as one. */
  z.object({ kind: z.literal('projector'), bytes: z.number() }),
])
export type Inspection = z.infer<typeof inspectionSchema>

/** Memory of a model process and its device, in bytes, as the operating system tells it. */
export const processUsageSchema = z.object({
  /** Private, not shared with anybody. */
  privateBytes: z.number(),
  /** Mapped from files and resident: weights under mmap. */
  mappedBytes: z.number(),
  /** Held on the GPU by this process; 0 without one. */
  deviceBytes: z.number(),
})
export type ProcessUsage = z.infer<typeof processUsageSchema>

/** What the backend itself says that it has allocated, in bytes, touched or not: in main memory (mapped weights too) and on the device. */
export const allocationSchema = z.object({ hostBytes: z.number(), deviceBytes: z.number() })
export type Allocation = z.infer<typeof allocationSchema>

/** A message as a model reads it. */
export const chatMessageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  text: z.string(),
})
export type ChatMessage = z.infer<typeof chatMessageSchema>

/** A draft model, loaded beside the one that it drafts for. */
export const draftLoadSchema = z.object({
  path: z.string(),
  /** What the user calls it. */
  name: z.string(),
  contextTokens: z.number().int(),
  batchTokens: z.number().int(),
  /** Layers on the GPU; null: all. */
  gpuLayers: z.number().int().nullable(),
  flashAttention: z.boolean(),
})
export type DraftLoad = z.infer<typeof draftLoadSchema>

const timedSchema = z.object({ tokens: z.number().int(), ms: z.number() })

/** What drafting has come to in an answer: tokens proposed and accepted, and what those written with and without drafts took. */
export const draftFiguresSchema = z.object({
  kind: draftKindSchema,
  /** Of the draft model; absent for looking up. */
  name: z.string().optional(),
  proposedTokens: z.number().int(),
  acceptedTokens: z.number().int(),
  drafted: timedSchema,
  plain: timedSchema,
})
export type DraftFigures = z.infer<typeof draftFiguresSchema>

export const loadEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('progress'), loadedBytes: z.number() }),
  z.object({
    kind: z.literal('loaded'),
    trainContextTokens: z.number().int(),
    /** The type of KV caches: as asked, or `f16` where the backend refused. */
    kvType: kvTypeSchema,
    /** Options that could not be followed, in plain words. */
    warnings: z.array(z.string()),
    /** Usage with the weights and tokenizer in. */
    after: processUsageSchema,
    weights: allocationSchema,
    /** Of a draft model: its weights, its context, and usage with it; null without one. */
    draft: z
      .object({ weights: allocationSchema, context: allocationSchema, after: processUsageSchema })
      .nullable(),
  }),
])
export type LoadEvent = z.infer<typeof loadEventSchema>

export const generateEventSchema = z.discriminatedUnion('kind', [
  /** Prefill: of `promptTokens`, `reusedTokens` were there, `readTokens` are read so far. */
  z.object({
    kind: z.literal('reading'),
    promptTokens: z.number().int(),
    reusedTokens: z.number().int(),
    readTokens: z.number().int(),
  }),
  /** A frame of text, about every 16 ms. */
  z.object({
    kind: z.literal('text'),
    text: z.string(),
    generatedTokens: z.number().int(),
    /** Of these, those that a draft had right: they cost no step of their own. Absent where nothing is drafted. */
    acceptedTokens: z.number().int().optional(),
  }),
  z.object({
    kind: z.literal('done'),
    stopReason: z.enum(['end', 'stop-text', 'repetition', 'max-tokens', 'context-full', 'stopped']),
    /** For `repetition`: the beginning of what the answer had begun to repeat. */
    repeated: z.string().optional(),
    promptTokens: z.number().int(),
    reusedTokens: z.number().int(),
    generatedTokens: z.number().int(),
    timeToFirstTokenMs: z.number(),
    tokensPerSecond: z.number().nullable(),
    /** Tokens that the context holds now. */
    usedTokens: z.number().int(),
    /** Absent where nothing was drafted. */
    draft: draftFiguresSchema.optional(),
  }),
])
export type GenerateEvent = z.infer<typeof generateEventSchema>

/** The context has no room for what is to be read or written: the answer waits for `resizeContext`. */
export const contextFullEventSchema = z.object({
  kind: z.literal('full'),
  /** A context of so many tokens would do for now. */
  neededTokens: z.number().int(),
})
export type ContextFullEvent = z.infer<typeof contextFullEventSchema>

/** How likely each of some options is. */
export const chosenSchema = z.object({
  /** In the order of the options; their sum is 1. */
  probabilities: z.array(z.number()),
  /** How much of the probability of all that it might have said the options have together: near 0, it would have said something else. */
  coveredShare: z.number(),
  promptTokens: z.number().int(),
  reusedTokens: z.number().int(),
  /** How long it took, not counting time in which it stood still. */
  ms: z.number(),
  /** Tokens that the context holds now. */
  usedTokens: z.number().int(),
})
export type Chosen = z.infer<typeof chosenSchema>

/** What reading ahead has done: of `promptTokens`, `reusedTokens` were there and `readTokens` are read; fewer than the rest when it was stopped. */
export const readSchema = z.object({
  promptTokens: z.number().int(),
  reusedTokens: z.number().int(),
  readTokens: z.number().int(),
  ms: z.number(),
  /** Tokens that the context holds now. */
  usedTokens: z.number().int(),
})
export type ReadAhead = z.infer<typeof readSchema>

const base = oc.errors(
  Object.fromEntries(errorCodeSchema.options.map((code) => [code, { data: errorDetailsSchema }])),
)
const contextId = z.object({ contextId: z.string() })

/** An open context: the tokens that it really holds, its KV cache and compute buffers, and usage with it. */
const openedContextSchema = z.object({
  contextTokens: z.number().int(),
  allocated: allocationSchema,
  usage: processUsageSchema,
  /** What a saved state must have in common with the context that restores it, beside the model: backend, KV types, attention. */
  stateFormat: z.string(),
})
export type OpenedContext = z.infer<typeof openedContextSchema>

/**
 * What the host asks of a model process. One process holds at most one model and its contexts; the probe is
 * a process of the same program that never loads one. Everything above this seam is free of the backend's names.
 */
export const backendContract = {
  /** Reads and checks a header, tries a dry run and the chat template. `BAD_MODEL_FILE` says what is wrong. Paths are all files of a split model. */
  inspect: base
    .input(
      z.object({
        paths: z.array(z.string()).min(1),
        /** More processor time than this ends the process. Default: none is too much. */
        limitCpuMs: z.number().optional(),
      }),
    )
    .output(inspectionSchema),
  /** The device that computes: name, and its memory in bytes where it has its own. */
  device: base.output(
    z.object({
      name: z.string(),
      totalBytes: z.number(),
      isUnified: z.boolean(),
      /** Private memory of a process that has opened the backend and loaded no model. */
      runtimeBytes: z.number(),
    }),
  ),
  /** Opens the backend ahead of a load, so that this begins at once; what the process takes then. */
  prepare: base.output(processUsageSchema),
  load: base
    .input(
      z.object({
        path: z.string(),
        threads: z.number().int(),
        gpuLayers: z.number().int().nullable(),
        /** Where model and device can; false: never. */
        flashAttention: z.boolean().default(true),
        kvType: kvTypeSchema.default('f16'),
        /** Tokens that a context reads at once. */
        batchTokens: z.number().int().default(512),
        fileAccess: fileAccessSchema.default('mmap'),
        /** Layers with a sliding window keep what has left it. */
        fullWindowCache: z.boolean().default(false),
        /** A Jinja template in place of the file's own. */
        chatTemplate: z.string().nullable().default(null),
        /** Whether to ask for thoughts; null: as the template has it. */
        thinking: z.boolean().nullable().default(null),
        /** How long an answer may think; null: as long as it likes. */
        thinkingBudgetTokens: z.number().int().nullable().default(null),
        /** From the facts of the file, if it is there. */
        chatFormat: z.string().optional(),
        /** No weights: it counts tokens, and opens no context. */
        vocabularyOnly: z.boolean().default(false),
        /** `BAD_INPUT` where its vocabulary is another one. */
        draft: draftLoadSchema.nullable().default(null),
      }),
    )
    .output(eventIterator(loadEventSchema)),
  /** Makes a context of one sequence and warms it up. */
  openContext: base.input(contextId.extend({ contextTokens: z.number().int() })).output(openedContextSchema),
  /**
   * Moves what a context has read into one of another size: both exist for a moment, and its state passes through a file at `path`, which is
   * removed. When it rejects, the context is as it was. An answer that waits for room goes on; with the size that it has, it hears that there is none.
   */
  resizeContext: base
    .input(contextId.extend({ contextTokens: z.number().int(), path: z.string() }))
    .output(openedContextSchema),
  /** Writes what a context has read to a file. `DISK_FULL` when it does not get there whole. */
  save: base
    .input(contextId.extend({ path: z.string() }))
    .output(z.object({ tokens: z.number().int(), bytes: z.number() })),
  /**
   * Reads such a file into a context in place of what it holds; the tokens that it holds now. Whoever calls has checked that the file is
   * whole and belongs to this model and format: llama.cpp ends the process over a file that was cut short and answers nonsense from a wrong one.
   */
  restore: base.input(contextId.extend({ path: z.string() })).output(z.object({ tokens: z.number().int() })),
  closeContext: base.input(contextId).output(z.object({ usage: processUsageSchema })),
  /** Forgets what a context has read, keeping the context. */
  clearContext: base.input(contextId).output(z.void()),
  tokenize: base.input(z.object({ text: z.string() })).output(z.object({ tokens: z.number().int() })),
  /**
   * What `generate` would read for these messages: the tokens of the whole prompt, and how many of them a context holds. Reads nothing. Without a
   * context, or with one that is not open, nothing is held.
   */
  countPrompt: base
    .input(z.object({ contextId: z.string().nullable(), messages: z.array(chatMessageSchema).min(1) }))
    .output(
      z.object({
        promptTokens: z.number().int(),
        reusedTokens: z.number().int(),
        /** What the context holds, whether it can be used or not. */
        heldTokens: z.number().int(),
      }),
    ),
  /** The text of a PDF file (base64), page by page. `BAD_INPUT` says what is wrong with it. For a process that holds no model. */
  readPdf: base.input(z.object({ data: z.string() })).output(z.object({ pages: z.array(z.string()) })),
  /** Reads the messages, reusing what the context holds of them, and writes an answer. Aborting stops within one batch. */
  generate: base
    .input(
      contextId.extend({
        messages: z.array(chatMessageSchema).min(1),
        /** The last message is the beginning of the answer: the text goes on where it ends. */
        continues: z.boolean().default(false),
        sampling: resolvedSamplingSchema,
        /**
         * A JSON schema that the answer follows; null: it is free. Where the prompt has begun a thought, the answer thinks freely and follows
         * the schema from the end of the thought on; else it follows it from its first token, and does not think.
         */
        jsonSchema: z.unknown().optional(),
        /** End it when it has begun to repeat itself without end. */
        stopsRepetition: z.boolean().default(false),
        /** Tokens that must be left for the answer, or it does not begin: `CONTEXT_FULL`. */
        roomTokens: z.number().int().min(1).default(1),
        /** Whoever calls answers the event `full` with `resizeContext`. */
        mayGrow: z.boolean().default(false),
        /**
         * What writes ahead; null: nothing. Without effect on answers that follow a schema, on models that cannot go back in what they have read,
         * and where the draft model is not loaded or writes ahead of another answer.
         */
        draft: z
          .object({
            kind: draftKindSchema,
            /** Also where it turns out not to pay, and what the draft model thinks unlikely. */
            persists: z.boolean().default(false),
          })
          .nullable()
          .default(null),
      }),
    )
    .output(eventIterator(z.union([generateEventSchema, contextFullEventSchema]))),
  /**
   * Reads the messages as `generate` does and writes nothing: which of the options the answer would begin with, if it had to be one of them. The
   * context then holds the prompt, less its last token. Where the model would think first, it is not let to. `CONTEXT_FULL` says how
   * many tokens are needed; `BAD_INPUT` for options that are empty or the same.
   */
  choose: base
    .input(
      contextId.extend({
        messages: z.array(chatMessageSchema).min(1),
        options: z.array(z.string()).min(2).max(64),
        /** The last message is the beginning of the answer: the options follow it. */
        continues: z.boolean().default(false),
      }),
    )
    .output(chosenSchema),
  /**
   * Reads messages that end with an answer, as far as the context does not hold them, up to where the next message of the user would begin: that
   * is then all that is left to be read. Writes nothing. It stands still as answers do, and `stop` ends it in good order; `CONTEXT_FULL` as with
   * `choose`.
   */
  read: base.input(contextId.extend({ messages: z.array(chatMessageSchema).min(1) })).output(readSchema),
  /** Ends the answer that a context is writing, in good order: its events end with `done` and `stopped`. */
  stop: base.input(contextId).output(z.void()),
  /** Lets a context's answer stand still at the next batch or token; ends when it does, and it does not go on before `resume`. Stopping still ends it. */
  pause: base.input(contextId).output(z.void()),
  resume: base.input(contextId).output(z.void()),
  usage: base.output(processUsageSchema),
  /** A sign of life about once a second, from the event loop that serves all other calls. */
  pulse: base.output(eventIterator(z.object({ uptimeMs: z.number() }))),
}
