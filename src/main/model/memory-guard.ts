import { Worker } from 'node:worker_threads'

/**
 * Ends this process when its resident memory passes a limit, or when the process that started it is gone. It looks from a thread of its
 * own, so that it also sees what native code or an endless loop on the main thread does. There is no event for memory that grows, so
 * it polls, and only while watched.
 */
export class MemoryGuard {
  readonly #worker: Worker

  constructor({ limitBytes }: { limitBytes: number }) {
    this.#worker = new Worker(watcher, { eval: true, workerData: { limitBytes, intervalMs: 20 } })
    this.#worker.unref()
  }

  /** Watches until the returned is disposed. */
  watch(): Disposable {
    this.#worker.postMessage('watch')
    return { [Symbol.dispose]: () => this.#worker.postMessage('rest') }
  }
}

// A string, not a file: it works the same from source and from a bundle.
const watcher = `
const { parentPort, workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const parent = process.ppid
let timer
parentPort.on('message', (message) => {
  clearInterval(timer)
  if (message === 'watch') timer = setInterval(check, workerData.intervalMs)
})
function check() {
  // A main thread that is busy for ever does not hear that the channel to the host has closed.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
  if (process.memoryUsage.rss() <= workerData.limitBytes) return
  writeSync(2, 'more than ' + Math.round(workerData.limitBytes / 2 ** 20) + ' MB of memory\\n')
  process.kill(process.pid, 'SIGKILL')
}
`
