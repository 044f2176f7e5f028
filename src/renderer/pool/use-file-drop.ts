import { useEffect, useState } from 'react'
import { AppError, toProblem } from '../../contract/errors.ts'
import { holdsConversations, importFiles, isConversationFile } from '../chat/conversation-files.ts'
import { attachFiles } from '../chat/draft-attachments.ts'
import { isDesktop } from '../connection.ts'
import { pathGifts, uploadGifts, type Gift } from '../gifts.ts'

/**
 * Takes files that are dropped anywhere on the window: models, and exported conversations (JSON), which are brought in; on the chat, what is neither is
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
        const isChat = event.target instanceof Element && event.target.closest('[data-attaches]') !== null
        const files = [...event.dataTransfer.files]
        const others = files.filter((file) => (isChat ? !isModel(file.name) : isConversationFile(file)))
        if (others.length > 0) void takeOthers(others, { isChat })
        if (others.length < files.length)
          onDrop(giftsOf(event.dataTransfer, (name) => (isChat ? isModel(name) : !isConversationFile({ name }))))
      },
      options,
    )
    return () => abort.abort()
  }, [onDrop])
  return isOver
}

/** Files that are no models. On the chat a JSON file is attached, unless it looks like exported conversations. */
async function takeOthers(files: readonly File[], { isChat }: { readonly isChat: boolean }): Promise<void> {
  const areConversations = await Promise.all(files.map(async (file) => !isChat || holdsConversations(file)))
  const conversations = files.filter((_, index) => areConversations[index])
  const attached = files.filter((_, index) => !areConversations[index])
  if (attached.length > 0) void attachFiles(attached)
  if (conversations.length > 0) await importFiles(conversations)
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false
}

function isModel(name: string): boolean {
  return /\.gguf$/i.test(name)
}

function giftsOf(transfer: DataTransfer, isWanted: (name: string) => boolean): readonly Gift[] {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file')
  const folders = items.flatMap((item) => {
    const entry = item.webkitGetAsEntry()
    return entry?.isDirectory === true && isWanted(entry.name) ? [entry.name] : []
  })
  const files = [...transfer.files].filter(({ name }) => isWanted(name))
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
