/** How a child process ended: an exit code, or the signal that killed it. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: string | null
}

/** A child process of this program and the channel to it. Messages are structured clones. */
export interface ChildChannel {
  /** Undefined until the process runs. */
  readonly processId: number | undefined
  /** Dropped when the child is gone: `onExit` tells. */
  postMessage(message: unknown): void
  onMessage(listener: (message: unknown) => void): () => void
  /** Called once, after the last message and the last words on stderr. */
  onExit(listener: (exit: ChildExit) => void): () => void
  onStderr(listener: (text: string) => void): () => void
  /** Ends the process at once; its memory comes back whatever it is doing. Harmless when it has ended. */
  kill(): void
}

/** What to start a child with. */
export interface StartChildOptions {
  /** The program: a module for Node or for Electron's utility process. */
  readonly file: string
  readonly args?: readonly string[]
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Upper limit of the JavaScript heap, in MB. */
  readonly heapLimitMb?: number
}

/** Starts a child. Node's is in `node-starter.ts`, Electron's belongs to the desktop shell. */
export type StartChild = (options: StartChildOptions) => ChildChannel

/**
 * V8's flags for a child. What a model process keeps for new objects counts as the model's memory: 2 MB of it in place of 16 have saved 20 MB
 * of 100 for each process.
 */
export function childFlags(heapLimitMb: number | undefined): readonly string[] {
  return [
    '--max-semi-space-size=2',
    ...(heapLimitMb === undefined ? [] : [`--max-old-space-size=${String(heapLimitMb)}`]),
  ]
}
