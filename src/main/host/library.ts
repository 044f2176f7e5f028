import { readdirSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Inspection } from '../../contract/backend.ts'
import { AppError, type Problem, toProblem } from '../../contract/errors.ts'
import type { AddResult, LibraryModel, LoadOptions, ModelFacts, ModelSource } from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import { type FileFacts, isGone, readFileFacts } from './file-stamp.ts'
import { type FolderInterest, FolderWatch } from './folder-watch.ts'
import { LibraryEntries } from './library-entries.ts'
import { describeDemo, freeName } from './library-names.ts'
import type { LibraryEntry } from './library-rows.ts'
import { groupModelFiles, isGgufName, type ModelFiles, modelFilesOf } from './model-files.ts'
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

/** For files that took too long the first time. */
const patientLimitMs = 60_000

/**
 * The models on this machine, used in place: the demo models, what the user added, what is in watched folders, and what other apps
 * have. It is the only writer of the table `models`, and looks at files through the probe only.
 */
export class Library implements AsyncDisposable {
  readonly #options: LibraryOptions
  readonly #entries: LibraryEntries
  /** Entries that `add` looks at now. */
  readonly #adding = new Set<string>()
  /** Entries whose files took too long. */
  readonly #slow = new Set<string>()
  readonly #leaving = new AbortController()
  readonly #watch: FolderWatch
  /** Folders that the last scan looked into. */
  #looked: readonly string[] = []
  #scanning: Promise<void> = Promise.resolve()
  #nextScan: Promise<void> | null = null

  constructor(options: LibraryOptions) {
    this.#options = options
    this.#entries = new LibraryEntries(options.database)
    this.#watch = new FolderWatch(() => void this.rescan(), {
      ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
    })
    this.#listDemoModels()
    void this.rescan()
  }

  /** All entries, in the order in which they came. */
  list(): LibraryModel[] {
    return this.#entries.list()
  }

  get(id: string): LibraryModel | undefined {
    return this.#entries.get(id)?.model
  }

  /**
   * Adds a GGUF file, or every model of a folder; "~" is the home. What cannot be used is refused with its problem and does not stay; what is there
   * already is known, also by another name. Only aborting rejects.
   */
  async add(place: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<AddResult[]> {
    signal?.throwIfAborted()
    const file = path.resolve(place.replace(/^~(?=$|[/\\])/, this.#options.home))
    if (!(await stat(file).catch(() => null))?.isDirectory())
      return [await this.#addByHand(modelFilesOf(file), signal)]
    const { models } = await findInFolder(file, { source: 'added', ...(signal && { signal }) })
    if (models.length === 0) return [refused(file, emptyFolder(file))]
    const results: AddResult[] = []
    for (const model of models) {
      const result = await this.#addByHand(model, signal)
      // Projectors come along with the models beside them.
      if (result.kind !== 'refused' || this.#entries.projector(result.path) === undefined)
        results.push(result)
    }
    return results.length === 0 ? [refused(file, emptyFolder(file))] : results
  }

  /** Takes an entry out; its file stays, and looking around does not bring it back. Throws `NOT_FOUND`. */
  remove(id: string): void {
    const { model } = this.#entries.require(id)
    this.#entries.forget(this.#keysOf(modelFilesOf(model.paths[0] ?? '')))
    this.#entries.drop(id)
  }

  /** Changes the name or the load options. Throws `NOT_FOUND`. */
  update(
    id: string,
    changes: { name?: string | undefined; loadOptions?: LoadOptions | undefined },
  ): LibraryModel {
    const { isRenamed } = this.#entries.require(id)
    return this.#entries.change(
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
    if (this.#entries.require(id).model.pinned !== pinned) this.#entries.change(id, { pinned })
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
    return this.#entries.onChange(listener)
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
    // From here to the insertion nothing waits, so that two who add the same file do not both add it.
    this.#entries.recall(this.#keysOf(files))
    const known = this.#entries.findKnown({ first, real }, facts)
    if (known !== undefined) return this.#addKnown(known, { facts, ...(signal && { signal }) })

    const source = isInside(first, this.#options.demoFolder) ? 'demo' : 'added'
    const { id } = this.#entries.insert({ ...files, source, name: null, projectorPath: null }, facts)
    this.#adding.add(id)
    try {
      await this.#inspect(id, { facts, ...(signal && { signal }) })
    } catch (error) {
      this.#entries.drop(id)
      throw error
    } finally {
      this.#adding.delete(id)
    }
    const model = this.get(id)
    // It was a projector, and is no entry any more.
    if (model === undefined) return this.#projectorResult(first)
    if (model.file.kind === 'usable') {
      this.#follow()
      return { kind: 'added', model }
    }
    this.#entries.drop(id)
    return { kind: 'refused', path: first, problem: problemOf(model) }
  }

  /** An entry that is there already: usable now, or told why not. */
  async #addKnown(
    { model: { id, file, paths }, stamp }: LibraryEntry,
    { facts, signal }: { facts: FileFacts | null; signal?: AbortSignal },
  ): Promise<AddResult> {
    if (file.kind !== 'usable' || stamp === null || stamp !== facts?.stamp)
      await this.#inspect(id, { facts, ...(signal && { signal }) })
    const model = this.get(id)
    if (model === undefined) return this.#projectorResult(paths[0] ?? '')
    return model.file.kind === 'usable'
      ? { kind: 'known', model }
      : { kind: 'refused', path: paths[0] ?? '', problem: problemOf(model) }
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

  // Inspecting

  /** Finds out what an entry's files are, and writes it down. A projector's entry goes. Rejects only when aborted. */
  async #inspect(
    id: string,
    { facts, signal, limitMs }: { facts: FileFacts | null; signal?: AbortSignal; limitMs?: number },
  ): Promise<void> {
    const { paths } = this.#entries.require(id).model
    const [first = ''] = paths
    let inspection: Inspection
    try {
      inspection = await this.#options.probe.inspect(paths, {
        signal: AbortSignal.any([this.#leaving.signal, ...(signal ? [signal] : [])]),
        ...(limitMs === undefined ? {} : { limitMs }),
      })
    } catch (error) {
      this.#leaving.signal.throwIfAborted()
      signal?.throwIfAborted()
      this.#setUnusable(id, { error, facts, wasHurried: limitMs === undefined })
      return
    }
    // Taken out meanwhile.
    if (this.get(id) === undefined) return
    if (inspection.kind === 'projector') {
      this.#entries.drop(id)
      this.#entries.addProjector({ path: first, stamp: facts?.stamp ?? '' })
    } else {
      this.#setUsable(id, { modelFacts: inspection.facts, facts })
      this.#entries.pairProjectors(path.dirname(first))
    }
  }

  #setUsable(id: string, { modelFacts, facts }: { modelFacts: ModelFacts; facts: FileFacts | null }): void {
    const { model, isRenamed } = this.#entries.require(id)
    this.#entries.change(
      id,
      {
        file: {
          kind: 'usable',
          facts: model.source === 'demo' ? describeDemo(modelFacts) : modelFacts,
        },
        ...(facts === null ? {} : { fileBytes: facts.bytes }),
        ...(isRenamed ? {} : { name: freeName(model, { facts: modelFacts, models: this.list() }) }),
      },
      { stamp: facts?.stamp ?? null },
    )
  }

  #setUnusable(
    id: string,
    { error, facts, wasHurried }: { error: unknown; facts: FileFacts | null; wasHurried: boolean },
  ): void {
    if (this.get(id) === undefined) return
    // How long a file takes also depends on what else the machine does: the clock's verdict is final with plenty of time only.
    const isFinal = !wasHurried || !isTimeout(error)
    if (!isFinal) this.#slow.add(id)
    this.#entries.change(
      id,
      {
        file: { kind: 'unusable', problem: toProblem(error) },
        ...(facts === null ? {} : { fileBytes: facts.bytes }),
      },
      { stamp: isFinal ? (facts?.stamp ?? null) : null },
    )
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
        if (known.paths[0] !== files.paths[0]) this.#entries.change(known.id, { paths: [...files.paths] })
      } else if (!this.#entries.isForgotten(this.#keysOf(files)))
        this.#entries.insert({ ...files, source: 'demo', name: null, projectorPath: null }, null)
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
    await this.#lookAtSlowEntries()
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
      if (isUnwatched && !stillFound.has(first)) this.#entries.drop(id)
    }
  }

  #dropLostProjectors(found: readonly FoundModel[]): void {
    const places = new Set(found.flatMap(({ paths }) => paths))
    for (const file of this.#entries.projectorFiles())
      if (!places.has(file) && isGone(file)) this.#entries.dropProjector(file)
  }

  async #takeIn(found: readonly FoundModel[]): Promise<void> {
    for (const model of found) {
      const [first = ''] = model.paths
      if (this.#entries.isForgotten(this.#keysOf(model))) continue
      const [facts, real] = await Promise.all([readFileFacts(model.paths), realPathOf(first)])
      this.#leaving.signal.throwIfAborted()
      if (facts !== null && this.#entries.projector(first)?.stamp === facts.stamp) continue
      const known = this.#entries.findKnown({ first, real }, facts)?.model
      if (known === undefined) this.#entries.insert(model, facts)
      // Ollama says itself which projector belongs to a model.
      else if (
        known.source === 'ollama' &&
        model.source === 'ollama' &&
        known.projectorPath !== model.projectorPath
      )
        this.#entries.change(known.id, { projectorPath: model.projectorPath })
    }
  }

  /** Every entry's files: gone, back, changed or never inspected. One after the other, so that what the user adds waits for one at most. */
  async #lookAtEntries(): Promise<void> {
    for (const { id } of this.list()) {
      const entry = this.#entries.get(id)
      if (entry === undefined || this.#adding.has(id) || this.#slow.has(id)) continue
      const { paths, file } = entry.model
      const facts = await readFileFacts(paths)
      this.#leaving.signal.throwIfAborted()
      if (this.get(id) === undefined) continue
      this.#entries.identify(id, facts)
      if (facts === null && isGone(paths[0] ?? '')) {
        if (file.kind !== 'missing') this.#entries.change(id, { file: { kind: 'missing' } }, { stamp: null })
      } else if (entry.stamp === null || entry.stamp !== facts?.stamp) {
        if (file.kind === 'missing') this.#entries.change(id, { file: { kind: 'inspecting' } })
        await this.#inspect(id, { facts })
      }
    }
  }

  /** Files that took too long, when there is nothing else to do. */
  async #lookAtSlowEntries(): Promise<void> {
    for (const id of [...this.#slow]) {
      this.#slow.delete(id)
      const facts = await readFileFacts(this.get(id)?.paths ?? [])
      this.#leaving.signal.throwIfAborted()
      if (facts !== null && this.get(id) !== undefined)
        await this.#inspect(id, { facts, limitMs: patientLimitMs })
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

  /** What is remembered of a model that was taken out: its files; of a demo model its name, wherever the app lies. */
  #keysOf({ paths, stem }: ModelFiles): readonly string[] {
    return isInside(paths[0] ?? '', this.#options.demoFolder) ? [`demo:${stem}`] : paths
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

function isTimeout(error: unknown): boolean {
  return error instanceof AppError && error.cause instanceof ProbeTimeout
}

async function realPathOf(file: string): Promise<string> {
  return realpath(file).catch(() => file)
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
