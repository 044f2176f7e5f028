import { basename as nameOf } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { GgufFileInfo, Llama } from 'node-llama-cpp'
import {
  getLlama,
  GgmlType,
  GgufInsights,
  LlamaLogLevel,
  LlamaLogLevelGreaterThanOrEqual,
} from 'node-llama-cpp'
import type { ChatMessage } from '../../contract/backend.ts'
import type { DryRun, ModelFacts } from '../../contract/model.ts'
import { chatFormatOf, renderText, resolveChatOfHeader } from './chat.ts'
import { badModelFile } from './model-file.ts'

/** Messages that every chat template has to render. */
const sampleConversation: readonly ChatMessage[] = [
  { role: 'system', text: 'You answer in one sentence.' },
  { role: 'user', text: 'What is a plenum?' },
  { role: 'assistant', text: 'A full assembly.' },
  { role: 'user', text: 'Of what?' },
]
const sampleContextTokens = 256
/** A prompt for the sample conversation has a few thousand letters. */
const maxPromptLength = 1_000_000

/** What a trial has to know of the header. */
export type TrialHeader = {
  readonly architecture: string
  readonly title: string | null
  readonly chatTemplate: string | null
  readonly trainContextTokens: number
  /** Some layers see a window of the context only. */
  readonly hasWindows: boolean
}

/** Where dry runs are made; between them lines are drawn (`dryRunComputeBytes`). */
const dryRunContexts = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]
/** The usual one first, should time run out. */
const dryRunBatches = [512, 128, 2048]
const dryRunKinds = [
  ['f16', true],
  ['q8_0', true],
  ['f16', false],
] as const
const dryRunLimitMs = 1000
const ggmlTypes = { f16: GgmlType.F16, q8_0: GgmlType.Q8_0 } as const

/**
 * Tries models without loading their weights: a dry run of llama.cpp (vocabulary, tensors, graph and KV cache, nothing of the weights),
 * then the chat template. Errors become `BAD_MODEL_FILE`. A file can end this process or never end: whoever
 * runs it watches over both.
 */
export class ModelTrial {
  readonly #errors: string[] = []
  #hasFallenBack = false
  #opening: Promise<Llama> | null = null

  /** Returns what contexts of several sizes would take, and what the chat template is known as. */
  async run(path: string, header: TrialHeader): Promise<Pick<ModelFacts, 'dryRuns' | 'chatFormat'>> {
    const llama = await this.#open()
    const fileInfo = fileInfoOf(path, header)
    let dryRuns: DryRun[] = []
    await this.#try(path, async () => {
      const insights = await GgufInsights.from(fileInfo, llama)
      try {
        await insights.estimateContextResourceRequirementsV2({
          contextSize: sampleContextTokens,
          batchSize: sampleContextTokens,
          sequences: 1,
          modelGpuLayers: 0,
        })
        if (!this.#hasFallenBack) dryRuns = await this.#dryRun(insights, header)
      } finally {
        await forget(insights)
      }
      // It falls back to a heuristic, and only its log tells.
      if (this.#hasFallenBack) throw new Error('llama.cpp cannot lay it out')
    })
    let chatFormat: string | undefined
    await this.#try(path, () => {
      const chat = resolveChatOfHeader(fileInfo, { filename: nameOf(path), template: header.chatTemplate })
      const prompt = renderText(chat, sampleConversation)
      if (prompt === '') throw new Error('its chat template writes nothing')
      if (prompt.length > maxPromptLength)
        throw new Error(`its chat template makes ${String(prompt.length)} letters of four short messages`)
      if (header.chatTemplate !== null) chatFormat = chatFormatOf(chat)
    })
    return { dryRuns, ...(chatFormat !== undefined && { chatFormat }) }
  }

  /** Lays out contexts of several sizes and kinds, some milliseconds each. What does not work is left out. */
  async #dryRun(insights: GgufInsights, { trainContextTokens, hasWindows }: TrialHeader): Promise<DryRun[]> {
    const dryRuns: DryRun[] = []
    const sizes = dryRunContexts.filter((size) => size <= Math.max(512, trainContextTokens))
    const startedAt = performance.now()
    for (const batchTokens of dryRunBatches)
      for (const [kvType, flashAttention] of dryRunKinds)
        for (const contextTokens of sizes.filter((size) => size >= batchTokens)) {
          // The rest is worked out from what there is.
          if (performance.now() - startedAt > dryRunLimitMs) return dryRuns
          const type = ggmlTypes[kvType]
          const { cpuRam, gpuVram } = await insights.estimateContextResourceRequirementsV2({
            ...{ contextSize: contextTokens, flashAttention, sequences: 1, modelGpuLayers: 0 },
            // As node-llama-cpp makes contexts of models with windows.
            batchSize: hasWindows ? batchTokens + 1 : batchTokens,
            kvCacheKeyType: type,
            kvCacheValueType: type,
          })
          if (this.#hasFallenBack) break
          dryRuns.push({ kvType, flashAttention, batchTokens, contextTokens, bytes: cpuRam + gpuVram })
        }
    this.#hasFallenBack = false
    return dryRuns
  }

  /** llama.cpp on the CPU: nothing is computed here, and a GPU's driver would cost memory. */
  async #open(): Promise<Llama> {
    this.#opening ??= getLlama({
      gpu: false,
      build: 'never',
      progressLogs: false,
      logLevel: LlamaLogLevel.warn,
      maxThreads: 1,
      logger: (level, message) => {
        if (message.includes('Falling back to estimation heuristic')) this.#hasFallenBack = true
        if (!LlamaLogLevelGreaterThanOrEqual(level, LlamaLogLevel.error)) return
        this.#errors.push(message.trim())
        // Read by the host as this process's last words, should it end now.
        process.stderr.write(`${message.trim()}\n`)
      },
    })
    return this.#opening
  }

  async #try(path: string, action: () => Promise<void> | void): Promise<void> {
    this.#errors.length = 0
    this.#hasFallenBack = false
    try {
      await action()
    } catch (error) {
      // llama.cpp's log comes over from another thread.
      await setImmediate()
      await setImmediate()
      throw describeFailure(path, { error, logged: this.#errors })
    }
  }
}

/**
 * A header in the library's own form, with what is read of it here. The library's reader would take hundreds of megabytes for a large
 * vocabulary; and without the header's bytes at hand its estimator loads from the path, and so also compares the tensors' shapes.
 */
function fileInfoOf(path: string, { architecture, title, chatTemplate }: TrialHeader): GgufFileInfo {
  const info: Omit<GgufFileInfo, 'metadata' | 'architectureMetadata'> & Record<string, unknown> = {
    version: 3,
    tensorCount: 0,
    metadata: {
      general: { architecture, ...(title === null ? {} : { name: title }) },
      tokenizer: chatTemplate === null ? {} : { chat_template: chatTemplate },
    },
    architectureMetadata: {},
    metadataSize: 0,
    splicedParts: 1,
    totalTensorCount: 0,
    totalMetadataSize: 0,
    tensorInfo: [],
    fullTensorInfo: [],
    source: { type: 'path', path },
    sourceData: [],
  }
  // The rest of the metadata is used by the heuristic only, which counts as a failure.
  return info as unknown as GgufFileInfo
}

/** Gives back what the estimator keeps of a model, over 100 MB for a large vocabulary: else it would stay until its object is collected. */
async function forget(insights: GgufInsights): Promise<void> {
  // Not in the library's published types; where it is not there, memory comes back later.
  const { _simulationSession: session } = insights as unknown as {
    _simulationSession?: Partial<AsyncDisposable>
  }
  await session?.[Symbol.asyncDispose]?.()
}

/** The error of a trial, told by the most telling line of llama.cpp's log. */
function describeFailure(
  path: string,
  { error, logged }: { error: unknown; logged: readonly string[] },
): Error {
  const fact = tidy(logged[0] ?? (error instanceof Error ? error.message : String(error)))
  const architecture = /unknown model architecture: '([^']*)'/.exec(fact)?.[1]
  if (architecture !== undefined)
    return badModelFile(path, `its architecture "${architecture}" is not supported`, {
      help: 'A newer Plenum may support it.',
      cause: error,
    })
  return badModelFile(path, fact, {
    help: 'The file is damaged, was converted wrongly, or needs a newer Plenum.',
    cause: error,
  })
}

/** `llama_model_load: error loading model: check_tensor_dims: tensor 'x' not found` says no more than its end. */
function tidy(message: string): string {
  const fact = message.replace(/^(?:(?:[a-z_]+|error loading model[a-z ]*): )+/i, '')
  return fact.replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(0, 300)
}
