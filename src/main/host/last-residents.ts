import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { LibraryModel } from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import type { Library } from './library.ts'
import { readMemo, writeMemo } from './settings.ts'

const memoSchema = z.array(z.string())

/** What bringing models back takes. */
export type LastResidentsOptions = {
  readonly database: DatabaseSync
  readonly library: Pick<Library, 'list' | 'get' | 'onChange'>
  /** Loads a model if nobody has to leave for it. */
  readonly loadIfItFits: (modelId: string) => Promise<void>
  readonly onChange: () => void
  readonly onDefect: (error: unknown, path: readonly string[]) => void
}

/** Keeps which models are resident, and brings them back at the next start. */
export class LastResidents implements Disposable {
  readonly #options: LastResidentsOptions
  /** Ids of the models that were resident when the app last ended; null when it has never run. */
  readonly #atStart: readonly string[] | null
  /** About to be loaded again. */
  readonly #coming = new Set<string>()
  #offered: readonly string[] = []
  #written: string
  #unsubscribe: () => void = () => undefined
  #isClosed = false

  constructor(options: LastResidentsOptions) {
    this.#options = options
    const memo = memoSchema.safeParse(readMemo(options.database, 'residents'))
    this.#atStart = memo.success ? memo.data : null
    this.#written = JSON.stringify(this.#atStart)
  }

  /**
   * Brings back or offers who was resident, as the settings say; at the very first start the demo models come. Only what fits
   * without anybody leaving. Loads go on in the background.
   */
  start(restore: Settings['restoreResidents']): void {
    if (restore === 'never') this.#offered = []
    else if (this.#atStart === null) this.#bringDemoModels()
    else if (restore === 'always') void this.#bring(this.#atStart)
    else this.#offered = this.#atStart
    this.#options.onChange()
  }

  /** Takes the offer or turns it down. */
  answer({ accept }: { accept: boolean }): void {
    const offered = this.#offered
    this.#offered = []
    if (accept) void this.#bring(offered)
    this.#options.onChange()
  }

  /** Models that can be brought back with one press. */
  get offered(): LibraryModel[] {
    return this.#known(this.#offered)
  }

  /**
   * Keeps who is resident, and who was and may be again: nobody is forgotten because the app ended before an answer. A first start
   * that loaded nothing stays a first start. Never throws.
   */
  keep(resident: readonly string[]): void {
    if (this.#isClosed) return
    // Whoever has come back is not offered again, also when it has left.
    this.#offered = this.#offered.filter((id) => !resident.includes(id))
    const modelIds = [...new Set([...resident, ...this.#offered, ...this.#coming])].sort()
    const next = JSON.stringify(modelIds)
    if (
      next === this.#written ||
      (modelIds.length === 0 && this.#atStart === null && this.#written === 'null')
    )
      return
    try {
      writeMemo(this.#options.database, 'residents', modelIds)
      this.#written = next
    } catch (error) {
      // Residency goes on when the disk is full; the next change tries again.
      this.#options.onDefect(error, ['pool'])
    }
  }

  /** What is resident from now on, as the app ends, is not kept. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#unsubscribe()
  }

  /** Brings each demo model as soon as the library knows it. */
  #bringDemoModels(): void {
    const { library } = this.#options
    const seen = new Set<string>()
    let last = Promise.resolve()
    const look = () => {
      // On a machine that is very busy, finding out what a file is takes more than one try.
      const found = library
        .list()
        .filter(({ id, source, file }) => source === 'demo' && file.kind === 'usable' && !seen.has(id))
      for (const { id } of found) seen.add(id)
      if (found.length > 0) last = last.then(async () => this.#bring(found.map(({ id }) => id)))
    }
    this.#unsubscribe = library.onChange(look)
    look()
  }

  /** One after the other, pinned ones first. Never rejects. */
  async #bring(modelIds: readonly string[]): Promise<void> {
    const models = this.#known(modelIds).sort((a, b) => Number(b.pinned) - Number(a.pinned))
    for (const { id } of models) this.#coming.add(id)
    for (const { id } of models) {
      if (this.#isClosed) return
      try {
        await this.#options.loadIfItFits(id)
      } catch {
        // A file that is gone or broken says so in the library, a load that failed in the pool.
      }
      this.#coming.delete(id)
    }
  }

  #known(modelIds: readonly string[]): LibraryModel[] {
    return modelIds.map((id) => this.#options.library.get(id)).filter((entry) => entry !== undefined)
  }
}
