import { AppError, problemSchema, toProblem, type Problem } from '../contract/errors.ts'
import { addResultSchema, type AddResult, type LibraryModel } from '../contract/model.ts'
import type { Gift } from './gifts.ts'
import { attempt, host, useApp } from './store.ts'
import { z } from 'zod'

/** A file or folder on its way into the library, from the drop until the user has seen what became of it. */
export type Addition = { readonly id: string; readonly name: string; readonly state: AdditionState }

/** Where an addition is. */
export type AdditionState =
  | { readonly kind: 'waiting' }
  | {
      readonly kind: 'uploading'
      readonly sentBytes: number
      readonly totalBytes: number
      readonly abort: AbortController
    }
  | { readonly kind: 'checking' }
  /** Not added, or added and then not loadable; says why. */
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** In the library; waits for the user's word (see proposal.ts) because somebody has to leave, or cannot be loaded as it is. */
  | { readonly kind: 'offered'; readonly model: LibraryModel; readonly isKnown: boolean }
  /** Nothing is left to do; `loading` models show their progress in the pool. */
  | {
      readonly kind: 'done'
      readonly model: LibraryModel
      readonly isKnown: boolean
      readonly outcome: 'loading' | 'resident'
    }
  /** A folder that held several models. */
  | {
      readonly kind: 'folder'
      readonly added: number
      readonly known: number
      readonly refused: readonly { readonly path: string; readonly problem: Problem }[]
    }

/** Adds what the user gave, one after the other, and offers or loads what was added. */
export async function addGifts(gifts: readonly Gift[]): Promise<void> {
  const cards = gifts.map((gift) => ({ gift, id: crypto.randomUUID() }))
  useApp.setState(({ additions }) => ({
    // What was given last is what the user looks for.
    additions: [
      ...cards.map(({ gift, id }): Addition => ({ id, name: giftName(gift), state: { kind: 'waiting' } })),
      ...additions,
    ],
  }))
  for (const { gift, id } of cards) {
    try {
      const results = await addGift(id, gift)
      if (results) await settle(id, results)
    } catch (error) {
      setState(id, { kind: 'refused', problem: toProblem(error) })
    }
  }
}

function giftName(gift: Gift): string {
  return gift.kind === 'path' ? fileName(gift.path) : gift.name
}

/** The last part of a path of either kind of system. */
export function fileName(path: string): string {
  return path.split(/[/\\]/).findLast((part) => part !== '') ?? path
}

/** What the host answered; null when the user took it back. */
async function addGift(id: string, gift: Gift): Promise<readonly AddResult[] | null> {
  // Taken off the screen while it waited for its turn.
  if (!useApp.getState().additions.some((addition) => addition.id === id)) return null
  switch (gift.kind) {
    case 'refused':
      setState(id, { kind: 'refused', problem: gift.problem })
      return null
    case 'path':
      setState(id, { kind: 'checking' })
      return host().models.add({ path: gift.path })
    case 'files':
      return uploadAll(id, gift.files)
    default:
      return gift satisfies never
  }
}

/** Uploads the files of one model; what the host says to the last of them is the answer. */
async function uploadAll(id: string, files: readonly File[]): Promise<readonly AddResult[] | null> {
  const abort = new AbortController()
  const totalBytes = files.reduce((sum, file) => sum + file.size, 0)
  let doneBytes = 0
  let results: readonly AddResult[] = []
  for (const file of files) {
    // The magic is looked at here too, so that nobody waits for a film to be sent before it is refused.
    if ((await file.slice(0, 4).text()) !== 'GGUF') throw notGguf(file)
    const before = doneBytes
    setState(id, { kind: 'uploading', sentBytes: before, totalBytes, abort })
    try {
      results = await upload(file, {
        signal: abort.signal,
        onProgress: (sentBytes) =>
          setState(
            id,
            before + sentBytes < totalBytes
              ? { kind: 'uploading', sentBytes: before + sentBytes, totalBytes, abort }
              : { kind: 'checking' },
          ),
      })
    } catch (error) {
      if (!abort.signal.aborted) throw error
      dismissAddition(id)
      return null
    }
    doneBytes += file.size
  }
  return results
}

function notGguf(file: File): AppError {
  const what = file.size === 0 ? 'the file is empty' : 'it is not a GGUF file'
  return new AppError('BAD_MODEL_FILE', `Cannot add "${file.name}": ${what}`, {
    details: { help: 'Plenum loads models in the GGUF format; their files end in .gguf.' },
  })
}

/** Sends one file to the host; rejects with the signal's reason when it is aborted. */
function upload(
  file: File,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void },
): Promise<readonly AddResult[]> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const fail = () => reject(uploadError(file, request))
    request.upload.addEventListener('progress', (event) => onProgress(event.loaded))
    request.addEventListener('load', () => {
      const parsed = z.array(addResultSchema).safeParse(parseJson(request.responseText))
      if (request.status >= 200 && request.status < 300 && parsed.success) resolve(parsed.data)
      else fail()
    })
    request.addEventListener('error', fail)
    request.addEventListener('abort', () => reject(signal.reason as Error))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('PUT', new URL(`upload/${encodeURIComponent(file.name)}`, document.baseURI))
    request.send(file)
  })
}

function uploadError(file: File, request: XMLHttpRequest): AppError {
  const parsed = problemSchema.safeParse(parseJson(request.responseText))
  if (parsed.success)
    return new AppError(parsed.data.code, parsed.data.message, { details: parsed.data.details })
  const why = request.status === 0 ? 'the connection was lost' : `the host answered ${request.status}`
  return new AppError('INTERNAL', `Cannot upload "${file.name}": ${why}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function settle(id: string, results: readonly AddResult[]): Promise<void> {
  const [only] = results
  if (!only) {
    setState(id, {
      kind: 'refused',
      problem: toProblem(
        new AppError('BAD_MODEL_FILE', `Cannot add "${nameOf(id)}": it holds no GGUF files`, {
          details: { help: 'Models are files that end in .gguf.' },
        }),
      ),
    })
    return
  }
  if (results.length > 1) {
    setState(id, {
      kind: 'folder',
      added: results.filter(({ kind }) => kind === 'added').length,
      known: results.filter(({ kind }) => kind === 'known').length,
      refused: results.filter((result) => result.kind === 'refused'),
    })
    return
  }
  if (only.kind === 'refused') setState(id, { kind: 'refused', problem: only.problem })
  else await offer(id, { model: only.model, isKnown: only.kind === 'known' })
}

/** Loads a model that was just added when nobody has to leave for it; else shows what it would take. */
async function offer(id: string, entry: Entry): Promise<void> {
  const answer = await answerToDrop(entry.model.id)
  if (answer === 'resident') setState(id, { kind: 'done', outcome: 'resident', ...entry })
  else if (answer === 'load') void load(id, entry)
  else {
    setState(id, { kind: 'offered', ...entry })
    // The first model that waits for a word is shown, unless another one was dropped before it.
    useApp.setState(({ proposal }) => (proposal?.from === 'drop' ? {} : { proposal: null }))
  }
}

type Entry = { readonly model: LibraryModel; readonly isKnown: boolean }

/** A model of the library was dropped on the pool. */
export async function dropModel(modelId: string): Promise<void> {
  await attempt(async () => {
    const answer = await answerToDrop(modelId)
    useApp.setState({ proposal: answer === 'show' ? { modelId, options: {}, from: 'drop' } : null })
    if (answer === 'load') await loadGiven(modelId)
  })
}

async function answerToDrop(modelId: string): Promise<'resident' | 'load' | 'show'> {
  const { verdict } = await host().models.preview({ id: modelId })
  if (verdict.kind === 'resident') return 'resident'
  return verdict.kind === 'fits' && useApp.getState().settings?.loadOnDrop !== false ? 'load' : 'show'
}

/** Loads a model of the library; if it was offered, its addition follows. */
export async function loadGiven(modelId: string): Promise<void> {
  for (const { id, state } of useApp.getState().additions) {
    if (state.kind === 'offered' && state.model.id === modelId) {
      await load(id, state)
      return
    }
  }
  await host().models.load({ id: modelId })
}

async function load(id: string, { model, isKnown }: Entry): Promise<void> {
  setState(id, { kind: 'done', model, isKnown, outcome: 'loading' })
  try {
    await host().models.load({ id: model.id })
    dismissAddition(id)
  } catch (error) {
    // A load that failed stays in the pool with its problem: said once is enough.
    if (useApp.getState().pool?.residents.some(({ modelId }) => modelId === model.id)) dismissAddition(id)
    else setState(id, { kind: 'refused', problem: toProblem(error) })
  }
}

/** Takes an addition off the screen; an upload under way is cancelled. The library keeps what was added. */
export function dismissAddition(id: string): void {
  const addition = useApp.getState().additions.find((item) => item.id === id)
  if (addition?.state.kind === 'uploading' && !addition.state.abort.signal.aborted)
    addition.state.abort.abort()
  useApp.setState(({ additions }) => ({ additions: additions.filter((item) => item.id !== id) }))
}

function nameOf(id: string): string {
  return useApp.getState().additions.find((addition) => addition.id === id)?.name ?? ''
}

function setState(id: string, state: AdditionState): void {
  useApp.setState(({ additions }) => ({
    additions: additions.map((addition) => (addition.id === id ? { ...addition, state } : addition)),
  }))
}
