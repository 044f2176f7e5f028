import { withParked } from './context-parking.ts'
import { readFileFacts } from './file-stamp.ts'
import { orLeave } from './model-lease.ts'
import { startModelProcess, type ModelProcess } from './model-process.ts'
import type { LoadSettings, ResidentModel } from './resident-model.ts'
import type { StartChild } from './starter.ts'

/** What a tokenizer is read from: a model's files, and how it would be talked to. */
export type Vocabulary = {
  readonly modelId: string
  readonly name: string
  readonly paths: readonly string[]
  readonly chat: Pick<LoadSettings, 'chatTemplate' | 'thinking' | 'thinkingBudgetTokens' | 'chatFormat'>
  /** Tokens of a conversation that are parked for the model. */
  readonly parkedTokens: (conversationId: string) => number
}

/** Counts tokens as a model reads them, whether that is in memory or not. */
export type PromptCounter = Pick<ResidentModel, 'countPrompt' | 'countTokens' | 'heldOf'> & {
  /** Of a model that is not in memory: another text for other files and for another way to talk to it. */
  readonly vocabulary?: string
}

/** How to keep tokenizers. */
type TokenizersOptions = {
  readonly start: StartChild
  /** The program of model processes. */
  readonly program: string
  /** How long reading a vocabulary, and each count, may take. Default 10 s. */
  readonly limitMs?: number
  /** A tokenizer ends when nothing was asked of it for so long. Default 30 s: one of 128,000 tokens takes about 80 MB. */
  readonly idleMs?: number
}

/** How a tokenizer is asked for. */
type FindOptions = {
  readonly signal?: AbortSignal | undefined
  readonly waitMs?: number
  /** Start one where there is none. Default true. */
  readonly starts?: boolean
}

type Child = {
  readonly modelId: string
  readonly key: string
  readonly process: ModelProcess
  /** Null: it could not be read, or is not wanted any more. */
  readonly ready: Promise<PromptCounter | null>
  calls: number
  idleTimer?: NodeJS.Timeout
}

/** One for the model that is asked, one for who goes back and forth between two. */
const mostChildren = 2
/** A vocabulary of 128,000 tokens is there after about 1.4 s on two busy cores. */
const usualWaitMs = 1500
/** So often may a tokenizer fail within so long before it is not tried again. */
const mostFailures = 2
const failuresLastMs = 600_000
const heapLimitMb = 1024

/**
 * Tokenizers of models that are not in memory: each a process of the model program, on the CPU, with the vocabulary and the chat template of a file
 * and none of its weights. They are no residents, so the ledger knows nothing of them. What a file does to one costs that process only.
 */
export class Tokenizers implements AsyncDisposable {
  readonly #options: TokenizersOptions
  readonly #limitMs: number
  /** By model; the one that was asked last is the last. */
  readonly #children = new Map<string, Child>()
  /** Of which files, how often and when last. */
  readonly #failures = new Map<string, { readonly count: number; readonly at: number }>()
  readonly #ending = new Set<PromiseLike<void>>()
  #isClosed = false

  constructor(options: TokenizersOptions) {
    this.#options = options
    this.#limitMs = options.limitMs ?? 10_000
  }

  /**
   * The tokenizer of a model; `loading` where it is not ready after `waitMs` (default 1.5 s), null where the file does not give one, or where none is
   * there and none is to be started. Its calls reject when the process has ended. Rejects with the signal's reason.
   */
  async find(vocabulary: Vocabulary, options: FindOptions = {}): Promise<PromptCounter | 'loading' | null> {
    const { signal, waitMs = usualWaitMs } = options
    signal?.throwIfAborted()
    const wait = Promise.withResolvers<'loading' | null>()
    // Where not even the file's date has come, the disk does not answer: nobody is to ask again and again.
    const tell = () => wait.resolve(this.#children.has(vocabulary.modelId) ? 'loading' : null)
    const timer = setTimeout(tell, waitMs)
    const found = Promise.race([this.#open(vocabulary, options), wait.promise])
    try {
      await orLeave(found, signal)
      return await found
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends those of other models than these: in memory they count for themselves. */
  keepOnly(isNeeded: (modelId: string) => boolean): void {
    for (const child of this.#children.values()) if (!isNeeded(child.modelId)) this.#end(child)
  }

  /** Ends all and waits until their memory is back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.keepOnly(() => false)
    await Promise.all(this.#ending)
  }

  async #open(vocabulary: Vocabulary, { signal, starts = true }: FindOptions): Promise<PromptCounter | null> {
    const { modelId, paths, chat } = vocabulary
    const facts = await readFileFacts(paths)
    if (facts === null || this.#isClosed || signal?.aborted === true) return null
    const key = JSON.stringify([paths, facts.stamp, chat])
    const before = this.#children.get(modelId)
    if (before && before.key !== key) this.#end(before)
    const isThere = before?.key === key
    if (!isThere && (!starts || this.#isGivenUp(key))) return null
    const child = isThere ? before : this.#start(key, vocabulary)
    this.#children.delete(modelId)
    this.#children.set(modelId, child)
    const [oldest] = this.#children.values()
    if (oldest && this.#children.size > mostChildren) this.#end(oldest)
    return child.ready
  }

  #start(key: string, vocabulary: Vocabulary): Child {
    const { start, program } = this.#options
    const { modelId, name } = vocabulary
    const process = startModelProcess({
      ...{ start, file: program, name: `tokenizer of ${name}`, heapLimitMb },
      // llama.cpp would start a debugger to print where it stopped.
      env: { PLENUM_DEVICE: 'cpu', GGML_NO_BACKTRACE: '1' },
    })
    const ready = Promise.resolve().then(async () => this.#read(child, vocabulary))
    const child: Child = { modelId, key, process, ready, calls: 0 }
    process.onExit((crash) => {
      if (crash) this.#fail(child)
    })
    return child
  }

  async #read(child: Child, vocabulary: Vocabulary): Promise<PromptCounter | null> {
    const { paths, chat } = vocabulary
    try {
      await this.#limit(child, async () => {
        const wanted = { path: paths[0] ?? '', threads: 1, gpuLayers: 0, vocabularyOnly: true, ...chat }
        const events = await child.process.client.load(wanted)
        while ((await events.next()).done !== true);
      })
      return this.#counter(child, vocabulary)
    } catch {
      // The letters are judged instead, and say that they are.
      this.#fail(child)
      return null
    }
  }

  #counter(child: Child, { parkedTokens }: Vocabulary): PromptCounter {
    const { client } = child.process
    return {
      vocabulary: child.key,
      heldOf: (conversationId) => `${child.key} ${String(parkedTokens(conversationId))}`,
      countPrompt: async (conversationId, messages, signal) => {
        const counted = await this.#limit(
          child,
          async () => client.countPrompt({ contextId: null, messages: [...messages] }),
          signal,
        )
        return withParked(counted, conversationId === null ? 0 : parkedTokens(conversationId))
      },
      countTokens: async (text, signal) =>
        (await this.#limit(child, async () => client.tokenize({ text }), signal)).tokens,
    }
  }

  /** Has a process do something, which ends when it takes too long. Whoever leaves does not stop it: the next one may want the same. */
  async #limit<Result>(child: Child, call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted()
    clearTimeout(child.idleTimer)
    child.calls++
    const timer = setTimeout(() => this.#fail(child), this.#limitMs)
    const called = call().finally(() => {
      clearTimeout(timer)
      if (--child.calls === 0)
        child.idleTimer = setTimeout(() => this.#end(child), this.#options.idleMs ?? 30_000).unref()
    })
    await orLeave(called, signal)
    return called
  }

  #fail(child: Child): void {
    // It was ended, or has failed before.
    if (this.#children.get(child.modelId) !== child) return
    const { count } = this.#failureOf(child.key)
    this.#failures.set(child.key, { count: count + 1, at: Date.now() })
    this.#end(child)
  }

  #isGivenUp(key: string): boolean {
    return this.#failureOf(key).count >= mostFailures
  }

  #failureOf(key: string): { readonly count: number } {
    const failure = this.#failures.get(key)
    return failure && Date.now() - failure.at < failuresLastMs ? failure : { count: 0 }
  }

  #end(child: Child): void {
    if (this.#children.get(child.modelId) !== child) return
    this.#children.delete(child.modelId)
    clearTimeout(child.idleTimer)
    const ended = child.process[Symbol.asyncDispose]()
    this.#ending.add(ended)
    void ended.then(() => this.#ending.delete(ended))
  }
}
