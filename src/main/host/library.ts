import { readdirSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Inspection } from '../../contract/backend.ts'
import { AppError, type Problem, toProblem } from '../../contract/errors.ts'
import type { AddResult, LibraryModel, LoadOptions, ModelSource } from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import { type FileFacts, isGone, readFileFacts } from './file-stamp.ts'
import { type FolderInterest, FolderWatch } from './folder-watch.ts'
import { describeDemo, freeColour, freeId, freeName } from './library-names.ts'
import { type KnownProjector, type LibraryEntry, LibraryRows } from './library-rows.ts'
import { chooseProjector, groupModelFiles, isGgufName, type ModelFiles, modelFilesOf } from './model-files.ts'
import {
  findInFolder,
  findOtherApps,
  type FoundModel,
  mergeFindings,
  ollamaServiceFolders,
  type Places,
} from './model-finder.ts'
import { type Probe, ProbeTimeout } from './probe.ts'

/** What the library is made of. */
export type LibraryOptions = {
  readonly database: DatabaseSync
  readonly probe: Probe
  readonly settings: () => Settings
  readonly demoFolder: string
  /** Where uploaded models go. */
  readonly modelsFolder: string
  readonly home: string
  /** Variables that move other apps' folders. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** How long a watched folder has to be quiet. */
  readonly quietMs?: number
  /** Told of a scan that failed, which is a defect of the library. */
  readonly onDefect: (error: unknown) => void
}

/**
 * The models on this machine, used in place: the demo models, what the user added, what is in watched folders, and what other apps
 * have. It is the only writer of the table `models`, and looks at files through the probe only.
 */
export class Library implements AsyncDisposable {
  readonly #options: LibraryOptions
  readonly #rows: LibraryRows
  readonly #entries = new Map<string, LibraryEntry>()
  readonly #projectors = new Map<string, KnownProjector>()
  readonly #forgotten: Set<string>
  /** What each entry's files are to the system; null when they are not there. */
  readonly #identities = new Map<string, string>()
  readonly #listeners = new Set<() => void>()
  readonly #leaving = new AbortController()
  readonly #watch: FolderWatch
  /** Folders that the last scan looked into. */
  #looked: readonly string[] = []
  #scanning: Promise<void> = Promise.resolve()
  #nextScan: Promise<void> | null = null

  constructor(options: LibraryOptions) {
    this.#options = options
    this.#rows = new LibraryRows(options.database)
    for (const entry of this.#rows.entries()) this.#entries.set(entry.model.id, entry)
    const { forgotten, projectors } = this.#rows.notes()
    this.#forgotten = new Set(forgotten)
    for (const projector of projectors) this.#projectors.set(projector.path, projector)
    this.#watch = new FolderWatch(() => void this.rescan(), {
      ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
    })
    this.#listDemoModels()
    void this.rescan()
  }

  /** All entries, in the order in which they came. */
  list(): LibraryModel[] {
    return [...this.#entries.values()].map(({ model }) => model)
  }

  get(id: string): LibraryModel | undefined {
    return this.#entries.get(id)?.model
  }

  /**
   * Adds a GGUF file, or every model of a folder. What cannot be used is refused with its problem and does not stay; what is there
   * already is known, also by another name. Only aborting rejects.
   */
  async add(place: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<AddResult[]> {
    signal?.throwIfAborted()
    const file = path.resolve(place)
    if (!(await stat(file).catch(() => null))?.isDirectory())
      return [await this.#addByHand(modelFilesOf(file), signal)]
    const { models } = await findInFolder(file, { source: 'added', ...(signal && { signal }) })
    if (models.length === 0) return [refused(file, emptyFolder(file))]
    const results: AddResult[] = []
    for (const model of models) {
      const result = await this.#addByHand(model, signal)
      // Projectors come along with the models beside them.
      if (result.kind !== 'refused' || !this.#projectors.has(result.path)) results.push(result)
    }
    return results.length === 0 ? [refused(file, emptyFolder(file))] : results
  }

  /** Takes an entry out; its file stays, and looking around does not bring it back. Throws `NOT_FOUND`. */
  remove(id: string): void {
    const { model } = this.#require(id)
    const [first = ''] = model.paths
    for (const key of forgottenKeys(modelFilesOf(first), this.#options.demoFolder)) this.#forgotten.add(key)
    this.#saveNotes()
    this.#drop(id)
    this.#tell()
  }

  /** Changes the name or the load options. Throws `NOT_FOUND`. */
  update(
    id: string,
    changes: { name?: string | undefined; loadOptions?: LoadOptions | undefined },
  ): LibraryModel {
    const { isRenamed } = this.#require(id)
    return this.#change(
      id,
      {
        ...(changes.name === undefined ? {} : { name: changes.name }),
        ...(changes.loadOptions === undefined ? {} : { loadOptions: changes.loadOptions }),
      },
      { isRenamed: isRenamed || changes.name !== undefined },
    )
  }

  /** Remembers whether a model is pinned. Throws `NOT_FOUND`. */
  setPinned(id: string, pinned: boolean): void {
    if (this.#require(id).model.pinned !== pinned) this.#change(id, { pinned })
  }

  /**
   * Looks at every file and folder again: the demo models, the models folder, watched folders and other apps, as the settings say.
   * Ends when what is new or has changed was inspected, and never rejects. A scan that waits for the one before is shared by all who ask.
   */
  async rescan(): Promise<void> {
    this.#nextScan ??= this.#scanning
      .catch(() => null)
      .then(async () => {
        this.#nextScan = null
        this.#scanning = this.#scan()
        return this.#scanning
      })
    try {
      await this.#nextScan
    } catch (error) {
      // Closed in the middle: nobody waits for the rest.
      if (!this.#leaving.signal.aborted) this.#options.onDefect(error)
    }
  }

  /** Calls `listener` after each change; returns its unsubscribe. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort(new AppError('INTERNAL', 'The library was closed'))
    this.#watch[Symbol.dispose]()
    await this.#nextScan?.catch(() => null)
    await this.#scanning.catch(() => null)
  }

  // Adding

  async #addByHand(files: ModelFiles, signal?: AbortSignal): Promise<AddResult> {
    const { paths } = files
    const [first = ''] = paths
    const [facts, real] = await Promise.all([readFileFacts(paths), realPathOf(first)])
    signal?.throwIfAborted()
    for (const key of forgottenKeys(files, this.#options.demoFolder)) this.#forgotten.delete(key)
    // From here to the insertion nothing waits, so that two who add the same file do not both add it.
    const known = this.#findKnown({ first, real }, facts)
    if (known !== undefined) return this.#addKnown(known, facts, signal)

    const source = isInside(first, this.#options.demoFolder) ? 'demo' : 'added'
    const { id } = this.#insert({ ...files, source, name: null, projectorPath: null }, facts)
    try {
      await this.#inspect(id, { facts, ...(signal && { signal }) })
    } catch (error) {
      this.#drop(id)
      this.#tell()
      throw error
    }
    const model = this.get(id)
    // It was a projector, and is no entry any more.
    if (model === undefined) return this.#projectorResult(first)
    if (model.file.kind === 'usable') {
      this.#saveNotes()
      this.#follow()
      return { kind: 'added', model }
    }
    const problem = problemOf(model)
    this.#drop(id)
    this.#tell()
    return { kind: 'refused', path: first, problem }
  }

  /** An entry that is there already: usable now, or told why not. */
  async #addKnown(id: string, facts: FileFacts | null, signal?: AbortSignal): Promise<AddResult> {
    const entry = this.#require(id)
    const isStale = entry.stamp === null || entry.stamp !== facts?.stamp
    if (isStale || entry.model.file.kind !== 'usable')
      await this.#inspect(id, { facts, ...(signal && { signal }) })
    const { model } = this.#require(id)
    this.#saveNotes()
    return model.file.kind === 'usable'
      ? { kind: 'known', model }
      : { kind: 'refused', path: model.paths[0] ?? '', problem: problemOf(model) }
  }

  #projectorResult(file: string): AddResult {
    const owner = this.list().find(({ projectorPath }) => projectorPath === file)
    if (owner !== undefined) return { kind: 'known', model: owner }
    return refused(
      file,
      new AppError(
        'BAD_MODEL_FILE',
        `Cannot add "${path.basename(file)}": it is an image projector (mmproj), not a model`,
        {
          details: {
            path: file,
            help: 'Put it into the folder of the model that it belongs to, and add that.',
          },
        },
      ),
    )
  }

  /** The entry with the same files, by path or, through links and other names, by what they are to the system. */
  #findKnown({ first, real }: { first: string; real: string }, facts: FileFacts | null): string | undefined {
    for (const [id, { model }] of this.#entries) {
      const [own = ''] = model.paths
      if (own === first || own === real) return id
      if (facts !== null && this.#identities.get(id) === facts.identity) return id
    }
    return undefined
  }

  #insert(found: FoundModel, facts: FileFacts | null): LibraryModel {
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
    }
    if (facts !== null) this.#identities.set(model.id, facts.identity)
    this.#save({ model, stamp: null, isRenamed: found.name !== null })
    this.#tell()
    return model
  }

  // Inspecting

  /** Finds out what an entry's files are, and writes it down. A projector's entry goes. Rejects only when aborted. */
  async #inspect(
    id: string,
    { facts, signal }: { facts: FileFacts | null; signal?: AbortSignal },
  ): Promise<void> {
    const { paths } = this.#require(id).model
    let inspection: Inspection
    try {
      inspection = await this.#options.probe.inspect(paths, {
        signal: AbortSignal.any([this.#leaving.signal, ...(signal ? [signal] : [])]),
      })
    } catch (error) {
      this.#leaving.signal.throwIfAborted()
      signal?.throwIfAborted()
      this.#setUnusable(id, { error, facts })
      return
    }
    // Taken out meanwhile.
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    if (inspection.kind === 'projector') {
      this.#projectors.set(paths[0] ?? '', { path: paths[0] ?? '', stamp: facts?.stamp ?? '' })
      this.#drop(id)
      this.#saveNotes()
    } else {
      const { source } = entry.model
      this.#change(
        id,
        {
          file: {
            kind: 'usable',
            facts: source === 'demo' ? describeDemo(inspection.facts) : inspection.facts,
          },
          ...(facts === null ? {} : { fileBytes: facts.bytes }),
          ...(entry.isRenamed
            ? {}
            : { name: freeName(entry.model, { facts: inspection.facts, models: this.list() }) }),
        },
        { stamp: facts?.stamp ?? null },
      )
    }
    this.#pairProjectors(path.dirname(paths[0] ?? ''))
    this.#tell()
  }

  #setUnusable(id: string, { error, facts }: { error: unknown; facts: FileFacts | null }): void {
    if (!this.#entries.has(id)) return
    const problem = toProblem(error)
    // A clock's verdict depends on how busy the machine was: it is asked again at the next start.
    const isFinal = !(error instanceof AppError && error.cause instanceof ProbeTimeout)
    this.#change(
      id,
      {
        file: { kind: 'unusable', problem },
        ...(facts === null ? {} : { fileBytes: facts.bytes }),
      },
      { stamp: isFinal ? (facts?.stamp ?? null) : null },
    )
  }

  /** Gives each model of a folder the projector that belongs to it. What another app said stays. */
  #pairProjectors(folder: string): void {
    const projectors = [...this.#projectors.keys()].filter((file) => path.dirname(file) === folder)
    for (const { model } of this.#entries.values()) {
      const [first = ''] = model.paths
      if (model.source === 'ollama' || path.dirname(first) !== folder) continue
      const projectorPath = chooseProjector(modelFilesOf(first).stem, projectors)
      if (projectorPath !== model.projectorPath) this.#change(model.id, { projectorPath })
    }
  }

  // Looking around

  /** The demo models are in the list from the first moment, so that a first start can load them. */
  #listDemoModels(): void {
    const { demoFolder } = this.#options
    for (const files of groupModelFiles(readGgufNames(demoFolder))) {
      // Where the app is mounted anew for each start (AppImage), the folder is another one every time.
      const known = this.list().find(
        ({ source, paths }) =>
          source === 'demo' && path.basename(paths[0] ?? '') === path.basename(files.paths[0] ?? ''),
      )
      if (known !== undefined) {
        if (known.paths[0] !== files.paths[0]) this.#change(known.id, { paths: [...files.paths] })
      } else if (forgottenKeys(files, demoFolder).every((key) => !this.#forgotten.has(key)))
        this.#insert({ ...files, source: 'demo', name: null, projectorPath: null }, null)
    }
  }

  async #scan(): Promise<void> {
    const { modelsFolder } = this.#options
    const { signal } = this.#leaving
    const { modelFolders, findOtherApps: usesOtherApps } = this.#options.settings()
    // What is listed goes before what may be found: at the first start these are the demo models.
    await this.#lookAtEntries()
    const own = await findInFolder(modelsFolder, { source: 'added', signal })
    const watched = await Promise.all(
      modelFolders.map((folder) => findInFolder(path.resolve(folder), { source: 'folder', signal })),
    )
    const apps = usesOtherApps ? await findOtherApps(this.#places(), signal) : { models: [], folders: [] }
    const findings = mergeFindings([own, ...watched, apps])
    signal.throwIfAborted()

    this.#dropUnwatched(findings.models)
    this.#dropLostProjectors(findings.models)
    await this.#takeIn(findings.models)
    this.#looked = findings.folders
    this.#follow()
    await this.#lookAtEntries()
  }

  /** Another home than the user's (in a test, say) is all there is: variables and services belong to the user's. */
  #places(): Places {
    const { home, env } = this.#options
    const isOwnHome = home === homedir()
    return {
      home,
      env: env ?? (isOwnHome ? process.env : {}),
      platform: process.platform,
      serviceFolders: isOwnHome && process.platform === 'linux' ? ollamaServiceFolders : [],
    }
  }

  /** Entries of folders that are watched no more, and of other apps when they are not to be used. */
  #dropUnwatched(found: readonly FoundModel[]): void {
    const { modelFolders, findOtherApps: usesOtherApps } = this.#options.settings()
    const stillFound = new Set(found.flatMap(({ paths }) => paths))
    for (const { id, source, paths } of this.list()) {
      const [first = ''] = paths
      const isUnwatched =
        (source === 'folder' && modelFolders.every((folder) => !isInside(first, path.resolve(folder)))) ||
        (isOtherApp(source) && !usesOtherApps)
      if (!isUnwatched || stillFound.has(first)) continue
      this.#drop(id)
      this.#tell()
    }
  }

  #dropLostProjectors(found: readonly FoundModel[]): void {
    const places = new Set(found.flatMap(({ paths }) => paths))
    for (const file of [...this.#projectors.keys()]) {
      if (places.has(file) || !isGone(file)) continue
      this.#projectors.delete(file)
      this.#pairProjectors(path.dirname(file))
      this.#saveNotes()
    }
  }

  async #takeIn(found: readonly FoundModel[]): Promise<void> {
    for (const model of found) {
      const [first = ''] = model.paths
      if (forgottenKeys(model, this.#options.demoFolder).some((key) => this.#forgotten.has(key))) continue
      const [facts, real] = await Promise.all([readFileFacts(model.paths), realPathOf(first)])
      this.#leaving.signal.throwIfAborted()
      if (facts !== null && this.#projectors.get(first)?.stamp === facts.stamp) continue
      const known = this.#findKnown({ first, real }, facts)
      if (known === undefined) this.#insert(model, facts)
      else this.#refreshFound(known, model)
    }
  }

  /** What another app says of an entry that came from it. */
  #refreshFound(id: string, { source, projectorPath }: FoundModel): void {
    const { model } = this.#require(id)
    if (model.source === source && source === 'ollama' && model.projectorPath !== projectorPath)
      this.#change(id, { projectorPath })
  }

  /** Every entry's files: gone, back, changed or never inspected. One after the other, so that what the user adds waits for one at most. */
  async #lookAtEntries(): Promise<void> {
    for (const id of [...this.#entries.keys()]) {
      this.#leaving.signal.throwIfAborted()
      const entry = this.#entries.get(id)
      if (entry === undefined) continue
      const facts = await readFileFacts(entry.model.paths)
      if (!this.#entries.has(id)) continue
      if (facts === null) {
        this.#identities.delete(id)
        if (isGone(entry.model.paths[0] ?? '')) {
          if (entry.model.file.kind !== 'missing')
            this.#change(id, { file: { kind: 'missing' } }, { stamp: null })
          continue
        }
      } else this.#identities.set(id, facts.identity)
      if (entry.stamp !== null && entry.stamp === facts?.stamp) continue
      if (entry.model.file.kind === 'missing') this.#change(id, { file: { kind: 'inspecting' } })
      await this.#inspect(id, { facts })
    }
  }

  /** Watches the folders that were looked into, and those of all entries: files leave and come back. */
  #follow(): void {
    if (this.#leaving.signal.aborted) return
    const { modelsFolder, settings } = this.#options
    const folders = new Map<string, FolderInterest>(
      this.list().map(({ paths }) => [path.dirname(paths[0] ?? ''), 'models']),
    )
    for (const folder of [...this.#looked, modelsFolder, ...settings().modelFolders])
      folders.set(path.resolve(folder), 'everything')
    this.#watch.follow(folders)
  }

  // Keeping

  #require(id: string): LibraryEntry {
    const entry = this.#entries.get(id)
    if (entry === undefined)
      throw new AppError('NOT_FOUND', `There is no model "${id}" in the library`, {
        details: { modelId: id },
      })
    return entry
  }

  #change(
    id: string,
    changes: Partial<LibraryModel>,
    notes: Partial<Pick<LibraryEntry, 'stamp' | 'isRenamed'>> = {},
  ): LibraryModel {
    const entry = this.#require(id)
    const model = { ...entry.model, ...changes }
    this.#save({ ...entry, ...notes, model })
    this.#tell()
    return model
  }

  #save(entry: LibraryEntry): void {
    this.#entries.set(entry.model.id, entry)
    this.#rows.save(entry)
  }

  #drop(id: string): void {
    this.#entries.delete(id)
    this.#identities.delete(id)
    this.#rows.remove(id)
  }

  #saveNotes(): void {
    this.#rows.saveNotes({ forgotten: [...this.#forgotten], projectors: [...this.#projectors.values()] })
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

function refused(file: string, error: AppError): AddResult {
  return { kind: 'refused', path: file, problem: toProblem(error) }
}

function emptyFolder(folder: string): AppError {
  return new AppError('NOT_FOUND', `Cannot add "${path.basename(folder)}": no GGUF model is in this folder`, {
    details: { path: folder, help: 'Choose a folder with files that end in .gguf.' },
  })
}

function problemOf({ file, paths }: LibraryModel): Problem {
  if (file.kind === 'unusable') return file.problem
  return toProblem(new AppError('NOT_FOUND', `There is no file at "${paths[0] ?? ''}"`))
}

async function realPathOf(file: string): Promise<string> {
  return realpath(file).catch(() => file)
}

/** What is remembered of a model that was taken out: its files; of a demo model its name, wherever the app lies. */
function forgottenKeys({ paths, stem }: ModelFiles, demoFolder: string): readonly string[] {
  return isInside(paths[0] ?? '', demoFolder) ? [`demo:${stem}`] : paths
}

function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file)
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative)
}

function isOtherApp(source: ModelSource): boolean {
  return source === 'lm-studio' || source === 'ollama' || source === 'hugging-face'
}

function readGgufNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(isGgufName)
      .sort()
      .map((name) => path.join(folder, name))
  } catch {
    // Without the demo models the app is none the worse.
    return []
  }
}
