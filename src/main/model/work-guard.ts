import { Worker } from 'node:worker_threads'

/**
 * Ends this process when its resident memory passes a limit, when a piece of work has taken too much processor time (not time by the clock,
 * which passes on a busy machine too), or when the process that started it is gone. It looks from a thread of its own, so that it also sees
 * what native code or an endless loop on the main thread does. There is no event for memory that grows, so it polls, and only while watched.
 */
export class WorkGuard {
  readonly #worker: Worker

  constructor({ limitBytes }: { limitBytes: number }) {
    this.#worker = new Worker(watcher, { eval: true, workerData: { limitBytes, intervalMs: 20 } })
    this.#worker.unref()
  }

  /** Watches a piece of work until the returned is disposed. */
  watch({ limitCpuMs = Infinity }: { readonly limitCpuMs?: number | undefined } = {}): Disposable {
    this.#worker.postMessage({ limitCpuMs })
    return { [Symbol.dispose]: () => this.#worker.postMessage(null) }
  }
}

// A string, not a file: it works the same from source and from a bundle.
const watcher = `
const { parentPort, workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const parent = process.ppid
let timer, limitCpuMs, before
parentPort.on('message', (work) => {
  clearInterval(timer)
  if (work === null) return
  limitCpuMs = work.limitCpuMs
  before = process.cpuUsage()
  timer = setInterval(check, workerData.intervalMs)
})
function check() {
  // A main thread that is busy for ever does not hear that the channel to the host has closed.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
  if (process.memoryUsage.rss() > workerData.limitBytes)
    end(Math.round(workerData.limitBytes / 2 ** 20) + ' MB of memory')
  const { user, system } = process.cpuUsage(before)
  if ((user + system) / 1000 > limitCpuMs) end(Math.ceil(limitCpuMs / 1000) + ' seconds of processor time')
}
function end(what) {
  writeSync(2, 'more than ' + what + '\\n')
  process.kill(process.pid, 'SIGKILL')
}
`
