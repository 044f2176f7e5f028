import type { ImportResult } from '../../contract/conversation-file.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { attempt, host, useApp } from '../store.ts'

/** A file of conversations on its way in, until the user has seen what became of it. */
export type Importing = { readonly name: string; readonly state: ImportState }

/** Where an import is. */
export type ImportState =
  | {
      readonly kind: 'sending'
      readonly sentBytes: number
      readonly totalBytes: number
      readonly abort: AbortController
    }
  | { readonly kind: 'writing'; readonly done: number; readonly of: number; readonly abort: AbortController }
  | { readonly kind: 'done'; readonly result: ImportResult }
  | { readonly kind: 'refused'; readonly problem: Problem }

/** Characters that are sent at once: a fraction of what the host takes in one message. */
const pieceCharacters = 1_000_000

/** Saves one conversation as a file: its shown path as Markdown, or all of it as JSON. */
export async function exportConversation(id: string, format: 'markdown' | 'json'): Promise<void> {
  await attempt(async () => saveFile(await host().conversations.export({ id, format })))
}

/** Saves all conversations as one file. */
export async function exportAllConversations(): Promise<void> {
  await attempt(async () => saveFile(await host().conversations.exportAll()))
}

/** Lets the user choose files of conversations, and brings them in. */
export function chooseImport(): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.accept = '.json,application/json'
  input.multiple = true
  input.addEventListener('change', () => void importFiles([...(input.files ?? [])]))
  input.click()
}

/** Whether a file that was dropped may hold conversations. */
export function isConversationFile({ name }: { readonly name: string }): boolean {
  return /\.json$/i.test(name)
}

/** Brings files of conversations in, one after the other; a dialog tells how far it is and what became of each. */
export async function importFiles(files: readonly File[]): Promise<void> {
  for (const file of files) {
    // Whoever closes the dialog has seen it.
    await importFile(file)
    const last = useApp.getState().importing?.state.kind
    if (file !== files.at(-1) && last !== undefined) await closed()
  }
}

/** Ends the import, if it is still under way, and closes its dialog. */
export function closeImport(): void {
  const state = useApp.getState().importing?.state
  if (state?.kind === 'sending' || state?.kind === 'writing') state.abort.abort()
  useApp.setState({ importing: null })
}

/** Takes an import back. */
export async function undoImport({ ids }: ImportResult): Promise<void> {
  await attempt(() => host().conversations.deleteMany({ ids }))
}

async function importFile(file: File): Promise<void> {
  const abort = new AbortController()
  const show = (state: ImportState) => {
    if (!abort.signal.aborted) useApp.setState({ importing: { name: file.name, state } })
  }
  try {
    const importId = crypto.randomUUID()
    show({ kind: 'sending', sentBytes: 0, totalBytes: file.size, abort })
    await sendPieces(file, async (text, sentBytes) => {
      abort.signal.throwIfAborted()
      await host().conversations.importPart({ importId, name: file.name, text })
      show({ kind: 'sending', sentBytes, totalBytes: file.size, abort })
    })
    const events = await host().conversations.importEnd({ importId }, { signal: abort.signal })
    for await (const event of events) {
      if (event.kind === 'done') show({ kind: 'done', result: event.result })
      else show({ ...event, abort })
    }
  } catch (error) {
    show({ kind: 'refused', problem: toProblem(error) })
  }
}

/** Reads a file without holding it whole, and passes its text on in pieces; `sentBytes` counts up to the file's size. */
async function sendPieces(
  file: File,
  send: (text: string, sentBytes: number) => Promise<void>,
): Promise<void> {
  const decoder = new TextDecoder()
  const sliceBytes = pieceCharacters
  for (let from = 0; from < file.size; from += sliceBytes) {
    const bytes = await file.slice(from, from + sliceBytes).arrayBuffer()
    const isLast = from + sliceBytes >= file.size
    await send(decoder.decode(bytes, { stream: !isLast }), Math.min(file.size, from + sliceBytes))
  }
  if (file.size === 0) await send('', 0)
}

function closed(): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = useApp.subscribe(({ importing }) => {
      if (importing !== null) return
      unsubscribe()
      resolve()
    })
  })
}

/** Where the user says in the system's own dialog; in a browser as it saves what it downloads. */
export async function saveFile(file: File): Promise<void> {
  if (useApp.getState().host?.canChooseFiles === true) {
    await host().files.save({ name: file.name, text: await file.text() })
    return
  }
  const address = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = address
  link.download = file.name
  link.click()
  // The download has begun when this task ends, but some browsers read the address a little later.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
