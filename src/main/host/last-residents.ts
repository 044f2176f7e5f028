import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { readMemo, writeMemo } from './settings.ts'

const memoSchema = z.array(z.string())

/** The set of resident models, kept over restarts. */
export class LastResidents {
  readonly #database: DatabaseSync
  #written: string

  /** Ids of the models that were resident when the app last ended; null when it has never run. */
  readonly atStart: readonly string[] | null

  constructor(database: DatabaseSync) {
    this.#database = database
    const memo = memoSchema.safeParse(readMemo(database, 'residents'))
    this.atStart = memo.success ? memo.data : null
    this.#written = JSON.stringify(this.atStart)
  }

  /** Keeps the set; writes only when it differs from what is kept. */
  keep(modelIds: readonly string[]): void {
    const next = JSON.stringify(modelIds)
    if (next === this.#written) return
    this.#written = next
    writeMemo(this.#database, 'residents', modelIds)
  }
}
