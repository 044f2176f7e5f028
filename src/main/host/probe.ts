import path from 'node:path'
import type { Inspection } from '../../contract/backend.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { ModelProcess } from './model-process.ts'
import { startModelProcess } from './model-process.ts'
import type { StartChild } from './starter.ts'

/** The device that computes. Without memory of its own `totalBytes` is 0. */
export type Device = {
  readonly name: string
  readonly totalBytes: number
  readonly isUnified: boolean
  /** What a model process costs with no model, measured; absent before that. */
  readonly runtimeBytes?: number | undefined
}

/** Looks at model files in a child process, so that a hostile one costs a child and nothing else. */
export interface Probe extends AsyncDisposable {
  /**
   * What the file, or all parts of a split one in order, is. One at a time, in order of asking. `BAD_MODEL_FILE` and `NOT_FOUND` say what is wrong, also when
   * the file stopped the child or took too long. Aborting rejects with the signal's reason.
   */
  inspect(
    paths: readonly string[],
    options?: {
      signal?: AbortSignal
      /** More processor time than usual, for a file that nobody waits for. */
      limitMs?: number
    },
  ): Promise<Inspection>
  /**
   * The text of a PDF file (base64), page by page. It is read in a child of its own, with limits on time and memory: `BAD_INPUT` says what is wrong
   * with it, also when it stopped the child or took too long. Aborting rejects with the signal's reason.
   */
  readPdf(data: string, options: { name: string; signal?: AbortSignal }): Promise<string[]>
  /** Asks a child of its own, which gives the device back at once. */
  device(): Promise<Device>
}

/** How to make a probe. */
export type ProbeOptions = {
  readonly start: StartChild
  /** The program `src/main/model/index.ts`, as built or as source. */
  readonly file: string
  readonly env?: Readonly<Record<string, string>>
  /** Processor time for one file: the error has to be on the screen within ten seconds where nothing else is at work. Default 8 s. */
  readonly limitMs?: number
  /** Time for one PDF. Default 30 s. */
  readonly pdfLimitMs?: number
  /** The child ends when nothing was asked of it for so long. */
  readonly idleMs?: number
}

/** The cause of a `BAD_MODEL_FILE` that came from the clock: another time the same file may pass. */
export class ProbeTimeout extends Error {}

/** Makes a probe; its child starts with the first file and again after each death. */
export function createProbe(options: ProbeOptions): Probe {
  return new ChildProbe(options)
}

const deviceLimitMs = 30_000
const pdfLimitMs = 30_000
/** A file may take so many times its processor time by the clock: on a busy machine it waits for others. */
const clockShare = 5
/** The child watches its own memory; this is behind it. */
const heapLimitMb = 1024

class ChildProbe implements Probe {
  readonly #options: ProbeOptions
  readonly #limitMs: number
  readonly #idleMs: number
  readonly #disposal = new AbortController()
  #child: ModelProcess | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idleTimer: NodeJS.Timeout | undefined

  constructor(options: ProbeOptions) {
    this.#options = options
    this.#limitMs = options.limitMs ?? 8000
    this.#idleMs = options.idleMs ?? 20_000
  }

  async inspect(
    paths: readonly string[],
    options: { signal?: AbortSignal; limitMs?: number } = {},
  ): Promise<Inspection> {
    const signal = this.#signal(options.signal)
    const { limitMs = this.#limitMs } = options
    const result = this.#last.then(async () => this.#inspectNow(paths, { limitMs, signal }))
    this.#last = result.catch(() => null)
    return result
  }

  async device(): Promise<Device> {
    const signal = this.#signal()
    signal.throwIfAborted()
    await using child = this.#start()
    return await race(child.client.device(), {
      limitMs: deviceLimitMs,
      signal,
      timeout: () =>
        new AppError(
          'MODEL_FAILED',
          `Cannot find out the device: no answer in ${String(deviceLimitMs / 1000)} seconds`,
        ),
    })
  }

  async readPdf(
    data: string,
    { name, signal: asked }: { name: string; signal?: AbortSignal },
  ): Promise<string[]> {
    const signal = this.#signal(asked)
    signal.throwIfAborted()
    const limitMs = this.#options.pdfLimitMs ?? pdfLimitMs
    const refuse = (fact: string, help: string, cause?: unknown) =>
      new AppError('BAD_INPUT', `Cannot attach "${name}": ${fact}`, { details: { help }, cause })
    // Not waited for: the answer is there, or nobody wants it any more.
    const child = this.#start()
    try {
      const { pages } = await race(child.client.readPdf({ data }), {
        limitMs,
        signal,
        timeout: () =>
          refuse(
            `it was not read in ${String(limitMs / 1000)} seconds`,
            'Print it to a new PDF, or attach its text',
          ),
      })
      return pages
    } catch (error) {
      signal.throwIfAborted()
      const { code, message } = toProblem(error)
      if (code === 'MODEL_CRASHED')
        throw refuse('the file stopped the PDF reader', 'It is damaged or was made to do harm', error)
      throw message.startsWith('Cannot attach')
        ? error
        : refuse(message, 'Print it to a new PDF, or attach its text', error)
    } finally {
      void child[Symbol.asyncDispose]()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal.abort(new AppError('MODEL_FAILED', 'The probe was closed'))
    clearTimeout(this.#idleTimer)
    await this.#end()
    await this.#last
  }

  async #inspectNow(
    paths: readonly string[],
    { limitMs, signal }: { limitMs: number; signal: AbortSignal },
  ): Promise<Inspection> {
    signal.throwIfAborted()
    clearTimeout(this.#idleTimer)
    try {
      const isFresh = this.#child === null
      try {
        return await this.#ask(paths, { limitMs, signal })
      } catch (error) {
        // A child that has read other files may have died of them, or of a signal from outside: only a fresh one convicts.
        if (isFresh || !isCrash(error)) throw error
        return await this.#ask(paths, { limitMs, signal })
      }
    } catch (error) {
      throw isCrash(error) ? crashOf(paths, error) : error
    } finally {
      this.#idleTimer = setTimeout(() => void this.#end(), this.#idleMs)
      this.#idleTimer.unref()
    }
  }

  async #ask(
    paths: readonly string[],
    { limitMs, signal }: { limitMs: number; signal: AbortSignal },
  ): Promise<Inspection> {
    const child = (this.#child ??= this.#start())
    try {
      return await race(child.client.inspect({ paths: [...paths], limitCpuMs: limitMs }), {
        // By the clock only what does not work at all, as with a disk that does not answer.
        limitMs: clockShare * limitMs,
        signal,
        timeout: () => timeoutOf(paths, limitMs),
      })
    } catch (error) {
      if (isCrash(error) && error.message.includes('seconds of processor time')) {
        await this.#end()
        throw timeoutOf(paths, limitMs)
      }
      // It is dead, or busy with something that nobody waits for.
      if (isCrash(error) || signal.aborted || isTimeout(error)) await this.#end()
      throw error
    }
  }

  #start(): ModelProcess {
    const { start, file, env } = this.#options
    return startModelProcess({
      start,
      file,
      name: 'probe',
      // llama.cpp would start a debugger to print where it stopped.
      env: { ...env, GGML_NO_BACKTRACE: '1' },
      heapLimitMb,
    })
  }

  async #end(): Promise<void> {
    const child = this.#child
    this.#child = null
    await child?.[Symbol.asyncDispose]()
  }

  #signal(signal?: AbortSignal): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#disposal.signal]) : this.#disposal.signal
  }
}

function isCrash(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'MODEL_CRASHED'
}

function isTimeout(error: unknown): boolean {
  return error instanceof AppError && error.cause instanceof ProbeTimeout
}

function crashOf(paths: readonly string[], crash: AppError): AppError {
  const [file = ''] = paths
  // The folders of the machine that built llama.cpp say nothing to anybody.
  const facts = crash.message.replace(/^.* ended by itself: /, '').replace(/"\S*\/(?=(?:src|ggml)\/)/, '"')
  return new AppError(
    'BAD_MODEL_FILE',
    `Cannot read "${path.basename(file)}": the file stopped the model reader (${facts})`,
    {
      details: {
        path: file,
        help: 'The file is damaged or was made to do harm. Get it again, or another one.',
      },
      cause: crash,
    },
  )
}

function timeoutOf(paths: readonly string[], limitMs: number): AppError {
  const [file = ''] = paths
  return new AppError(
    'BAD_MODEL_FILE',
    `Cannot read "${path.basename(file)}": not done after ${String(Math.ceil(limitMs / 1000))} seconds`,
    {
      details: {
        path: file,
        help: 'Its chat template may never end, or the disk is very slow. Add it again to try once more.',
      },
      cause: new ProbeTimeout(),
    },
  )
}

/** The promise, unless the time is up or the signal aborts before. */
async function race<Result>(
  promise: Promise<Result>,
  { limitMs, signal, timeout }: { limitMs: number; signal: AbortSignal; timeout: () => Error },
): Promise<Result> {
  const other = Promise.withResolvers<never>()
  const timer = setTimeout(() => other.reject(timeout()), Math.max(0, limitMs))
  const abort = () => other.reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    return await Promise.race([promise, other.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    // Whoever lost the race may still reject.
    void promise.catch(() => null)
    void other.promise.catch(() => null)
  }
}
