import type { Problem } from '../contract/errors.ts'

/** What the user gave: paths of the host's file system, or files to be sent to it. */
export type Gift =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly File[] }
  | { readonly kind: 'refused'; readonly name: string; readonly problem: Problem }

/** Files as paths; of a split model only the first part, since the host finds the others beside it. */
export function pathGifts(files: readonly File[], pathOf: (file: File) => string): readonly Gift[] {
  return groupSplits(files).map(([first]) => ({ kind: 'path', path: pathOf(first) }))
}

/** Files to upload, the parts of a split model as one. */
export function uploadGifts(files: readonly File[]): readonly Gift[] {
  return groupSplits(files).map((group) => ({ kind: 'files', name: group[0].name, files: group }))
}

type Group = readonly [File, ...File[]]

/** "llama-00002-of-00003.gguf" belongs to the same model as "llama-00001-of-00003.gguf"; parts in order. */
function groupSplits(files: readonly File[]): readonly Group[] {
  const groups = new Map<string, [File, ...File[]]>()
  for (const file of [...files].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))) {
    const key = file.name.replace(/-\d{5}-of-(\d{5}\.gguf)$/i, '-of-$1')
    const group = groups.get(key)
    // Two files of one name from two folders are no parts of each other.
    if (group && key !== file.name) group.push(file)
    else groups.set(groups.has(key) ? `${key} ${groups.size}` : key, [file])
  }
  return [...groups.values()]
}
