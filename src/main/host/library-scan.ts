import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { ModelSource } from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import { type FileFacts, isGone, readFileFacts, realPathOf } from './file-stamp.ts'
import { type FolderInterest, FolderWatch } from './folder-watch.ts'
import type { LibraryEntries } from './library-entries.ts'
import { groupModelFiles, isGgufName, isInside, keysOfFiles } from './model-files.ts'
import {
  findInFolder,
  findOtherApps,
  type FoundModel,
  mergeFindings,
  ollamaServiceFolders,
  type Places,
} from './model-finder.ts'

/** Where models are looked for. */
export type LibraryPlaces = {
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

/** What looking around needs of its library. */
type LibraryScanOptions = LibraryPlaces & {
  readonly entries: LibraryEntries
  /** Aborts when the library is closed. */
  readonly signal: AbortSignal
  /** Finds out what an entry's files are, and writes it down. */
  readonly inspect: (id: string, options: { facts: FileFacts | null; limitMs?: number }) => Promise<void>
  /** Whether somebody else looks at an entry's files now. */
  readonly isBeingAdded: (id: string) => boolean
}

/** For files that took too long the first time. */
const patientLimitMs = 60_000

/** Looks around for models: which are there, new, changed or gone. At once, whenever a watched folder changes, and when asked. */
export class LibraryScan implements AsyncDisposable {
  readonly #options: LibraryScanOptions
  readonly #entries: LibraryEntries
  /** Entries whose files took too long. */
  readonly #slow = new Set<string>()
  readonly #watch: FolderWatch
  /** Folders that the last scan looked into. */
  #looked: readonly string[] = []
  #scanning: Promise<void> = Promise.resolve()
  #nextScan: Promise<void> | null = null

  constructor(options: LibraryScanOptions) {
    this.#options = options
    this.#entries = options.entries
    this.#watch = new FolderWatch(() => void this.rescan(), {
      ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
    })
    this.#listDemoModels()
    void this.rescan()
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
      if (!this.#options.signal.aborted) this.#options.onDefect(error)
    }
  }

  /** Looks at an entry's files again when there is nothing else to do: they took too long. */
  postpone(id: string): void {
    this.#slow.add(id)
  }

  /** Watches the folders that were looked into, and those of all entries: files leave and come back. */
  follow(): void {
    if (this.#options.signal.aborted) return
    const { modelsFolder, settings } = this.#options
    const folders = new Map<string, FolderInterest>(
      this.#entries.list().map(({ paths }) => [path.dirname(paths[0] ?? ''), 'models']),
    )
    for (const folder of [...this.#looked, modelsFolder, ...settings().modelFolders])
      folders.set(path.resolve(folder), 'everything')
    this.#watch.follow(folders)
  }

  /** Ends when nothing is looked at any more; the signal has aborted before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]()
    await this.#nextScan?.catch(() => null)
    await this.#scanning.catch(() => null)
  }

  /** The demo models are in the list from the first moment, so that a first start can load them. */
  #listDemoModels(): void {
    const { demoFolder } = this.#options
    for (const files of groupModelFiles(readGgufNames(demoFolder))) {
      // Where the app is mounted anew for each start (AppImage), the folder is another one every time.
      const known = this.#entries
        .list()
        .find(
          ({ source, paths }) =>
            source === 'demo' && path.basename(paths[0] ?? '') === path.basename(files.paths[0] ?? ''),
        )
      if (known !== undefined) {
        if (known.paths[0] !== files.paths[0]) this.#entries.change(known.id, { paths: [...files.paths] })
        this.#entries.giveRole(known.id)
      } else if (!this.#entries.isForgotten(keysOfFiles(files, this.#options)))
        this.#entries.insert({ ...files, source: 'demo', name: null, projectorPath: null }, null)
    }
  }

  async #scan(): Promise<void> {
    const { modelsFolder, signal } = this.#options
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
    this.follow()
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
    for (const { id, source, paths } of this.#entries.list()) {
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
      if (this.#entries.isForgotten(keysOfFiles(model, this.#options))) continue
      const [facts, real] = await Promise.all([readFileFacts(model.paths), realPathOf(first)])
      this.#options.signal.throwIfAborted()
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
    for (const { id } of this.#entries.list()) {
      const entry = this.#entries.get(id)
      if (entry === undefined || this.#options.isBeingAdded(id) || this.#slow.has(id)) continue
      const { paths, file } = entry.model
      const facts = await readFileFacts(paths)
      this.#options.signal.throwIfAborted()
      if (this.#entries.get(id) === undefined) continue
      this.#entries.identify(id, facts)
      if (facts === null && isGone(paths[0] ?? '')) {
        if (file.kind !== 'missing') this.#entries.change(id, { file: { kind: 'missing' } }, { stamp: null })
      } else if (entry.stamp === null || entry.stamp !== facts?.stamp) {
        if (file.kind === 'missing') this.#entries.change(id, { file: { kind: 'inspecting' } })
        await this.#options.inspect(id, { facts })
      }
    }
  }

  /** Files that took too long, when there is nothing else to do. */
  async #lookAtSlowEntries(): Promise<void> {
    for (const id of [...this.#slow]) {
      this.#slow.delete(id)
      const facts = await readFileFacts(this.#entries.get(id)?.model.paths ?? [])
      this.#options.signal.throwIfAborted()
      if (facts !== null && this.#entries.get(id) !== undefined)
        await this.#options.inspect(id, { facts, limitMs: patientLimitMs })
    }
  }
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
