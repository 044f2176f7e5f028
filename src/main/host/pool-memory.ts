import { readFile } from 'node:fs/promises'
import { otherBytes, type MachineReading } from '../core/capacity.ts'

/** How often the machine's memory is read while somebody watches the pool. No system tells of its changes by itself. */
const sampleMs = 2000

/** A reading that is younger than this serves again, so that many questions at once are one reading. */
const freshMs = 250

/** A process of ours, and what it has reserved besides mapped weights, for systems that do not tell what it holds. */
export type OwnProcess = { readonly processId: number | null; readonly reservedPrivateBytes: number }

/** Watches what other programs hold of the machine's memory. */
export class PoolMemory implements Disposable {
  readonly #readMachine: () => Promise<MachineReading>
  readonly #ownProcesses: () => readonly OwnProcess[]
  readonly #onSample: (otherBytes: number) => void
  #watchers = 0
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #sampledAt = -Infinity

  constructor(options: {
    readMachine: () => Promise<MachineReading>
    ownProcesses: () => readonly OwnProcess[]
    /** Hears what other programs hold, in bytes of the whole machine. */
    onSample: (otherBytes: number) => void
  }) {
    this.#readMachine = options.readMachine
    this.#ownProcesses = options.ownProcesses
    this.#onSample = options.onSample
  }

  /** Reads the machine's memory now. */
  async sample(): Promise<void> {
    if (performance.now() - this.#sampledAt < freshMs) return
    this.#running ??= this.#sample().finally(() => {
      this.#running = null
    })
    await this.#running
  }

  /** Keeps the figure fresh until the result is disposed. */
  watch(): Disposable {
    if (++this.#watchers === 1) this.#timer = setInterval(() => this.#sampleInBackground(), sampleMs)
    this.#sampleInBackground()
    let isWatching = true
    return {
      [Symbol.dispose]: () => {
        if (!isWatching) return
        isWatching = false
        if (--this.#watchers === 0) clearInterval(this.#timer)
      },
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #sampleInBackground(): void {
    // A reading that fails leaves the last figure; whoever asks for one hears of it.
    this.sample().catch(() => undefined)
  }

  async #sample(): Promise<void> {
    const own = this.#ownProcesses()
    const [reading, ...privateBytes] = await Promise.all([this.#readMachine(), ...own.map(readPrivateBytes)])
    this.#sampledAt = performance.now()
    const ours = privateBytes.reduce((sum, bytes) => sum + bytes, 0)
    this.#onSample(otherBytes(reading, ours))
  }
}

/**
 * Private memory of a process in bytes. From Linux's counters (`RssAnon` of /proc/PID/status), which cost nothing to read, where
 * smaps would walk all pages of a mapped model; elsewhere what it has reserved.
 */
async function readPrivateBytes({ processId, reservedPrivateBytes }: OwnProcess): Promise<number> {
  if (process.platform !== 'linux' || processId === null) return reservedPrivateBytes
  try {
    const status = await readFile(`/proc/${String(processId)}/status`, 'latin1')
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    // The process has just ended: it holds nothing.
    return 0
  }
}
