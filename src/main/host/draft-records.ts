import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { DraftFigures } from '../../contract/backend.ts'
import { addToRecord, type DraftRecord } from '../core/drafting.ts'
import type { MeasuredFile } from './measurements.ts'

const timed = z.object({ tokens: z.number(), ms: z.number() })
const recordSchema = z.object({
  proposedTokens: z.number(),
  acceptedTokens: z.number(),
  drafted: timed,
  plain: timed,
})

/** What drafting has come to for each model with each draft on this machine: the only writer of the table `draft_records`. */
export class DraftRecords {
  readonly #database: DatabaseSync
  /** Asked for at each preview. */
  readonly #known = new Map<string, DraftRecord | null>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Of a model's very file on this backend with a draft; null before it was tried. */
  get(file: MeasuredFile, draft: string): DraftRecord | null {
    const key = JSON.stringify([file, draft])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const row = this.#database
      .prepare(
        'SELECT entry FROM draft_records WHERE model_id = ? AND draft = ? AND file = ? AND backend = ?',
      )
      .get(file.modelId, draft, file.stamp, file.backend)
    const entry = row?.['entry']
    // What another version wrote and does not fit any more is measured again.
    const parsed = recordSchema.safeParse(typeof entry === 'string' ? JSON.parse(entry) : null)
    const record = parsed.success ? parsed.data : null
    this.#known.set(key, record)
    return record
  }

  /** Adds an answer. */
  add(file: MeasuredFile, draft: string, figures: DraftFigures): void {
    const record = addToRecord(this.get(file, draft), figures)
    this.#known.set(JSON.stringify([file, draft]), record)
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO draft_records (model_id, draft, file, backend, entry) VALUES (?, ?, ?, ?, ?)',
      )
      .run(file.modelId, draft, file.stamp, file.backend, JSON.stringify(record))
  }
}
