import { useEffect, useState } from 'react'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { Gift } from '../additions.ts'
import { isDesktop } from '../connection.ts'

/**
 * Takes files that are dropped anywhere on the window; whether some are held over it now. In the desktop app files and
 * folders arrive as paths, in a browser as files to be uploaded, the parts of a split model together.
 */
export function useFileDrop(onDrop: (gifts: readonly Gift[]) => void): boolean {
  const [isOver, setIsOver] = useState(false)
  useEffect(() => {
    const abort = new AbortController()
    const options = { signal: abort.signal }
    const onDrag = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy'
      setIsOver(true)
    }
    window.addEventListener('dragenter', onDrag, options)
    window.addEventListener('dragover', onDrag, options)
    window.addEventListener(
      'dragleave',
      (event) => {
        // Only when the pointer leaves the window, not an element in it.
        if (event.relatedTarget === null) setIsOver(false)
      },
      options,
    )
    window.addEventListener(
      'drop',
      (event) => {
        setIsOver(false)
        if (!hasFiles(event) || !event.dataTransfer) return
        event.preventDefault()
        onDrop(giftsOf(event.dataTransfer))
      },
      options,
    )
    return () => abort.abort()
  }, [onDrop])
  return isOver
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false
}

function giftsOf(transfer: DataTransfer): readonly Gift[] {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file')
  const folders = items.flatMap((item) => {
    const entry = item.webkitGetAsEntry()
    return entry?.isDirectory === true ? [entry.name] : []
  })
  const files = [...transfer.files]
  if (isDesktop()) return pathGifts(files)
  return [
    ...folders.map((name): Gift => ({ kind: 'refused', name, problem: toProblem(noFolders(name)) })),
    ...uploadGifts(files.filter(({ name }) => !folders.includes(name))),
  ]
}

function noFolders(name: string): AppError {
  return new AppError('NOT_SUPPORTED', `Cannot add "${name}": a browser does not pass on folders`, {
    details: { help: 'Drop the GGUF files in it, or choose the folder on the host from the library.' },
  })
}

/** Files as paths; of a split model only the first part, since the host finds the others beside it. */
function pathGifts(files: readonly File[]): readonly Gift[] {
  return groupSplits(files).map(([first]) => ({
    kind: 'path',
    path: window.plenum?.pathForFile(first) ?? first.name,
  }))
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
