import type { Dirent } from 'node:fs'
import { readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { FolderEntry } from '../../contract/contract.ts'
import { AppError } from '../../contract/errors.ts'

/** A folder's content for the picker. */
export type FolderListing = {
  readonly path: string
  readonly parent: string | null
  readonly entries: FolderEntry[]
}

/**
 * Folders and GGUF files at a path of this machine, folders first, hidden ones last of each. Without a path: the home
 * folder, with the models folder on top. Throws `NOT_FOUND` and `BAD_INPUT`.
 */
export async function browse(
  folder: string | undefined,
  places: { readonly home: string; readonly modelsFolder: string },
): Promise<FolderListing> {
  const place = path.resolve(expandHome(folder ?? places.home, places.home))
  if (folder !== undefined && !path.isAbsolute(expandHome(folder, places.home))) {
    throw new AppError('BAD_INPUT', `Cannot open "${folder}": it is not an absolute path`, {
      details: { path: folder },
    })
  }
  const children = await readFolder(place)
  const entries = (await Promise.all(children.map((child) => describe(place, child)))).filter(
    (entry) => entry !== null,
  )
  entries.sort(
    (a, b) =>
      Number(a.kind === 'gguf') - Number(b.kind === 'gguf') ||
      Number(a.name.startsWith('.')) - Number(b.name.startsWith('.')) ||
      a.name.localeCompare(b.name, undefined, { numeric: true, sensitivity: 'base' }),
  )
  if (folder === undefined && (await isFolder(places.modelsFolder))) {
    const { modelsFolder } = places
    entries.unshift({ name: path.basename(modelsFolder), path: modelsFolder, kind: 'folder', bytes: null })
  }
  const parent = path.dirname(place)
  return { path: place, parent: parent === place ? null : parent, entries }
}

/** Writes a text where the user said. Throws `DISK_FULL` and `BAD_INPUT`. */
export async function saveText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const details = { path: file }
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new AppError('DISK_FULL', `Cannot save "${file}": the disk is full`, { details, cause })
    const reason =
      code === 'ENOENT'
        ? 'there is no such folder'
        : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
          ? 'no permission to write there'
          : `the system says ${String(code)}`
    throw new AppError('BAD_INPUT', `Cannot save "${file}": ${reason}`, { details, cause })
  }
}

/** "~" and "~/models" as a shell would read them. */
function expandHome(text: string, home: string): string {
  return text === '~' || text.startsWith('~/') || text.startsWith('~\\')
    ? path.join(home, text.slice(1))
    : text
}

async function readFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const details = { path: folder }
    switch (code) {
      case 'ENOENT':
        throw new AppError('NOT_FOUND', `Cannot open "${folder}": there is no such folder`, {
          details,
          cause,
        })
      case 'ENOTDIR':
        throw new AppError('BAD_INPUT', `Cannot open "${folder}": it is not a folder`, { details, cause })
      case 'EACCES':
      case 'EPERM':
        throw new AppError('BAD_INPUT', `Cannot open "${folder}": no permission to read it`, {
          details,
          cause,
        })
      default:
        throw cause
    }
  }
}

async function describe(folder: string, child: Dirent): Promise<FolderEntry | null> {
  const entryPath = path.join(folder, child.name)
  const isGguf = child.name.toLowerCase().endsWith('.gguf')
  if (child.isDirectory()) return { name: child.name, path: entryPath, kind: 'folder', bytes: null }
  if (!child.isSymbolicLink() && !(child.isFile() && isGguf)) return null
  try {
    const target = await stat(entryPath)
    if (target.isDirectory()) return { name: child.name, path: entryPath, kind: 'folder', bytes: null }
    return target.isFile() && isGguf
      ? { name: child.name, path: entryPath, kind: 'gguf', bytes: target.size }
      : null
  } catch {
    // A link to nowhere, or a file that has just gone: nothing to choose.
    return null
  }
}

async function isFolder(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory()
  } catch {
    return false
  }
}
