import type { DatabaseSync } from 'node:sqlite'
import { measurementSchema, type Measurement } from '../../contract/memory.ts'
import type { LoadSpeed } from '../core/file-access.ts'

/** What a measurement belongs to: a model's file as it was, and what computed. */
export type MeasuredFile = { readonly modelId: string; readonly stamp: string; readonly backend: string }

/** How many are kept for each model. */
const historyLength = 50
/** How many of the newest loads say how fast this machine reads. */
const readings = 64

/** Shorter readings say little about speed. */
const fewestReadTokens = 32

/** How fast a model has written lately, and how long its answers were. */
export type WritingSpeed = { readonly tokensPerSecond: number; readonly answerTokens: number }

/** Of a new answer's figures so much counts, the rest is what was known. */
const newShare = 0.3

/**
 * What loads were predicted to take and took, and how fast models read and write: the only writer of the tables `measurements`, `reading_speeds` and
 * `writing_speeds`.
 */
export class Measurements {
  readonly #database: DatabaseSync

  /** By backend; asked for at each preview. */
  readonly #speeds = new Map<string, readonly LoadSpeed[]>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Writes one down; the id by which `replace` changes it. */
  add(file: MeasuredFile, measurement: Measurement): number {
    this.#speeds.clear()
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO measurements (model_id, file, backend, at, entry) VALUES (?, ?, ?, ?, ?)')
      .run(file.modelId, file.stamp, file.backend, measurement.at, JSON.stringify(measurement))
    this.#database
      .prepare(
        'DELETE FROM measurements WHERE model_id = ? AND id NOT IN (SELECT id FROM measurements WHERE model_id = ? ORDER BY id DESC LIMIT ?)',
      )
      .run(file.modelId, file.modelId, historyLength)
    return Number(lastInsertRowid)
  }

  replace(id: number, measurement: Measurement): void {
    this.#database
      .prepare('UPDATE measurements SET entry = ? WHERE id = ?')
      .run(JSON.stringify(measurement), id)
  }

  /** Of a model, newest first. */
  history(modelId: string): Measurement[] {
    return this.#database
      .prepare('SELECT entry FROM measurements WHERE model_id = ? ORDER BY id DESC')
      .all(modelId)
      .flatMap(parseEntry)
  }

  /** How fast loads were on this backend, newest first. */
  speeds(backend: string): readonly LoadSpeed[] {
    const known = this.#speeds.get(backend)
    if (known) return known
    const speeds = this.#database
      .prepare('SELECT entry FROM measurements WHERE backend = ? ORDER BY id DESC LIMIT ?')
      .all(backend, readings)
      .flatMap(parseEntry)
      .flatMap(({ reading, loadedWith: { fileAccess } }) => (reading ? [{ fileAccess, ...reading }] : []))
    this.#speeds.set(backend, speeds)
    return speeds
  }

  /** Keeps how fast a model has just read, in place of what was kept. */
  addReading(
    { modelId, stamp, backend }: MeasuredFile,
    { tokens, ms }: { readonly tokens: number; readonly ms: number },
  ): void {
    if (tokens < fewestReadTokens) return
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO reading_speeds (model_id, file, backend, tokens_per_second) VALUES (?, ?, ?, ?)',
      )
      .run(modelId, stamp, backend, (tokens * 1000) / ms)
  }

  /** Tokens a second that this very file was read with last on this backend; null before that. */
  readingSpeed({ modelId, stamp, backend }: MeasuredFile): number | null {
    const row = this.#database
      .prepare(
        'SELECT tokens_per_second AS speed FROM reading_speeds WHERE model_id = ? AND file = ? AND backend = ?',
      )
      .get(modelId, stamp, backend)
    return typeof row?.['speed'] === 'number' ? row['speed'] : null
  }

  /** Keeps how fast a model has just written an answer of so many tokens, averaged with those before. */
  addWriting(file: MeasuredFile, { tokensPerSecond, answerTokens }: WritingSpeed): void {
    const known = this.writingSpeed(file)
    const mix = (before: number | undefined, now: number) =>
      before === undefined ? now : before * (1 - newShare) + now * newShare
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO writing_speeds (model_id, file, backend, tokens_per_second, answer_tokens) VALUES (?, ?, ?, ?, ?)',
      )
      .run(
        ...[file.modelId, file.stamp, file.backend],
        mix(known?.tokensPerSecond, tokensPerSecond),
        mix(known?.answerTokens, answerTokens),
      )
  }

  /** How fast this very file has written on this backend; null before its first answer. */
  writingSpeed({ modelId, stamp, backend }: MeasuredFile): WritingSpeed | null {
    const row = this.#database
      .prepare(
        'SELECT tokens_per_second AS tokensPerSecond, answer_tokens AS answerTokens FROM writing_speeds WHERE model_id = ? AND file = ? AND backend = ?',
      )
      .get(modelId, stamp, backend)
    return typeof row?.['tokensPerSecond'] === 'number' && typeof row['answerTokens'] === 'number'
      ? { tokensPerSecond: row['tokensPerSecond'], answerTokens: row['answerTokens'] }
      : null
  }

  /** The newest of this very file on this backend. */
  latest({ modelId, stamp, backend }: MeasuredFile): Measurement | undefined {
    const row = this.#database
      .prepare(
        'SELECT entry FROM measurements WHERE model_id = ? AND file = ? AND backend = ? ORDER BY id DESC LIMIT 1',
      )
      .get(modelId, stamp, backend)
    return row === undefined ? undefined : parseEntry(row)[0]
  }
}

/** Rows that another version wrote and that do not fit any more are left out. */
function parseEntry({ entry }: Record<string, unknown>): Measurement[] {
  const measurement = measurementSchema.safeParse(typeof entry === 'string' ? JSON.parse(entry) : null)
  return measurement.success ? [measurement.data] : []
}
