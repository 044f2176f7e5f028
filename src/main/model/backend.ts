import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { LoadEvent, ProcessUsage } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { OpenedLlama } from './llama.ts'
import type { LoadedModel, LoadModelOptions } from './loaded-model.ts'
import { collectGarbage } from './collect-garbage.ts'
import { splitPaths } from './split-paths.ts'
import { nothingMapped, readUsage } from './usage.ts'

/** Progress of loading goes out at most this often. */
const progressMs = 50

/** What this process has: llama.cpp from the first call that needs it, and at most one model. */
export class Backend {
  #opening: Promise<OpenedLlama> | null = null
  #model: LoadedModel | null = null
  #isLoading = false

  /** The model; `BAD_INPUT` when none is loaded. */
  get model(): LoadedModel {
    if (!this.#model) throw new AppError('BAD_INPUT', 'No model is loaded in this process')
    return this.#model
  }

  /** llama.cpp, opened once. It is imported here and not before: the probe lives without it as long as it can. */
  async llama(): Promise<OpenedLlama> {
    this.#opening ??= this.#openLlama()
    return this.#opening
  }

  async #openLlama(): Promise<OpenedLlama> {
    const { openLlama } = await import('./llama.ts')
    return openLlama()
  }

  async usage(): Promise<ProcessUsage> {
    return this.#model ? this.#model.usage() : readUsage({ weights: nothingMapped, deviceBytes: 0 })
  }

  /** Does ahead what every load begins with; what the process takes then. */
  async prepare(): Promise<ProcessUsage> {
    const { prepareChat } = await import('./chat.ts')
    await Promise.all([this.llama(), import('./loaded-model.ts')])
    prepareChat()
    collectGarbage()
    return this.usage()
  }

  /** Loads the model of this process, telling how many bytes of it are in. Aborting rejects with the signal's reason. */
  async *load(
    options: Omit<LoadModelOptions, 'fileBytes' | 'onProgress' | 'signal'>,
    signal?: AbortSignal,
  ): AsyncGenerator<LoadEvent, void, void> {
    signal?.throwIfAborted()
    if (this.#isLoading || this.#model)
      throw new AppError('BAD_INPUT', 'This process has a model already; start another one')
    this.#isLoading = true
    try {
      const bytes = await sizeOf(options.path)
      const opened = await this.llama()
      const loader = await import('./loaded-model.ts')
      const progress = new Latest<number>()
      const garbage = { isCollected: false }
      const collectOnce = () => {
        if (!garbage.isCollected) collectGarbage()
        garbage.isCollected = true
      }
      const loading = loader.LoadedModel.load(opened, {
        ...options,
        fileBytes: bytes,
        onProgress(fraction) {
          // Most of it is from the library's reading of the header, which is over; llama.cpp reads the weights on another thread meanwhile.
          collectOnce()
          progress.set(fraction)
        },
        signal,
      })
      void loading.catch(() => null).finally(() => progress.end())
      for await (const fraction of progress)
        yield { kind: 'progress', loadedBytes: Math.round(fraction * bytes) }
      this.#model = await loading
      // A small model is in before its progress was told.
      yield { kind: 'progress', loadedBytes: bytes }
      const { trainContextTokens, allocated: weights } = this.#model
      collectOnce()
      const after = await this.#model.usage()
      const settled = await this.#model.settleOptions()
      const drafts = await this.#model.loadDraft(options.draft ? await sizeOf(options.draft.path) : 0)
      if (drafts) collectGarbage()
      const draft = drafts && { ...drafts, after: await this.#model.usage() }
      yield { kind: 'loaded', trainContextTokens, ...settled, after, weights, draft }
    } finally {
      this.#isLoading = false
    }
  }
}

/** The newest value of something that changes faster than anybody reads it. */
class Latest<Value> {
  #value: { readonly value: Value } | null = null
  #hasEnded = false
  #change = Promise.withResolvers<null>()

  set(value: Value): void {
    this.#value = { value }
    this.#change.resolve(null)
  }

  end(): void {
    this.#hasEnded = true
    this.#change.resolve(null)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, void> {
    let yieldedAt = -Infinity
    for (;;) {
      await this.#change.promise
      this.#change = Promise.withResolvers()
      if (this.#value && (this.#hasEnded || performance.now() - yieldedAt >= progressMs)) {
        const { value } = this.#value
        this.#value = null
        yieldedAt = performance.now()
        yield value
      }
      if (this.#hasEnded && !this.#value) return
    }
  }
}

/** Size of a model's files together. */
async function sizeOf(file: string): Promise<number> {
  try {
    const sizes = await Promise.all(splitPaths(file).map(async (part) => (await stat(part)).size))
    return sizes.reduce((sum, size) => sum + size, 0)
  } catch (error) {
    throw new AppError('NOT_FOUND', `Cannot load "${path.basename(file)}": ${messageOf(error)}`, {
      details: { path: file, help: 'The file was moved or deleted' },
      cause: error,
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
