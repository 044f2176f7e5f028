import { setImmediate } from 'node:timers/promises'
import type { Llama } from 'node-llama-cpp'
import {
  getLlama,
  GgufInsights,
  LlamaLogLevel,
  LlamaLogLevelGreaterThanOrEqual,
  readGgufFileInfo,
} from 'node-llama-cpp'
import type { ChatMessage } from '../../contract/backend.ts'
import { renderPrompt, resolveChat } from './chat.ts'
import { badModelFile } from './model-file.ts'

/** Messages that every chat template has to render. */
const sampleConversation: readonly ChatMessage[] = [
  { role: 'system', text: 'You answer in one sentence.' },
  { role: 'user', text: 'What is a plenum?' },
  { role: 'assistant', text: 'A full assembly.' },
  { role: 'user', text: 'Of what?' },
]
const sampleContextTokens = 256
/** A prompt for the sample conversation is a few hundred tokens. */
const maxPromptTokens = 100_000

/**
 * Tries models without loading their weights: a dry run of llama.cpp (tensors, graph and KV cache are laid out, nothing is allocated),
 * then the vocabulary and the chat template. Errors become `BAD_MODEL_FILE`. A file can end this process or never end: whoever
 * runs it watches over both.
 */
export class ModelTrial {
  readonly #errors: string[] = []
  #hasFallenBack = false
  #opening: Promise<Llama> | null = null

  async run(path: string): Promise<void> {
    const llama = await this.#open()
    await this.#try(path, async () => {
      const fileInfo = await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false })
      // Without the header's bytes at hand the estimator loads from the path, and so also compares the tensors' shapes.
      const insights = await GgufInsights.from({ ...fileInfo, sourceData: [] }, llama)
      await insights.estimateContextResourceRequirementsV2({
        contextSize: sampleContextTokens,
        batchSize: sampleContextTokens,
        sequences: 1,
        modelGpuLayers: 0,
      })
      // It falls back to a heuristic, and only its log tells.
      if (this.#hasFallenBack) throw new Error('llama.cpp cannot lay it out')
    })
    await this.#try(path, async () => {
      await using model = await llama.loadModel({
        modelPath: path,
        gpuLayers: 0,
        vocabOnly: true,
        ignoreMemorySafetyChecks: true,
      })
      const { tokens } = renderPrompt(model, resolveChat(model), sampleConversation)
      if (tokens.length === 0) throw new Error('its chat template writes nothing')
      if (tokens.length > maxPromptTokens)
        throw new Error(`its chat template makes ${String(tokens.length)} tokens of four short messages`)
    })
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

  async #try(path: string, action: () => Promise<void>): Promise<void> {
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
