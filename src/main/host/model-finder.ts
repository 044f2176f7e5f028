import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { ModelSource } from '../../contract/model.ts'
import { groupModelFiles, isGgufName, type ModelFiles } from './model-files.ts'

/** A model that is on this machine already. */
export type FoundModel = ModelFiles & {
  readonly source: ModelSource
  /** What the other app calls it; null where that is the file's name. */
  readonly name: string | null
  /** Known beforehand only where the other app says so (Ollama). */
  readonly projectorPath: string | null
}

/** What was found, and the folders that were looked into: a change in one of these means to look again. */
export type Findings = { readonly models: readonly FoundModel[]; readonly folders: readonly string[] }

/** Where to look. */
export type Places = {
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** Where services of this machine keep models, outside of the home. */
  readonly serviceFolders: readonly string[]
}

/** Where Ollama keeps its models when it runs as a service on Linux. */
export const ollamaServiceFolders: readonly string[] = [
  '/usr/share/ollama/.ollama/models',
  '/var/lib/ollama/models',
]

const maxDepth = 8
const maxFolders = 2000
const maxFiles = 20_000

/** The models of a folder and the folders in it. Links are followed, loops end, hidden folders are left out. Never rejects: what cannot be read holds nothing. */
export async function findInFolder(
  folder: string,
  options: { source: ModelSource; signal?: AbortSignal },
): Promise<Findings> {
  const walk = new Walk(options.signal)
  await walk.enter(folder, 0)
  return {
    models: groupModelFiles(walk.files).map((files) => ({
      ...files,
      source: options.source,
      name: null,
      projectorPath: null,
    })),
    folders: walk.folders,
  }
}

/** The models that LM Studio, Ollama and the Hugging Face cache keep on this machine. Never rejects. */
export async function findOtherApps(places: Places, signal?: AbortSignal): Promise<Findings> {
  const findings = await Promise.all([
    findLmStudio(places, signal),
    findOllama(places, signal),
    findHuggingFace(places, signal),
  ])
  return mergeFindings(findings)
}

/** All findings in one, each file and folder once. */
export function mergeFindings(findings: readonly Findings[]): Findings {
  const models = new Map<string, FoundModel>()
  for (const model of findings.flatMap((each) => each.models)) {
    const [first = ''] = model.paths
    if (!models.has(first)) models.set(first, model)
  }
  return {
    models: [...models.values()],
    folders: [...new Set(findings.flatMap(({ folders }) => folders))],
  }
}

/**
 * LM Studio keeps plain GGUF files as `models/<publisher>/<model>/<file>` in its home (`~/.lmstudio`, in older versions
 * `~/.cache/lm-studio`, or where `~/.lmstudio-home-pointer` points), or in the `downloadsFolder` of its settings.
 * Source: https://lmstudio.ai/docs/app/advanced/import-model and the paths of https://github.com/lmstudio-ai/lms.
 */
async function findLmStudio(places: Places, signal?: AbortSignal): Promise<Findings> {
  const { home } = places
  const pointer = (await readText(path.join(home, '.lmstudio-home-pointer')))?.trim().split('\n')[0]?.trim()
  const homes = [
    ...(pointer === undefined || pointer === '' ? [] : [pointer]),
    path.join(home, '.lmstudio'),
    path.join(home, '.cache', 'lm-studio'),
  ]
  const settingsFiles = [
    ...homes.map((folder) => path.join(folder, 'settings.json')),
    path.join(appDataFolder(places), 'LM Studio', 'settings.json'),
  ]
  const downloads = await Promise.all(settingsFiles.map(readDownloadsFolder))
  const folders = [
    ...homes.map((folder) => path.join(folder, 'models')),
    ...downloads.filter((folder) => folder !== null),
  ]
  return mergeFindings(
    await Promise.all(
      [...new Set(folders)].map((folder) =>
        findInFolder(folder, { source: 'lm-studio', ...(signal && { signal }) }),
      ),
    ),
  )
}

const lmStudioSettings = z.object({ downloadsFolder: z.string().min(1) })

async function readDownloadsFolder(file: string): Promise<string | null> {
  const settings = lmStudioSettings.safeParse(await readJson(file))
  return settings.success && path.isAbsolute(settings.data.downloadsFolder)
    ? settings.data.downloadsFolder
    : null
}

/** Where apps keep their settings. */
function appDataFolder({ home, env, platform }: Places): string {
  if (platform === 'win32') return env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming')
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support')
  return env['XDG_CONFIG_HOME'] ?? path.join(home, '.config')
}

const ollamaManifest = z.object({
  layers: z.array(z.object({ mediaType: z.string(), digest: z.string().regex(/^sha256[:-][0-9a-f]{64}$/) })),
})

/**
 * Ollama keeps `manifests/<registry>/<namespace>/<model>/<tag>` beside `blobs/sha256-<digest>`: in `OLLAMA_MODELS`, in
 * `~/.ollama/models`, or in the folder of its service.
 * Source: https://docs.ollama.com/faq and https://github.com/ollama/ollama (manifest, server/modelpath.go).
 */
async function findOllama(places: Places, signal?: AbortSignal): Promise<Findings> {
  const { home, env, serviceFolders } = places
  const roots = [
    ...(env['OLLAMA_MODELS'] === undefined || env['OLLAMA_MODELS'] === '' ? [] : [env['OLLAMA_MODELS']]),
    path.join(home, '.ollama', 'models'),
    ...serviceFolders,
  ]
  return mergeFindings(await Promise.all([...new Set(roots)].map((root) => findInOllama(root, signal))))
}

async function findInOllama(root: string, signal?: AbortSignal): Promise<Findings> {
  const manifests = path.join(root, 'manifests')
  const walk = new Walk(signal, { accepts: () => true })
  await walk.enter(manifests, 0)
  const models = await Promise.all(
    walk.files.map(async (file): Promise<FoundModel | null> => {
      const manifest = ollamaManifest.safeParse(await readJson(file))
      if (!manifest.success) return null
      const blob = async (mediaType: string) => {
        const layer = manifest.data.layers.find((each) => each.mediaType === mediaType)
        return layer ? findBlob(root, layer.digest) : null
      }
      const model = await blob('application/vnd.ollama.image.model')
      if (model === null) return null
      const name = ollamaName(path.relative(manifests, file).split(path.sep))
      return {
        paths: [model],
        stem: name,
        source: 'ollama',
        name,
        projectorPath: await blob('application/vnd.ollama.image.projector'),
      }
    }),
  )
  return { models: models.filter((model) => model !== null), folders: walk.folders }
}

/** Digests were written with a colon in file names by early versions. */
async function findBlob(root: string, digest: string): Promise<string | null> {
  const hash = digest.slice('sha256:'.length)
  for (const name of [`sha256-${hash}`, `sha256:${hash}`]) {
    const file = path.join(root, 'blobs', name)
    if (await exists(file)) return file
  }
  return null
}

/** `registry.ollama.ai/library/llama3.2/3b` is "llama3.2:3b"; other registries and namespaces are part of the name. */
function ollamaName(parts: readonly string[]): string {
  const tag = parts.at(-1) ?? ''
  const [registry = '', namespace = '', ...model] = parts.slice(0, -1)
  const prefix = [
    ...(registry === 'registry.ollama.ai' ? [] : [registry]),
    ...(registry === 'registry.ollama.ai' && namespace === 'library' ? [] : [namespace]),
  ]
  return `${[...prefix, ...model].join('/')}:${tag}`
}

/**
 * The Hugging Face cache keeps `models--<owner>--<name>/snapshots/<commit>/<file>`, links into `blobs`: in `HF_HUB_CACHE`, in
 * `HF_HOME/hub`, or in `~/.cache/huggingface/hub`. The links are used, not the blobs: parts of split models need their names.
 * Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
 */
async function findHuggingFace({ home, env }: Places, signal?: AbortSignal): Promise<Findings> {
  const cache = env['XDG_CACHE_HOME'] ?? path.join(home, '.cache')
  const hub =
    env['HF_HUB_CACHE'] ??
    env['HUGGINGFACE_HUB_CACHE'] ??
    path.join(env['HF_HOME'] ?? path.join(cache, 'huggingface'), 'hub')
  const repositories = (await readFolder(hub)).filter(({ name }) => name.startsWith('models--'))
  const findings = await Promise.all(
    repositories.map(async ({ name }) => findInRepository(path.join(hub, name), signal)),
  )
  const merged = mergeFindings(findings)
  return { models: merged.models, folders: (await exists(hub)) ? [hub, ...merged.folders] : [] }
}

/** Snapshots of a repository share files: each blob is taken once, from the newest snapshot. */
async function findInRepository(repository: string, signal?: AbortSignal): Promise<Findings> {
  const snapshots = path.join(repository, 'snapshots')
  const dated = await Promise.all(
    (await readFolder(snapshots)).map(async ({ name }) => {
      const folder = path.join(snapshots, name)
      return { folder, changedAt: (await stat(folder).catch(() => null))?.mtimeMs ?? 0 }
    }),
  )
  const seen = new Set<string>()
  const models: FoundModel[] = []
  const folders: string[] = []
  for (const { folder } of dated.sort((one, other) => other.changedAt - one.changedAt)) {
    const found = await findInFolder(folder, { source: 'hugging-face', ...(signal && { signal }) })
    folders.push(snapshots, ...found.folders)
    for (const model of found.models) {
      const [first = ''] = model.paths
      const blob = await realpath(first).catch(() => first)
      if (seen.has(blob)) continue
      seen.add(blob)
      models.push(model)
    }
  }
  return { models, folders: [...new Set(folders)] }
}

/** A walk through folders that ends for certain: depth, folders and files are bounded, and no folder is entered twice. */
class Walk {
  readonly files: string[] = []
  readonly folders: string[] = []
  readonly #signal: AbortSignal | undefined
  readonly #accepts: (name: string) => boolean
  readonly #entered = new Set<string>()

  constructor(signal?: AbortSignal, { accepts = isGgufName }: { accepts?: (name: string) => boolean } = {}) {
    this.#signal = signal
    this.#accepts = accepts
  }

  async enter(folder: string, depth: number): Promise<void> {
    if (this.#signal?.aborted || depth > maxDepth || this.folders.length >= maxFolders) return
    const real = await realpath(folder).catch(() => null)
    if (real === null || this.#entered.has(real)) return
    this.#entered.add(real)
    const entries = await readFolder(folder)
    this.folders.push(folder)
    for (const entry of entries.toSorted((one, other) => one.name.localeCompare(other.name))) {
      const place = path.join(folder, entry.name)
      const kind = await kindOf(entry, place)
      if (kind === 'folder' && !entry.name.startsWith('.')) await this.enter(place, depth + 1)
      if (kind === 'file' && this.#accepts(entry.name) && this.files.length < maxFiles) this.files.push(place)
    }
  }
}

/** What an entry is, links followed; null for FIFOs, sockets, devices and links to nowhere. */
async function kindOf(entry: Dirent, place: string): Promise<'file' | 'folder' | null> {
  const target = entry.isSymbolicLink() ? await stat(place).catch(() => null) : entry
  if (target?.isDirectory()) return 'folder'
  return target?.isFile() ? 'file' : null
}

async function readFolder(folder: string): Promise<Dirent[]> {
  // A folder that is not there or that nobody may read holds nothing.
  return readdir(folder, { withFileTypes: true }).catch(() => [])
}

async function exists(place: string): Promise<boolean> {
  return stat(place).then(
    () => true,
    () => false,
  )
}

const maxJsonBytes = 2 ** 20

async function readText(file: string): Promise<string | null> {
  const stats = await stat(file).catch(() => null)
  if (!stats?.isFile() || stats.size > maxJsonBytes) return null
  return readFile(file, 'utf8').catch(() => null)
}

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file)
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    // Another app's file; what is no JSON says nothing.
    return null
  }
}
