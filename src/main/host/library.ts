import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { AppError, toProblem } from '../../contract/errors.ts'
import {
  libraryModelSchema,
  type AddResult,
  type LibraryModel,
  type LoadOptions,
} from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import type { Probe } from './probe.ts'

/** What the library is made of. */
export type LibraryOptions = {
  readonly database: DatabaseSync
  readonly probe: Probe
  readonly settings: () => Settings
  readonly demoFolder: string
  readonly modelsFolder: string
  readonly home: string
}

/** The models of this machine: a first version that knows the demo models, the models folder and what was added. */
export class Library implements AsyncDisposable {
  readonly #options: LibraryOptions
  readonly #listeners = new Set<() => void>()
  readonly #entries = new Map<string, LibraryModel>()
  readonly #leaving = new AbortController()

  constructor(options: LibraryOptions) {
    this.#options = options
    for (const row of options.database.prepare('SELECT entry FROM models').all()) {
      const entry = libraryModelSchema.safeParse(JSON.parse(String(row['entry'])))
      if (entry.success) this.#entries.set(entry.data.id, entry.data)
    }
    void this.rescan().catch(() => undefined)
  }

  list(): LibraryModel[] {
    return [...this.#entries.values()]
  }

  get(id: string): LibraryModel | undefined {
    return this.#entries.get(id)
  }

  async add(place: string, _options: { signal?: AbortSignal | undefined } = {}): Promise<AddResult[]> {
    try {
      return [await this.#addFile(path.resolve(place), 'added')]
    } catch (error) {
      return [{ kind: 'refused', path: place, problem: toProblem(error) }]
    }
  }

  remove(id: string): void {
    this.#entries.delete(id)
    this.#options.database.prepare('DELETE FROM models WHERE id = ?').run(id)
    this.#tell()
  }

  update(
    id: string,
    changes: { name?: string | undefined; loadOptions?: LoadOptions | undefined },
  ): LibraryModel {
    const entry = this.#entries.get(id)
    if (!entry) throw new AppError('NOT_FOUND', `There is no model "${id}"`, { details: { modelId: id } })
    return this.#save({
      ...entry,
      name: changes.name ?? entry.name,
      loadOptions: changes.loadOptions ?? entry.loadOptions,
    })
  }

  setPinned(id: string, pinned: boolean): void {
    const entry = this.#entries.get(id)
    if (entry) this.#save({ ...entry, pinned })
  }

  async rescan(): Promise<void> {
    for (const [folder, source] of [
      [this.#options.demoFolder, 'demo'],
      [this.#options.modelsFolder, 'added'],
    ] as const) {
      for (const name of (await readdir(folder)).filter((file) => file.endsWith('.gguf')).sort()) {
        await this.#addFile(path.join(folder, name), source).catch(() => undefined)
      }
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort()
  }

  async #addFile(file: string, source: LibraryModel['source']): Promise<AddResult> {
    const known = this.list().find(({ paths }) => paths[0] === file)
    if (known) return { kind: 'known', model: known }
    const inspection = await this.#options.probe.inspect([file], { signal: this.#leaving.signal })
    if (inspection.kind !== 'model')
      throw new AppError('BAD_MODEL_FILE', `"${path.basename(file)}" is no model`)
    const id = path.basename(file, '.gguf').toLowerCase()
    const model = this.#save({
      id,
      name: inspection.facts.title ?? path.basename(file, '.gguf'),
      paths: [file],
      fileBytes: (await stat(file)).size,
      source,
      projectorPath: null,
      file: { kind: 'usable', facts: inspection.facts },
      pinned: false,
      colour: this.#entries.size,
      loadOptions: {},
      addedAt: Date.now(),
    })
    return { kind: 'added', model }
  }

  #save(entry: LibraryModel): LibraryModel {
    this.#entries.set(entry.id, entry)
    this.#options.database
      .prepare(
        'INSERT INTO models (id, entry) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET entry = excluded.entry',
      )
      .run(entry.id, JSON.stringify(entry))
    this.#tell()
    return entry
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
