import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Inspection } from '../../contract/backend.ts'
import { AppError, type Problem, toProblem } from '../../contract/errors.ts'
import type { AddResult, LibraryModel, LoadOptions, ModelFacts } from '../../contract/model.ts'
import type { ModelRole } from '../../contract/routing.ts'
import type { Sampling } from '../../contract/sampling.ts'
import { type FileFacts, readFileFacts, realPathOf } from './file-stamp.ts'
import { LibraryEntries } from './library-entries.ts'
import { describeDemo, freeName } from './library-names.ts'
import type { LibraryEntry } from './library-rows.ts'
import { type LibraryPlaces, LibraryScan } from './library-scan.ts'
import { isInside, keysOfFiles, type ModelFiles, modelFilesOf } from './model-files.ts'
import { findInFolder } from './model-finder.ts'
import { type Probe, ProbeTimeout } from './probe.ts'

/** What the library is made of. */
export type LibraryOptions = LibraryPlaces & { readonly database: DatabaseSync; readonly probe: Probe }

/**
 * The models on this machine, used in place: the demo models, what the user added, what is in watched folders, and what other apps
 * have. It is the only writer of the table `models`, and looks at files through the probe only.
 */
export class Library implements AsyncDisposable {
  readonly #options: LibraryOptions
  readonly #entries: LibraryEntries
  /** Entries that `add` looks at now. */
  readonly #adding = new Set<string>()
  readonly #leaving = new AbortController()
  readonly #scan: LibraryScan

  constructor(options: LibraryOptions) {
    this.#options = options
    this.#entries = new LibraryEntries(options.database)
    this.#scan = new LibraryScan({
      ...options,
      entries: this.#entries,
      signal: this.#leaving.signal,
      inspect: async (id, how) => this.#inspect(id, how),
      isBeingAdded: (id) => this.#adding.has(id),
    })
  }

  /** All entries, in the order in which they came. */
  list(): LibraryModel[] {
    return this.#entries.list()
  }

  get(id: string): LibraryModel | undefined {
    return this.#entries.get(id)?.model
  }

  /** The entry of a file, also by another name of it. */
  async find(file: string): Promise<LibraryModel | undefined> {
    const { paths } = modelFilesOf(file)
    const [first = file] = paths
    const [facts, real] = await Promise.all([readFileFacts(paths), realPathOf(first)])
    return this.#entries.findKnown({ first, real }, facts)?.model
  }

  /** What an entry's files were when they were last looked at: their sizes and dates. Null when that is not known. */
  stamp(id: string): string | null {
    return this.#entries.get(id)?.stamp ?? null
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
    this.#entries.forget(keysOfFiles(modelFilesOf(model.paths[0] ?? ''), this.#options))
    this.#entries.drop(id)
  }

  /** Changes the name, the load options, the sampling or the role (null: none). Throws `NOT_FOUND`. */
  update(
    id: string,
    changes: {
      name?: string | undefined
      loadOptions?: LoadOptions | undefined
      sampling?: Sampling | undefined
      role?: ModelRole | null | undefined
    },
  ): LibraryModel {
    const { isRenamed, hasOwnRole } = this.#entries.require(id)
    return this.#entries.change(
      id,
      {
        ...(changes.name === undefined ? {} : { name: changes.name }),
        ...(changes.loadOptions === undefined ? {} : { loadOptions: changes.loadOptions }),
        ...(changes.sampling === undefined ? {} : { sampling: changes.sampling }),
        ...(changes.role === undefined ? {} : { role: changes.role ?? undefined }),
      },
      {
        isRenamed: isRenamed || changes.name !== undefined,
        hasOwnRole: hasOwnRole || changes.role !== undefined,
      },
    )
  }

  /** Remembers whether a model is pinned. Throws `NOT_FOUND`. */
  setPinned(id: string, pinned: boolean): void {
    if (this.#entries.require(id).model.pinned !== pinned) this.#entries.change(id, { pinned })
  }

  /** Looks around again; see `LibraryScan.rescan`. */
  async rescan(): Promise<void> {
    await this.#scan.rescan()
  }

  /** Calls `listener` after each change; returns its unsubscribe. */
  onChange(listener: () => void): () => void {
    return this.#entries.onChange(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort(new AppError('INTERNAL', 'The library was closed'))
    await this.#scan[Symbol.asyncDispose]()
  }

  // Adding

  async #addByHand(files: ModelFiles, signal?: AbortSignal): Promise<AddResult> {
    const { paths } = files
    const [first = ''] = paths
    const [facts, real] = await Promise.all([readFileFacts(paths), realPathOf(first)])
    signal?.throwIfAborted()
    // From here to the insertion nothing waits, so that two who add the same file do not both add it.
    this.#entries.recall(keysOfFiles(files, this.#options))
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
      this.#scan.follow()
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
    if (!isFinal) this.#scan.postpone(id)
    this.#entries.change(
      id,
      {
        file: { kind: 'unusable', problem: toProblem(error) },
        ...(facts === null ? {} : { fileBytes: facts.bytes }),
      },
      { stamp: isFinal ? (facts?.stamp ?? null) : null },
    )
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
