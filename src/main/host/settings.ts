import type { DatabaseSync } from 'node:sqlite'
import { definedOf } from '../../contract/defined.ts'
import { settingsSchema, type Settings, type SettingsChanges } from '../../contract/settings.ts'

/** The user's settings, kept in the database: one row a setting, so that one that is damaged falls back alone. */
export class SettingsStore {
  readonly #database: DatabaseSync
  readonly #listeners = new Set<(settings: Settings) => void>()
  #settings: Settings

  constructor(database: DatabaseSync) {
    this.#database = database
    const rows = database.prepare('SELECT key, value FROM settings').all() as { key: string; value: string }[]
    this.#settings = settingsSchema.parse(
      Object.fromEntries(rows.map(({ key, value }) => [key, parseJson(value)])),
    )
  }

  /** The settings now, defaults filled in. */
  get(): Settings {
    return this.#settings
  }

  /** Changes some settings; those that are absent stay. Values have passed the contract. */
  set(changes: SettingsChanges): Settings {
    const entries = Object.entries(definedOf(changes))
    if (entries.length === 0) return this.#settings
    const insert = this.#database.prepare(
      'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    )
    this.#database.exec('BEGIN')
    for (const [key, value] of entries) insert.run(key, JSON.stringify(value))
    this.#database.exec('COMMIT')
    this.#settings = settingsSchema.parse({ ...this.#settings, ...Object.fromEntries(entries) })
    for (const listener of [...this.#listeners]) listener(this.#settings)
    return this.#settings
  }

  /** Calls `listener` after each change; returns its unsubscribe. */
  onChange(listener: (settings: Settings) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** A value kept by the host itself, beside the user's settings: read with `readMemo`. Keys start with "memo:". */
export function writeMemo(database: DatabaseSync, key: string, value: unknown): void {
  database
    .prepare(
      'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    )
    .run(`memo:${key}`, JSON.stringify(value))
}

/** A value kept by `writeMemo`, not yet parsed; undefined when there is none. */
export function readMemo(database: DatabaseSync, key: string): unknown {
  const row = database.prepare('SELECT value FROM settings WHERE key = ?').get(`memo:${key}`) as
    { value: string } | undefined
  return row === undefined ? undefined : parseJson(row.value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A damaged row counts as absent: the default takes its place.
    return undefined
  }
}
