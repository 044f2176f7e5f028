import { basename as nameOf } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { GgufInsights, type ChatWrapper, type LlamaGrammar, type LlamaModel } from 'node-llama-cpp'
import type { Allocation, ChatMessage, DraftLoad, ProcessUsage } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { FileAccess, KvType } from '../../contract/model.ts'
import { chatWarnings, renderPrompt, resolveChat, type ChatOptions } from './chat.ts'
import { kvTypeOptions, ModelContext } from './context.ts'
import { DraftModel } from './draft-model.ts'
import { createJsonGrammar } from './json-grammar.ts'
import type { OpenedLlama } from './llama.ts'
import { nothingMapped, readFilePages, readUsage } from './usage.ts'

/** How a model is loaded. */
export interface LoadModelOptions extends ChatOptions {
  readonly path: string
  /** Size of all its files. */
  readonly fileBytes: number
  readonly threads: number
  /** Layers on the GPU; null: all. */
  readonly gpuLayers: number | null
  /** Where model and device can; false: never. */
  readonly flashAttention: boolean
  /** Default `f16`. */
  readonly kvType?: KvType
  /** Tokens that a context reads at once. Default 512. */
  readonly batchTokens?: number
  /** Default `mmap`. */
  readonly fileAccess?: FileAccess
  /** Layers with a sliding window keep what has left it. Default false. */
  readonly fullWindowCache?: boolean
  /** No weights: it counts tokens, and opens no context. Default false. */
  readonly vocabularyOnly?: boolean
  /** A model that drafts for it. Default: none. */
  readonly draft?: DraftLoad | null
  readonly onProgress: (fraction: number) => void
  readonly signal?: AbortSignal | undefined
}

/** The model of this process and its contexts. */
export class LoadedModel {
  readonly #opened: OpenedLlama
  readonly #model: LlamaModel
  readonly #options: LoadModelOptions
  readonly #otherFileBytes: number
  readonly #contexts = new Map<string, ModelContext>()
  #kvType: KvType = 'f16'
  #chat: ChatWrapper | null = null
  #draft: { readonly model: DraftModel; readonly fileBytes: number } | null = null
  /** Of the JSON schema that was asked for last. */
  #grammar: { readonly of: string; readonly made: Promise<LlamaGrammar> } | null = null

  private constructor(
    opened: OpenedLlama,
    model: LlamaModel,
    { options, otherFileBytes }: { options: LoadModelOptions; otherFileBytes: number },
  ) {
    this.#opened = opened
    this.#model = model
    this.#options = options
    this.#otherFileBytes = otherFileBytes
  }

  /** Loads a model. Rejects with `MODEL_FAILED` and llama.cpp's own reason, or with the signal's. */
  static async load(opened: OpenedLlama, options: LoadModelOptions): Promise<LoadedModel> {
    const { path, threads, gpuLayers, flashAttention, fileAccess = 'mmap', onProgress, signal } = options
    const { llama } = opened
    // What llama.cpp logged before is not about this model.
    opened.takeLastError()
    skipEstimates()
    const otherFileBytes = await readFilePages()
    try {
      llama.maxThreads = threads
      const model = await llama.loadModel({
        modelPath: path,
        gpuLayers: gpuLayers ?? 'max',
        vocabOnly: options.vocabularyOnly ?? false,
        // The host's ledger has granted the memory; the library's own opinion could only refuse or shrink it.
        ignoreMemorySafetyChecks: true,
        defaultContextFlashAttention: flashAttention ? 'auto' : false,
        useMmap: fileAccess === 'mmap',
        useDirectIo: fileAccess === 'direct',
        onLoadProgress: onProgress,
        ...(signal && { loadSignal: signal }),
      })
      return new LoadedModel(opened, model, { options, otherFileBytes })
    } catch (error) {
      signal?.throwIfAborted()
      throw explain(opened, { action: `load "${nameOf(path)}"`, error })
    }
  }

  get trainContextTokens(): number {
    return this.#model.trainContextSize
  }

  /** How conversations are put to it: worked out at the first need, which takes a quarter of a second. */
  get chat(): ChatWrapper {
    try {
      return (this.#chat ??= resolveChat(this.#model, this.#options))
    } catch (error) {
      throw explain(this.#opened, { action: 'read the chat template', error })
    }
  }

  /** Its weights, as llama.cpp holds them. */
  get allocated(): Allocation {
    const { ram, vram } = this.#model.memoryUsage
    return { hostBytes: ram, deviceBytes: vram }
  }

  /**
   * Takes the KV type that was asked for, once the backend has made the smallest context with it, or else f16. With what of the options
   * cannot be followed, in plain words. A type may also end this process: then it has harmed nobody yet.
   */
  async settleOptions(): Promise<{ kvType: KvType; warnings: string[] }> {
    const { kvType = 'f16', threads, signal } = this.#options
    const { thinking = null, thinkingBudgetTokens = null } = this.#options
    const hasWishes = thinking !== null || thinkingBudgetTokens !== null
    // Not looked at without need: the chat format is worked out for it.
    const warnings = hasWishes ? [...chatWarnings(this.chat, this.#options)] : []
    if (kvType === 'f16') return { kvType, warnings }
    try {
      const context = await this.#model.createContext({
        ...{ contextSize: 256, sequences: 1, threads },
        ...kvTypeOptions(kvType),
        ignoreMemorySafetyChecks: true,
        failedCreationRemedy: false,
        ...(signal && { createSignal: signal }),
      })
      await context.dispose()
      this.#kvType = kvType
    } catch {
      signal?.throwIfAborted()
      this.#opened.takeLastError()
      warnings.push(`This model does not run with a ${kvType} KV cache here: it is f16 instead`)
    }
    return { kvType: this.#kvType, warnings }
  }

  /** Loads the draft model that was asked for, of so many bytes; what it takes, null when there is none. */
  async loadDraft(fileBytes: number): Promise<DraftModel['allocated'] | null> {
    const { draft, threads, fileAccess = 'mmap', signal } = this.#options
    if (!draft) return null
    try {
      const more = { target: this.#model, threads, fileAccess, signal }
      this.#draft = { model: await DraftModel.load(this.#opened, { ...draft, ...more }), fileBytes }
      return this.#draft.model.allocated
    } catch (error) {
      signal?.throwIfAborted()
      throw explain(this.#opened, { action: `load the draft model "${draft.name}"`, error })
    }
  }

  countTokens(text: string): number {
    return this.#model.tokenize(text).length
  }

  /** What `generate` would read for messages, and how much of it a context holds; see the contract. */
  countPrompt(
    contextId: string | null,
    messages: readonly ChatMessage[],
  ): { promptTokens: number; reusedTokens: number; heldTokens: number } {
    const { tokens } = renderPrompt(this.#model, this.chat, { messages })
    const context = contextId === null ? undefined : this.#contexts.get(contextId)
    return context?.count(tokens) ?? { promptTokens: tokens.length, reusedTokens: 0, heldTokens: 0 }
  }

  async #grammarOf(schema: unknown): Promise<LlamaGrammar> {
    const of = JSON.stringify(schema)
    if (this.#grammar?.of !== of) this.#grammar = { of, made: createJsonGrammar(this.#opened.llama, schema) }
    return this.#grammar.made
  }

  async openContext(
    contextId: string,
    options: { contextTokens: number; signal?: AbortSignal | undefined },
  ): Promise<ModelContext> {
    if (this.#contexts.has(contextId))
      throw new AppError('BAD_INPUT', `Context "${contextId}" is open already`)
    const opening = ModelContext.open({
      ...options,
      model: this.#model,
      chat: () => this.chat,
      threads: this.#options.threads,
      batchTokens: this.#options.batchTokens ?? defaultBatchTokens,
      kvType: this.#kvType,
      fullWindowCache: this.#options.fullWindowCache ?? false,
      thinkingBudgetTokens: this.#options.thinkingBudgetTokens ?? null,
      draftModel: this.#draft?.model ?? null,
      grammar: (schema) => this.#grammarOf(schema),
      explain: (action, error) => explain(this.#opened, { action, error }),
    })
    // llama.cpp makes the context on another thread: a first answer finds the chat wrapper ready.
    const [context] = await Promise.all([opening, setImmediate().then(() => this.chat)])
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
    const own = this.allocated
    const drafts = this.#draft?.model.allocated.weights ?? { hostBytes: 0, deviceBytes: 0 }
    const mapped = {
      fileBytes: this.#options.fileBytes + (this.#draft?.fileBytes ?? 0),
      otherFileBytes: this.#otherFileBytes,
      allocated: {
        hostBytes: own.hostBytes + drafts.hostBytes,
        deviceBytes: own.deviceBytes + drafts.deviceBytes,
      },
    }
    // What llama.cpp has allocated on the device for this process: a device's own counter is about everybody.
    const { gpuVram: deviceBytes } = await this.#opened.llama.getLlamaMemoryUsage()
    return readUsage({ weights: this.#model.useMmap ? mapped : nothingMapped, deviceBytes })
  }
}

/** As node-llama-cpp has it. */
const defaultBatchTokens = 512

/**
 * The library works out what a model and each context would take, for which it reads the file's vocabulary twice more and keeps one of them. The
 * host's ledger has decided already, and with `ignoreMemorySafetyChecks` nothing comes of it.
 */
function skipEstimates(): void {
  const nothing = async () => Promise.resolve({ cpuRam: 0, gpuVram: 0 })
  GgufInsights.prototype.estimateModelResourceRequirementsV2 = nothing
  GgufInsights.prototype.estimateContextResourceRequirementsV2 = nothing
}

/** An error of llama.cpp or the library as ours: what was tried, and the cause that llama.cpp logged. Ours stay as they are. */
function explain(opened: OpenedLlama, { action, error }: { action: string; error: unknown }): AppError {
  if (error instanceof AppError) return error
  const fact = opened.takeLastError() ?? (error instanceof Error ? error.message : String(error))
  return new AppError('MODEL_FAILED', `Cannot ${action}: ${fact}`, { cause: error })
}
