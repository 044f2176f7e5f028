import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { type LibraryModel, libraryModelSchema } from '../../contract/model.ts'

/** An entry of the library with what the host knows of its files. */
export type LibraryEntry = {
  readonly model: LibraryModel
  /** Sizes and dates of its files when they were last inspected; null when that has to be done (again). */
  readonly stamp: string | null
  /** The user gave it this name. */
  readonly isRenamed: boolean
  /** The user has said what it is for, or that it is for nothing. */
  readonly hasOwnRole: boolean
}

/** An image projector: a file that is known and not listed. */
export type KnownProjector = { readonly path: string; readonly stamp: string }

const entrySchema = z.object({
  model: libraryModelSchema,
  stamp: z.string().nullable(),
  isRenamed: z.boolean(),
  hasOwnRole: z.boolean().default(false),
})
/** What is left of an entry that another version wrote: its file is inspected again. */
const agedEntrySchema = z.object({
  model: libraryModelSchema.extend({ file: z.unknown().transform(() => ({ kind: 'inspecting' as const })) }),
  isRenamed: z.boolean().default(false),
  hasOwnRole: z.boolean().default(false),
})
const notesSchema = z.object({
  /** Files that the user took out: looking around does not bring them back. */
  forgotten: z.array(z.string()).catch([]),
  projectors: z.array(z.object({ path: z.string(), stamp: z.string() })).catch([]),
})
type Notes = z.infer<typeof notesSchema>

/** Where the library keeps its notes beside the entries, in the table of settings. */
const notesKey = 'memo:library'

/** The library's part of the database. */
export class LibraryRows {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** All entries; rows that cannot be understood are left out. */
  entries(): LibraryEntry[] {
    return this.#database
      .prepare('SELECT entry FROM models ORDER BY rowid')
      .all()
      .flatMap((row) => {
        const stored = parseJson(row['entry'])
        const entry = entrySchema.safeParse(stored)
        if (entry.success) return [entry.data]
        const aged = agedEntrySchema.safeParse(stored)
        return aged.success ? [{ ...aged.data, stamp: null }] : []
      })
  }

  save(entry: LibraryEntry): void {
    this.#database
      .prepare(
        'INSERT INTO models (id, entry) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET entry = excluded.entry',
      )
      .run(entry.model.id, JSON.stringify(entry))
  }

  remove(id: string): void {
    this.#database.prepare('DELETE FROM models WHERE id = ?').run(id)
  }

  notes(): Notes {
    const row = this.#database.prepare('SELECT value FROM settings WHERE key = ?').get(notesKey)
    const notes = notesSchema.safeParse(parseJson(row?.['value']))
    return notes.success ? notes.data : { forgotten: [], projectors: [] }
  }

  saveNotes(notes: {
    readonly forgotten: readonly string[]
    readonly projectors: readonly KnownProjector[]
  }): void {
    this.#database
      .prepare(
        'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      )
      .run(notesKey, JSON.stringify(notes))
  }
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return null
  try {
    return JSON.parse(text)
  } catch {
    // A damaged row is left out.
    return null
  }
}
