import { utilityProcess } from 'electron'
import { childFlags, type ChildChannel, type ChildExit, type StartChildOptions } from '../host/starter.ts'
import { readExitCode } from './exit-code.ts'

/** Starts a child as an Electron utility process; after the app is ready. */
export function startUtilityChild({
  file,
  args = [],
  env = {},
  heapLimitMb,
}: StartChildOptions): ChildChannel {
  const child = utilityProcess.fork(file, [...args], {
    env: { ...process.env, ...env },
    execArgv: [...childFlags(heapLimitMb)],
    stdio: ['ignore', 'ignore', 'pipe'],
    serviceName: 'Plenum model',
  })
  const state = { processId: child.pid, hasEnded: false, isUnwanted: false }
  const stderrListeners = new Set<(text: string) => void>()
  const exit = Promise.withResolvers<ChildExit>()
  const silence = Promise.withResolvers<null>()

  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (text: string) => {
    for (const listener of stderrListeners) listener(text)
  })
  if (child.stderr) child.stderr.once('close', () => silence.resolve(null))
  else silence.resolve(null)
  child.once('spawn', () => {
    state.processId = child.pid
    // A process that does not run yet cannot be killed: https://github.com/electron/electron/issues/44009
    if (state.isUnwanted) child.kill()
  })
  child.on('error', (_, location) => {
    for (const listener of stderrListeners) listener(`V8 ended the process in ${location}\n`)
  })
  child.once('exit', (code) => {
    state.hasEnded = true
    exit.resolve(readExitCode(code))
  })
  // The pipe may close after the process, and its last words say why it died; a grandchild could hold it open.
  const ended = exit.promise.then(async (how) => {
    await Promise.race([silence.promise, elapsed(500)])
    return how
  })

  return {
    get processId() {
      return state.processId
    },
    postMessage(message) {
      if (!state.hasEnded) child.postMessage(message)
    },
    onMessage(listener) {
      child.on('message', listener)
      return () => child.off('message', listener)
    },
    onExit(listener) {
      const listeners = new Set([listener])
      void ended.then((how) => {
        for (const hear of listeners) hear(how)
      })
      return () => void listeners.delete(listener)
    },
    onStderr(listener) {
      stderrListeners.add(listener)
      return () => void stderrListeners.delete(listener)
    },
    kill() {
      state.isUnwanted = true
      if (state.hasEnded) return
      // Electron's own kill asks politely, and a process in native code does not listen.
      if (state.processId === undefined || !killNow(state.processId)) child.kill()
    },
  }
}

function killNow(processId: number): boolean {
  try {
    return process.kill(processId, 'SIGKILL')
  } catch {
    // It ended a moment ago.
    return false
  }
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
