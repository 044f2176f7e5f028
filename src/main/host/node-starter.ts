import { fork } from 'node:child_process'
import { childFlags, type ChildChannel, type ChildExit, type StartChildOptions } from './starter.ts'

/** Starts a child as a plain Node process. */
export function startNodeChild({ file, args = [], env = {}, heapLimitMb }: StartChildOptions): ChildChannel {
  const child = fork(file, [...args], {
    env: { ...process.env, ...env },
    // Not this process's own flags: a debugger's port or a test runner's loader is not the child's.
    execArgv: [...childFlags(heapLimitMb)],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  child.stderr?.setEncoding('utf8')

  const exitListeners = new Set<(exit: ChildExit) => void>()
  const stderrListeners = new Set<(text: string) => void>()
  let hasEnded = false
  function end(exit: ChildExit): void {
    if (hasEnded) return
    hasEnded = true
    for (const listener of exitListeners) listener(exit)
  }
  child.stderr?.on('data', (text: string) => {
    for (const listener of stderrListeners) listener(text)
  })
  // "close" comes after the last message and the last words, "exit" may come before them.
  child.on('close', (code, signal) => {
    end({ code, signal })
  })
  child.on('error', (error) => {
    // Errors of a running child (a message that could not be sent) are followed by its end.
    if (child.pid !== undefined) return
    for (const listener of stderrListeners) listener(`${error.message}\n`)
    end({ code: null, signal: null })
  })

  return {
    get processId() {
      return child.pid
    },
    postMessage(message) {
      // The callback takes the error of a channel that closes meanwhile.
      if (child.connected) child.send(message as object, () => undefined)
    },
    onMessage(listener) {
      child.on('message', listener)
      return () => child.off('message', listener)
    },
    onExit: (listener) => subscribe(exitListeners, listener),
    onStderr: (listener) => subscribe(stderrListeners, listener),
    kill: () => void child.kill('SIGKILL'),
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
