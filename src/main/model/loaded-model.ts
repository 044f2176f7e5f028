import type { ChatWrapper, Llama, LlamaModel } from 'node-llama-cpp'
import type { Allocation, ProcessUsage } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import { resolveChat } from './chat.ts'
import { ModelContext } from './context.ts'
import { readUsage } from './usage.ts'

/** How a model is loaded. */
export interface LoadModelOptions {
  readonly path: string
  /** All its files, as the operating system names them. */
  readonly modelPaths: readonly string[]
  readonly threads: number
  /** Layers on the GPU; null: all. */
  readonly gpuLayers: number | null
  readonly onProgress: (fraction: number) => void
  readonly signal?: AbortSignal | undefined
}

/** The model of this process and its contexts. */
export class LoadedModel {
  readonly #llama: Llama
  readonly #model: LlamaModel
  readonly #chat: ChatWrapper
  readonly #threads: number
  readonly #modelPaths: readonly string[]
  readonly #contexts = new Map<string, ModelContext>()

  private constructor(
    llama: Llama,
    model: LlamaModel,
    options: { threads: number; modelPaths: readonly string[] },
  ) {
    this.#llama = llama
    this.#model = model
    this.#threads = options.threads
    this.#modelPaths = options.modelPaths
    this.#chat = resolveChat(model)
  }

  static async load(llama: Llama, options: LoadModelOptions): Promise<LoadedModel> {
    const { path, modelPaths, threads, gpuLayers, onProgress, signal } = options
    llama.maxThreads = threads
    const model = await llama.loadModel({
      modelPath: path,
      gpuLayers: gpuLayers ?? 'max',
      // The host's ledger has granted the memory; the library's own opinion could only refuse or shrink it.
      ignoreMemorySafetyChecks: true,
      onLoadProgress: onProgress,
      ...(signal && { loadSignal: signal }),
    })
    return new LoadedModel(llama, model, { threads, modelPaths })
  }

  get trainContextTokens(): number {
    return this.#model.trainContextSize
  }

  /** Its weights, as llama.cpp holds them. */
  get allocated(): Allocation {
    const { ram, vram } = this.#model.memoryUsage
    return { hostBytes: ram, deviceBytes: vram }
  }

  countTokens(text: string): number {
    return this.#model.tokenize(text).length
  }

  async openContext(
    contextId: string,
    options: { contextTokens: number; signal?: AbortSignal | undefined },
  ): Promise<ModelContext> {
    if (this.#contexts.has(contextId))
      throw new AppError('BAD_INPUT', `Context "${contextId}" is open already`)
    const context = await ModelContext.open(this.#model, {
      ...options,
      chat: this.#chat,
      threads: this.#threads,
    })
    this.#contexts.set(contextId, context)
    return context
  }

  context(contextId: string): ModelContext {
    const context = this.#contexts.get(contextId)
    if (!context) throw new AppError('NOT_FOUND', `Context "${contextId}" is not open`)
    return context
  }

  async closeContext(contextId: string): Promise<void> {
    const context = this.context(contextId)
    this.#contexts.delete(contextId)
    await context[Symbol.asyncDispose]()
  }

  async usage(): Promise<ProcessUsage> {
    return usageOf(this.#llama, this.#modelPaths)
  }
}

/** Memory of this process; `modelPaths` are empty before a model is loaded. */
export async function usageOf(llama: Llama | null, modelPaths: readonly string[]): Promise<ProcessUsage> {
  // What llama.cpp has allocated on the device for this process: a device's own counter is about everybody.
  const deviceBytes = llama ? (await llama.getLlamaMemoryUsage()).gpuVram : 0
  return readUsage({ modelPaths, deviceBytes })
}
