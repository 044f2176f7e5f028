import type { PoolSnapshot } from '../../contract/memory.ts'
import type { ModelProcess } from './model-process.ts'

/** What the snapshot shows of it. */
type SpareState = NonNullable<PoolSnapshot['spare']>

/** Its start takes a processor for half a second, which belongs to whoever loads or answers. */
const defaultQuietMs = 5000

/** How to keep a spare process. */
type SpareProcessOptions = {
  readonly start: () => ModelProcess
  /** It has come, or is gone. */
  readonly onChange: () => void
  /** How long nothing must have happened before one is started. Default 5 s. */
  readonly quietMs?: number | undefined
}

/**
 * A model process that was started ahead, with the backend open, so that the next load need not wait for that. Started when nothing happens,
 * handed to the first load that asks, ended when it is not wanted.
 */
export class SpareProcess implements AsyncDisposable {
  readonly #options: SpareProcessOptions
  #ready: { readonly child: ModelProcess; readonly bytes: number } | null = null
  #starting: ModelProcess | null = null
  #timer: NodeJS.Timeout | null = null
  /** One has died: no other is started before the next load. */
  #hasDied = false

  constructor(options: SpareProcessOptions) {
    this.#options = options
  }

  /** The one that is ready. */
  get state(): SpareState | undefined {
    return this.#ready
      ? { processId: this.#ready.child.processId ?? null, bytes: this.#ready.bytes }
      : undefined
  }

  /** Whether to keep one from now on. `isQuiet`: nothing happens that its start would be in the way of. */
  want(isWanted: boolean, { isQuiet }: { readonly isQuiet: boolean }): void {
    if (!isWanted) void this.#end()
    if (!isWanted || !isQuiet) this.#stopTimer()
    else if (!this.#ready && !this.#starting && !this.#hasDied)
      this.#timer ??= setTimeout(() => void this.#start(), this.#options.quietMs ?? defaultQuietMs).unref()
  }

  /** Hands it over to the load of a model, which owns it then; null when there is none. */
  take(name: string): ModelProcess | null {
    this.#stopTimer()
    this.#hasDied = false
    const child = this.#release()
    child?.rename(name)
    if (child) this.#options.onChange()
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopTimer()
    // Nobody wants to hear of it any more.
    this.#hasDied = true
    await this.#release()?.[Symbol.asyncDispose]()
  }

  async #start(): Promise<void> {
    this.#timer = null
    const child = this.#options.start()
    this.#starting = child
    child.onExit(() => {
      if (this.#ready?.child !== child && this.#starting !== child) return
      this.#hasDied = true
      this.#release()
      this.#options.onChange()
    })
    try {
      const { privateBytes, deviceBytes } = await child.client.prepare()
      if (this.#starting !== child) return
      this.#starting = null
      this.#ready = { child, bytes: privateBytes + deviceBytes }
      this.#options.onChange()
    } catch {
      // It was taken or ended meanwhile, has died, or the device cannot be opened: a load says so to whoever waits for it.
      if (this.#starting !== child) return
      this.#hasDied = true
      await this.#end()
    }
  }

  async #end(): Promise<void> {
    const child = this.#release()
    if (!child) return
    await child[Symbol.asyncDispose]()
    this.#options.onChange()
  }

  /** Whoever gets it owns it. */
  #release(): ModelProcess | null {
    const child = this.#ready?.child ?? this.#starting
    this.#ready = null
    this.#starting = null
    return child
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }
}
