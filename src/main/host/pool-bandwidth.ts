import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { GenerateEvent } from '../../contract/backend.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import { BandwidthMeter, type TokenBytes } from '../core/bandwidth.ts'
import { readMemo, writeMemo } from './settings.ts'

/** Hears what an answer's model does. */
export type AnswerMeter = {
  take(event: GenerateEvent): void
  /** It is over, however that came. */
  end(): void
}

/** Where the best that was measured is kept, by device. */
const memoKey = 'bandwidth'

/** How fast the models of this host read memory, and the best that each device was seen to do, kept over restarts. */
export class PoolBandwidth {
  readonly #database: DatabaseSync
  readonly #device: () => string
  readonly #bytesOf: (modelId: string) => TokenBytes | null
  readonly #onChange: () => void
  #meter: { readonly device: string; readonly of: BandwidthMeter } | null = null

  constructor(options: {
    readonly database: DatabaseSync
    /** What computes; what was measured of one says nothing of another. */
    readonly device: () => string
    /** What a model reads for each token; null: nobody knows. */
    readonly bytesOf: (modelId: string) => TokenBytes | null
    readonly onChange: () => void
  }) {
    this.#database = options.database
    this.#device = options.device
    this.#bytesOf = options.bytesOf
    this.#onChange = options.onChange
  }

  reading(): PoolSnapshot['bandwidth'] {
    return this.#current.reading()
  }

  /** Follows an answer of a model. */
  follow(modelId: string): AnswerMeter {
    const bytes = this.#bytesOf(modelId)
    let promptTokens = 0
    return {
      take: (event) => {
        if (event.kind === 'reading') ({ promptTokens } = event)
        if (event.kind !== 'text' || !bytes) return
        const { generatedTokens, acceptedTokens = 0 } = event
        const bytesPerStep = bytes.weightBytes + bytes.kvBytes(promptTokens + generatedTokens)
        this.#current.take(modelId, {
          generatedTokens,
          steps: generatedTokens - acceptedTokens,
          bytesPerStep,
        })
      },
      end: () => {
        this.#current.end(modelId)
        this.#keepBest()
        this.#onChange()
      },
    }
  }

  get #current(): BandwidthMeter {
    const device = this.#device()
    if (this.#meter?.device !== device) {
      const bestBytesPerSecond = this.#kept()[device] ?? null
      this.#meter = { device, of: new BandwidthMeter({ now: () => performance.now(), bestBytesPerSecond }) }
    }
    return this.#meter.of
  }

  #keepBest(): void {
    const best = this.#current.bestBytesPerSecond
    const kept = this.#kept()
    const device = this.#device()
    if (best === null || best <= (kept[device] ?? 0)) return
    writeMemo(this.#database, memoKey, { ...kept, [device]: best })
  }

  #kept(): Readonly<Record<string, number>> {
    const parsed = keptSchema.safeParse(readMemo(this.#database, memoKey))
    return parsed.success ? parsed.data : {}
  }
}

const keptSchema = z.record(z.string(), z.number().positive())
