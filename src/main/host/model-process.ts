import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import type { backendContract } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import { fromRpcError } from '../../contract/rpc-errors.ts'
import type { ChildChannel, ChildExit, StartChild } from './starter.ts'
import { usualPatience, watchOver, type Patience } from './watchdog.ts'

/** What the host can ask of a model process. */
export type BackendClient = ContractRouterClient<typeof backendContract>

/** A running model process. Disposing it ends the process and waits until its memory is back. */
export interface ModelProcess extends AsyncDisposable {
  /**
   * Calls reject with an `AppError`: the child's own, `MODEL_CRASHED` when the process ends by itself, `MODEL_FAILED` when it was
   * ended on purpose. A cancelled call rejects with the signal's reason.
   */
  readonly client: BackendClient
  /** Undefined until the process runs. */
  readonly processId: number | undefined
  /** Says what runs in it now, for messages. */
  rename(name: string): void
  /** Called once when the process has ended; with the error when nobody asked it to. Called at once when that has happened. */
  onExit(listener: (crash: AppError | null) => void): () => void
  /**
   * Expects signs of life until the result is disposed, and that it is disposed soon after `stop` aborts. A process that hangs instead is
   * ended, which is a crash.
   */
  watch(stop?: AbortSignal): Disposable
}

/** How to start a model process. */
export interface ModelProcessOptions {
  readonly start: StartChild
  /** The program `src/main/model/index.ts`, as built or as source. */
  readonly file: string
  /** What runs in it, for messages: a model's name, or "probe". */
  readonly name: string
  readonly env?: Readonly<Record<string, string>>
  readonly heapLimitMb?: number
  /** Default `usualPatience`. */
  readonly patience?: Patience
}

/**
 * glibc gives each thread a heap of its own, which keeps what was freed: one for all, and giving back at once, has saved 10 to 30 MB a process, and made it the same each time. Fixed sizes also
 * keep glibc from raising them as it goes: a closed context's KV cache would stay with the process. Other systems know no such variables.
 */
const allocatorEnv = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_MMAP_THRESHOLD_: '131072',
}

/** Starts a model process and connects to it. */
export function startModelProcess(options: ModelProcessOptions): ModelProcess {
  const { start, file, env, heapLimitMb, patience = usualPatience } = options
  let { name } = options
  const channel = start({
    file,
    env: { ...allocatorEnv, ...env },
    ...(heapLimitMb === undefined ? {} : { heapLimitMb }),
  })
  const lastWords = keepLastWords(channel)
  const exitListeners = new Set<(crash: AppError | null) => void>()
  const ended = Promise.withResolvers<null>()
  let isWanted = true
  /** Why it was ended although it is wanted. */
  let hang: AppError | null = null
  /** Why calls fail from now on; null while the process runs. */
  let end: AppError | null = null

  const link = new RPCLink({
    port: portOf(channel),
    interceptors: [
      async ({ signal, ...call }) => {
        function mapError(error: unknown): unknown {
          if (signal?.aborted) return signal.reason
          return end ?? fromRpcError(error)
        }
        if (end) throw end
        try {
          const output = await call.next()
          return isAsyncIterator(output) ? drain(output, mapError) : output
        } catch (error) {
          throw mapError(error)
        }
      },
    ],
  })
  // After the link has subscribed, so that by now its calls are rejected; `end` is set before their rejections are handled.
  channel.onExit((exit) => {
    const crash = isWanted ? (hang ?? crashError(name, exit, lastWords())) : null
    end = crash ?? new AppError('MODEL_FAILED', `The process of "${name}" was ended`)
    ended.resolve(null)
    for (const listener of exitListeners) listener(crash)
  })

  const client = createORPCClient<BackendClient>(link)
  return {
    client,
    get processId() {
      return channel.processId
    },
    rename(next) {
      name = next
    },
    onExit(listener) {
      if (end) listener(end.code === 'MODEL_CRASHED' ? end : null)
      else exitListeners.add(listener)
      return () => void exitListeners.delete(listener)
    },
    watch: (stop) =>
      watchOver({
        ...{ patience, stop },
        pulse: async (signal) => client.pulse(undefined, { signal }),
        onHung(how) {
          hang ??= hangError(name, how)
          channel.kill()
        },
      }),
    async [Symbol.asyncDispose]() {
      isWanted = false
      channel.kill()
      await ended.promise
    },
  }
}

/** The channel as oRPC wants to see it. */
function portOf(channel: ChildChannel) {
  return {
    postMessage: (message: unknown) => channel.postMessage(message),
    on(event: string, listener: (event?: { data: unknown }) => void) {
      if (event === 'message') channel.onMessage((data) => listener({ data }))
      if (event === 'close') channel.onExit(() => listener())
    },
  }
}

/** Keeps the last line that the child wrote on stderr. */
function keepLastWords(channel: ChildChannel): () => string {
  let line = ''
  let rest = ''
  channel.onStderr((text) => {
    const lines = (rest + text).split('\n')
    rest = (lines.pop() ?? '').slice(-2000)
    line = lines.findLast((candidate) => candidate.trim() !== '')?.trim() ?? line
  })
  return () => (rest.trim() || line).slice(0, 500)
}

function crashError(name: string, { code, signal }: ChildExit, lastWords: string): AppError {
  const how = signal === null ? `exit code ${String(code)}` : `signal "${signal}"`
  return new AppError(
    'MODEL_CRASHED',
    `The process of "${name}" ended by itself: ${how}${lastWords && `, last words "${lastWords}"`}`,
    { details: { help: 'The model is loaded again with the next turn' } },
  )
}

function hangError(name: string, how: string): AppError {
  return new AppError('MODEL_CRASHED', `"${name}" stopped responding: it ${how}, so its process was ended`, {
    details: {
      help: 'The model is loaded again with the next turn. If this conversation stops it again, its chat template may be at fault',
    },
  })
}

/**
 * Takes events as they come and hands out every one that came before it reports an error: oRPC's own queue is dropped when the child
 * dies, and an answer's last words with it.
 */
async function* drain(
  source: AsyncIterator<unknown, unknown, void>,
  mapError: (error: unknown) => unknown,
): AsyncGenerator<unknown, unknown, void> {
  const inbox: { events: unknown[]; end: (() => unknown) | null } = { events: [], end: null }
  let arrival = Promise.withResolvers<null>()
  void (async () => {
    try {
      for (;;) {
        const { value, done } = await source.next()
        if (done === true) {
          inbox.end = () => value
          return
        }
        inbox.events.push(value)
        arrival.resolve(null)
      }
    } catch (error) {
      const mapped = mapError(error)
      inbox.end = () => {
        throw mapped
      }
    } finally {
      arrival.resolve(null)
    }
  })()
  try {
    for (;;) {
      yield* inbox.events.splice(0)
      if (inbox.events.length > 0) continue
      if (inbox.end) return inbox.end()
      await arrival.promise
      arrival = Promise.withResolvers<null>()
    }
  } finally {
    await source.return?.()
  }
}

function isAsyncIterator(value: unknown): value is AsyncIterator<unknown, unknown, void> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
}
