import { useEffect, useState } from 'react'
import { AppError, toProblem } from '../../contract/errors.ts'
import { attachFiles } from '../chat/draft-attachments.ts'
import { importFiles, isConversationFile } from '../conversations/conversation-files.ts'
import { isDesktop } from '../connection.ts'
import { isPipelineFile, openPipeline } from '../pipeline/pipelines.ts'
import { pathGifts, uploadGifts, type Gift } from '../gifts.ts'

/**
 * Takes files that are dropped anywhere on the window: models, exported conversations (JSON), which are brought in, and pipelines (YAML); on the chat, what is no GGUF is
 * attached to the message. Whether some are held over it now. In the desktop app files and
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
        const { dataTransfer: transfer, target } = event
        const isChat = target instanceof Element && target.closest('[data-attaches]') !== null
        const folders = folderNames(transfer)
        const files = [...transfer.files]
        const isPlain = ({ name }: File) => !/\.gguf$/i.test(name) && !folders.includes(name)
        const attached = isChat ? files.filter(isPlain) : []
        const conversations = isChat ? [] : files.filter(isConversationFile)
        if (attached.length > 0) void attachFiles(attached)
        if (conversations.length > 0) void importFiles(conversations)
        // One at a time is on the screen.
        const pipelines = isChat ? [] : files.filter(isPipelineFile)
        if (pipelines[0]) void openPipeline(pipelines[0])
        const others = [...attached, ...conversations, ...pipelines]
        const models = files.filter((file) => !others.includes(file))
        if (models.length > 0) onDrop(giftsOf(models, folders))
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

function folderNames(transfer: DataTransfer): readonly string[] {
  return [...transfer.items].flatMap((item) => {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null
    return entry?.isDirectory === true ? [entry.name] : []
  })
}

function giftsOf(files: readonly File[], folders: readonly string[]): readonly Gift[] {
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
