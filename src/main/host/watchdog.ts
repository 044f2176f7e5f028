/** How long a model process may take, in milliseconds. */
export type Patience = {
  /** Without a sign of life: its event loop stands still. The longest that it may is reading a message of megabytes into tokens. */
  readonly silenceMs: number
  /** The same, after it was asked to stop. */
  readonly silenceAfterStopMs: number
  /** From being asked to stop to having stopped. One batch of a large model can take most of a minute on a slow processor. */
  readonly stopMs: number
}

/** Long enough for a busy machine, short enough to wait for. */
export const usualPatience: Patience = { silenceMs: 30_000, silenceAfterStopMs: 10_000, stopMs: 60_000 }

/** What is watched. */
export type Watched = {
  /** Signs of life, until `signal` aborts. */
  readonly pulse: (signal: AbortSignal) => Promise<AsyncIterable<unknown>>
  readonly patience: Patience
  /** Aborts when it is asked to stop. */
  readonly stop: AbortSignal | undefined
  /** Called once, in words that go on after "it": the process hangs. Not called after disposal. */
  readonly onHung: (how: string) => void
}

/** A silence is measured in so many parts: one that a sleeping machine or a busy host makes is a single one. */
const silenceParts = 3

/** Watches over a process while it works, until the result is disposed. */
export function watchOver({ pulse, patience, stop, onHung }: Watched): Disposable {
  const over = new AbortController()
  let { silenceMs } = patience
  let silentParts = 0
  let silence = setTimeout(grow, silenceMs / silenceParts)
  let stopping: NodeJS.Timeout | undefined

  function takeSignOfLife(): void {
    silentParts = 0
    clearTimeout(silence)
    if (!over.signal.aborted) silence = setTimeout(grow, silenceMs / silenceParts)
  }
  function grow(): void {
    silentParts++
    if (silentParts === silenceParts) hang(`gave no sign of life for ${seconds(silenceMs)}`)
    else silence = setTimeout(grow, silenceMs / silenceParts)
  }
  function hurry(): void {
    silenceMs = patience.silenceAfterStopMs
    takeSignOfLife()
    stopping = setTimeout(() => hang(`did not stop within ${seconds(patience.stopMs)}`), patience.stopMs)
  }
  function hang(how: string): void {
    end()
    onHung(how)
  }
  function end(): void {
    over.abort()
    clearTimeout(silence)
    clearTimeout(stopping)
    stop?.removeEventListener('abort', hurry)
  }

  async function listen(): Promise<void> {
    const signs = (await pulse(over.signal))[Symbol.asyncIterator]()
    while ((await signs.next()).done !== true) takeSignOfLife()
  }
  // A process that has ended says so by itself, and a pulse that has ended is silence.
  listen().catch(() => undefined)
  stop?.addEventListener('abort', hurry, { once: true })
  if (stop?.aborted === true) hurry()
  return { [Symbol.dispose]: end }
}

function seconds(ms: number): string {
  return `${String(Math.ceil(ms / 1000))} seconds`
}
