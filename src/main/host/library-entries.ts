import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../contract/errors.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { demoRole } from './demo-roles.ts'
import type { FileFacts } from './file-stamp.ts'
import { freeColour, freeId } from './library-names.ts'
import { type KnownProjector, type LibraryEntry, LibraryRows } from './library-rows.ts'
import { chooseProjector, modelFilesOf } from './model-files.ts'
import type { FoundModel } from './model-finder.ts'

/** What the library holds: entries, the projectors beside them, and what was taken out. Everything is written down at once. */
export class LibraryEntries {
  readonly #rows: LibraryRows
  readonly #entries = new Map<string, LibraryEntry>()
  readonly #projectors = new Map<string, KnownProjector>()
  readonly #forgotten: Set<string>
  /** What each entry's files are to the system; not there for those whose files are gone. */
  readonly #identities = new Map<string, string>()
  readonly #listeners = new Set<() => void>()

  constructor(database: DatabaseSync) {
    this.#rows = new LibraryRows(database)
    for (const entry of this.#rows.entries()) this.#entries.set(entry.model.id, entry)
    const { forgotten, projectors } = this.#rows.notes()
    this.#forgotten = new Set(forgotten)
    for (const projector of projectors) this.#projectors.set(projector.path, projector)
  }

  /** All models, in the order in which they came. */
  list(): LibraryModel[] {
    return [...this.#entries.values()].map(({ model }) => model)
  }

  get(id: string): LibraryEntry | undefined {
    return this.#entries.get(id)
  }

  /** The entry with an id; throws `NOT_FOUND`. */
  require(id: string): LibraryEntry {
    const entry = this.#entries.get(id)
    if (entry === undefined)
      throw new AppError('NOT_FOUND', `There is no model "${id}" in the library`, {
        details: { modelId: id },
      })
    return entry
  }

  /** The entry with the same files: by path or, through links and other names, by what they are to the system. */
  findKnown(
    { first, real }: { first: string; real: string },
    facts: FileFacts | null,
  ): LibraryEntry | undefined {
    for (const entry of this.#entries.values()) {
      const [own = ''] = entry.model.paths
      if (own === first || own === real) return entry
      if (facts !== null && this.#identities.get(entry.model.id) === facts.identity) return entry
    }
    return undefined
  }

  /** A new entry whose files are still to be inspected. */
  insert(found: FoundModel, facts: FileFacts | null): LibraryModel {
    const model: LibraryModel = {
      id: freeId(found.stem, this.list()),
      name: found.name ?? found.stem,
      paths: [...found.paths],
      fileBytes: facts?.bytes ?? 0,
      source: found.source,
      projectorPath: found.projectorPath,
      file: { kind: 'inspecting' },
      pinned: false,
      colour: freeColour(this.list()),
      loadOptions: {},
      addedAt: Date.now(),
      ...roleOf(found),
    }
    this.identify(model.id, facts)
    this.#save({ model, stamp: null, isRenamed: found.name !== null, hasOwnRole: false })
    return model
  }

  /** Changes an entry; throws `NOT_FOUND`. */
  change(
    id: string,
    changes: Partial<LibraryModel>,
    notes: Partial<Omit<LibraryEntry, 'model'>> = {},
  ): LibraryModel {
    const entry = this.require(id)
    const model = { ...entry.model, ...changes }
    this.#save({ ...entry, ...notes, model })
    return model
  }

  /** Gives a demo model from before there were roles the one that it comes with, unless the user has said otherwise. */
  giveRole(id: string): void {
    const { model, hasOwnRole } = this.require(id)
    if (!hasOwnRole && model.role === undefined) this.change(id, roleOf(model))
  }

  /** Takes an entry out. Harmless when it is not there. */
  drop(id: string): void {
    if (!this.#entries.delete(id)) return
    this.#identities.delete(id)
    this.#rows.remove(id)
    this.#tell()
  }

  /** Remembers what an entry's files are to the system, or that they are gone. */
  identify(id: string, facts: FileFacts | null): void {
    if (facts === null) this.#identities.delete(id)
    else this.#identities.set(id, facts.identity)
  }

  /** Files that the user took out: looking around does not bring them back. */
  isForgotten(keys: readonly string[]): boolean {
    return keys.some((key) => this.#forgotten.has(key))
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#forgotten.add(key)
    this.#saveNotes()
  }

  recall(keys: readonly string[]): void {
    if (keys.map((key) => this.#forgotten.delete(key)).includes(true)) this.#saveNotes()
  }

  /** A file that is known to be a projector. */
  projector(file: string): KnownProjector | undefined {
    return this.#projectors.get(file)
  }

  projectorFiles(): readonly string[] {
    return [...this.#projectors.keys()]
  }

  addProjector(projector: KnownProjector): void {
    this.#projectors.set(projector.path, projector)
    this.#saveNotes()
    this.pairProjectors(path.dirname(projector.path))
  }

  dropProjector(file: string): void {
    this.#projectors.delete(file)
    this.#saveNotes()
    this.pairProjectors(path.dirname(file))
  }

  /** Gives each model of a folder the projector that belongs to it. What another app said stays. */
  pairProjectors(folder: string): void {
    const projectors = this.projectorFiles().filter((file) => path.dirname(file) === folder)
    for (const model of this.list()) {
      const [first = ''] = model.paths
      if (model.source === 'ollama' || path.dirname(first) !== folder) continue
      const projectorPath = chooseProjector(modelFilesOf(first).stem, projectors)
      if (projectorPath !== model.projectorPath) this.change(model.id, { projectorPath })
    }
  }

  /** Calls `listener` after each change; returns its unsubscribe. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #save(entry: LibraryEntry): void {
    this.#entries.set(entry.model.id, entry)
    this.#rows.save(entry)
    this.#tell()
  }

  #saveNotes(): void {
    this.#rows.saveNotes({ forgotten: [...this.#forgotten], projectors: [...this.#projectors.values()] })
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** What an entry is for from the beginning. */
function roleOf({ source, paths }: Pick<FoundModel, 'source' | 'paths'>): Pick<LibraryModel, 'role'> {
  const role = source === 'demo' ? demoRole(paths[0] ?? '') : undefined
  return role ? { role } : {}
}
