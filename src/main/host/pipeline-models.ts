import path from 'node:path'
import { toProblem } from '../../contract/errors.ts'
import type { LibraryModel } from '../../contract/model.ts'
import type { PipelineFile } from '../../contract/pipeline.ts'
import type { KnownModel } from '../core/pipeline-sizes.ts'
import { readFileFacts } from './file-stamp.ts'
import { modelFilesOf } from './model-files.ts'
import type { Probe } from './probe.ts'

/** Where the models of a file are looked for. */
export type ModelPlaces = {
  /** Relative paths go on from here. */
  readonly folder: string
  readonly home: string
  readonly probe: Pick<Probe, 'inspect'>
  /** The entry of the library for a file; absent without a library. */
  readonly find?: (file: string) => Promise<LibraryModel | undefined>
  /** What was measured of an entry. */
  readonly measured?: (modelId: string) => Pick<KnownModel, 'lesson' | 'readingSpeed' | 'decodingSpeed'>
}

/** What is known of each model of a file, in its order. Files that the library does not know are looked at by the probe. */
export async function findModels(
  { models }: PipelineFile,
  places: ModelPlaces,
  signal?: AbortSignal,
): Promise<KnownModel[]> {
  const found: KnownModel[] = []
  for (const model of models) {
    signal?.throwIfAborted()
    found.push(await findModel(resolveModelPath(model.path, places), places, signal))
  }
  return found
}

/** Where a path of a file leads; "~" is the home. */
function resolveModelPath(written: string, { folder, home }: Pick<ModelPlaces, 'folder' | 'home'>): string {
  return path.resolve(folder, written.replace(/^~(?=$|[/\\])/, home))
}

async function findModel(file: string, places: ModelPlaces, signal?: AbortSignal): Promise<KnownModel> {
  const { paths } = modelFilesOf(file)
  const unknown = { lesson: undefined, readingSpeed: null, decodingSpeed: null }
  const base = { path: file, name: '', modelId: null, ...unknown }
  const entry = await places.find?.(file)
  const own = entry && {
    ...{ path: file, name: entry.name, modelId: entry.id },
    ...(places.measured?.(entry.id) ?? unknown),
  }
  if ((await readFileFacts(paths)) === null) return { ...(own ?? base), file: { kind: 'missing' } }
  if (own && entry.file.kind === 'usable') return { ...own, file: entry.file }
  try {
    const inspection = await places.probe.inspect(paths, signal ? { signal } : {})
    if (inspection.kind === 'model')
      return { ...(own ?? base), file: { kind: 'usable', facts: inspection.facts } }
    const problem = {
      code: 'BAD_MODEL_FILE' as const,
      message: `"${path.basename(file)}" is an image projector (mmproj), not a model`,
      details: { path: file, help: 'Name the model that it belongs to' },
    }
    return { ...base, file: { kind: 'unusable', problem } }
  } catch (error) {
    signal?.throwIfAborted()
    return { ...(own ?? base), file: { kind: 'unusable', problem: toProblem(error) } }
  }
}
