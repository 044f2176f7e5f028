import { useEffect, useState } from 'react'
import { AppError, toProblem } from '../../contract/errors.ts'
import { importFiles, isConversationFile } from '../chat/conversation-files.ts'
import { isDesktop } from '../connection.ts'
import { pathGifts, uploadGifts, type Gift } from '../gifts.ts'

/**
 * Takes files that are dropped anywhere on the window: models, and exported conversations (JSON), which are brought in. Whether some are held over it now. In the desktop app files and
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
        const conversations = [...event.dataTransfer.files].filter(isConversationFile)
        if (conversations.length > 0) void importFiles(conversations)
        const gifts = giftsOf(event.dataTransfer)
        if (gifts.length > 0) onDrop(gifts)
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
  const files = [...transfer.files].filter((file) => !isConversationFile(file))
  if (isDesktop()) return pathGifts(files, (file) => window.plenum?.pathForFile(file) ?? file.name)
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
