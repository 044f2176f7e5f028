import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import type { z } from 'zod'
import {
  exportedConversationSchema,
  fileFormat,
  fileVersion,
  type ExportedConversation,
  type ExportedTurn,
  type ImportEvent,
  type ImportResult,
} from '../../contract/conversation-file.ts'
import { AppError } from '../../contract/errors.ts'
import type { ConversationRows } from './conversation-rows.ts'
import { ConversationWriter } from './conversation-writer.ts'
import { frameMs } from './frames.ts'
import { JsonParts } from './json-parts.ts'
import { looksLikeChat, readChat } from './open-webui.ts'

/** More than any history holds; a guard for the memory. Characters. */
const maxCharacters = 1_000_000_000
/** The database is written for so long, then the app goes on, in milliseconds. */
const sliceMs = 25

type LeftOut = ImportResult['leftOut']

/**
 * A file of conversations on its way in: it comes in pieces, is checked as a whole, and only then written. Each conversation is
 * written hidden; all of them appear together at the end, so that a failure or a crash leaves nothing behind.
 */
export class ConversationImport {
  readonly #name: string
  readonly #parts = new JsonParts('conversations')
  readonly #texts: string[] = []
  #characters = 0

  /** `name` of the file, for messages. */
  constructor(name: string) {
    this.#name = name
  }

  /** Takes the next piece of the file. Throws `BAD_INPUT` when it is larger than any history. */
  push(text: string): void {
    this.#characters += text.length
    if (this.#characters > maxCharacters)
      throw this.#error('it holds more than a billion characters', 'Export fewer conversations at once')
    // The mark that some editors put in front.
    for (const part of this.#parts.push(text.replace(/^\uFEFF/, ''))) this.#texts.push(part)
  }

  /**
   * Checks the whole file and writes it; tells how far it is. Throws `BAD_INPUT` naming the place and what is wrong, before anything
   * is written. When `signal` aborts nothing stays.
   */
  async *finish(options: {
    readonly database: DatabaseSync
    readonly rows: ConversationRows
    readonly now: number
    readonly signal?: AbortSignal | undefined
    /** Lets conversations that were written hidden be seen, all at once. */
    readonly reveal: (ids: readonly string[]) => void
  }): AsyncGenerator<ImportEvent> {
    const { conversations, ...read } = await this.#read(options.now, options.signal)
    const writer = new ConversationWriter(options)
    const result = { source: read.source, notes: read.notes, leftOut: read.leftOut, known: 0, turns: 0 }
    const ids: string[] = []
    let isDone = false
    try {
      let toldAt = performance.now()
      for (let at = 0; at < conversations.length;) {
        options.signal?.throwIfAborted()
        // Many in one transaction: the search index merges what each of them has added.
        at = options.rows.together(() => {
          const begun = performance.now()
          let next = at
          for (const conversation of conversations.slice(at)) {
            const written = writer.write(conversation, `conversations[${String(next)}]`)
            if (written === null) result.known++
            else {
              ids.push(written)
              result.turns += conversation.turns.length
            }
            next++
            if (performance.now() - begun > sliceMs) break
          }
          return next
        })
        if (performance.now() - toldAt > frameMs) {
          yield { kind: 'writing', done: at, of: conversations.length }
          toldAt = performance.now()
        }
        await setImmediate()
      }
      options.reveal(ids)
      isDone = true
    } catch (error) {
      throw error instanceof AppError && error.code === 'BAD_INPUT' ? this.#error(error.message) : error
    } finally {
      // Also when nobody asks how it goes any more.
      if (!isDone) for (const id of ids) options.rows.purge(id)
    }
    yield { kind: 'done', result: { ...result, ids, conversations: ids.length } }
  }

  async #read(now: number, signal: AbortSignal | undefined) {
    if (!this.#parts.isWhole)
      throw this.#error('it ends in the middle', 'It may not have been copied whole; export it again')
    const rest = this.#parse(this.#parts.rest, '')
    if (this.#parts.hasOthers) throw this.#error('it holds a list of something else than conversations')
    const isFile = isRecord(rest) && rest['format'] === fileFormat
    if (isFile && typeof rest['version'] === 'number' && rest['version'] > fileVersion)
      throw this.#error(
        `it is of version ${String(rest['version'])}, and this Plenum reads up to ${String(fileVersion)}`,
        'Update Plenum',
      )
    if (isFile && rest['version'] !== fileVersion) throw this.#error('version: it has none')
    if (isFile && !Array.isArray(rest['conversations'])) throw this.#error('conversations: is no list')
    if (!isFile && isRecord(rest) && !looksLikeChat(rest)) throw this.#unknown()

    const conversations: ExportedConversation[] = []
    const leftOut: LeftOut = []
    const left = { files: 0, loose: 0 }
    const texts = Array.isArray(rest) || isFile ? this.#texts : [this.#parts.rest]
    let begun = performance.now()
    for (const [index, text] of texts.entries()) {
      if (performance.now() - begun > sliceMs) {
        await setImmediate()
        begun = performance.now()
      }
      signal?.throwIfAborted()
      const place = isFile ? `conversations[${String(index)}]` : `[${String(index)}]`
      const value = this.#parse(text, place)
      // What is read is no longer needed as text.
      texts[index] = ''
      if (isFile) {
        conversations.push(this.#check(value, place))
        continue
      }
      if (!looksLikeChat(value)) {
        if (index === 0) throw this.#unknown()
        leftOut.push({ title: `Number ${String(index + 1)}`, reason: 'It is no chat' })
        continue
      }
      const chat = readChat(value, now)
      if (chat.kind === 'unreadable') leftOut.push({ title: chat.title, reason: chat.reason })
      else {
        conversations.push(this.#check(chat.conversation, place))
        left.files += chat.leftBehind.files
        left.loose += chat.leftBehind.loose
      }
    }
    const notes = [
      counted(left.files, 'attached file or image', 'attached files and images'),
      counted(left.loose, 'answer to no message', 'answers to no message'),
    ].filter((note) => note !== null)
    const source: ImportResult['source'] = isFile ? 'plenum' : 'open-webui'
    return { source, conversations, leftOut, notes }
  }

  #parse(text: string, place: string): unknown {
    try {
      return JSON.parse(text)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw this.#error(`${place === '' ? '' : `${place}: `}it is no JSON (${why.slice(0, 200)})`)
    }
  }

  /** The conversation in the form of the schema, in itself without contradictions, its turns in an order in which they can be written. */
  #check(value: unknown, place: string): ExportedConversation {
    const { data, error } = exportedConversationSchema.safeParse(value)
    if (!data) {
      const [issue] = error.issues
      throw this.#error(`${pathOf(place, issue)}: ${issue?.message ?? 'is not as expected'}`)
    }
    const problem = contradictionIn(data)
    if (problem !== null) throw this.#error(`${place}.${problem}`)
    return { ...data, turns: withParentAnswers(parentsFirst(data.turns)) }
  }

  #unknown(): AppError {
    return this.#error(
      'it is neither an export of Plenum nor one of Open WebUI',
      'In Open WebUI: Settings, Data controls, Export chats; or Download, Export chat (.json) of one chat',
    )
  }

  #error(reason: string, help?: string): AppError {
    return new AppError('BAD_INPUT', `Cannot import "${this.#name}": ${reason}`, {
      details: { ...(help !== undefined && { help }), path: this.#name },
    })
  }
}

/** What makes a conversation impossible, with its place; null when nothing does. */
function contradictionIn({ turns, shownTurnId, attachments = [] }: ExportedConversation): string | null {
  const attachmentIds = new Set(attachments.map(({ id }) => id))
  if (attachmentIds.size < attachments.length) return 'attachments: two of them have the same id'
  const known = new Map(turns.map((turn) => [turn.id, turn]))
  if (known.size < turns.length) return 'turns: two of them have the same id'
  const answerIds = turns.flatMap(({ answers }) => answers.map(({ id }) => id))
  if (new Set(answerIds).size < answerIds.length) return 'turns: two answers have the same id'
  for (const [index, turn] of turns.entries()) {
    const place = `turns[${String(index)}]`
    if (turn.parentId !== null && !known.has(turn.parentId)) return `${place}.parentId: there is no such turn`
    const parent = known.get(turn.parentId ?? '')
    if (turn.parentAnswerId != null && !parent?.answers.some(({ id }) => id === turn.parentAnswerId))
      return `${place}.parentAnswerId: the turn before it has no such answer`
    if (!turn.answers.some(({ id }) => id === turn.chosenAnswerId))
      return `${place}.chosenAnswerId: it has no such answer`
    if (turn.attachmentIds?.some((id) => !attachmentIds.has(id)) === true)
      return `${place}.attachmentIds: there is no such attachment`
  }
  if (parentsFirst(turns).length < turns.length) return 'turns: they build on each other in a circle'
  if (shownTurnId !== null && !known.has(shownTurnId)) return 'shownTurnId: there is no such turn'
  return null
}

/** Turns after the ones that they build on; those in a circle are left out. */
function parentsFirst(turns: readonly ExportedTurn[]): ExportedTurn[] {
  const children = Map.groupBy(turns, ({ parentId }) => parentId)
  const ordered = [...(children.get(null) ?? [])]
  // Grows while it is read.
  for (const turn of ordered) ordered.push(...(children.get(turn.id) ?? []))
  return ordered
}

/** Files from before turns hung on answers do not say on which. */
function withParentAnswers(turns: readonly ExportedTurn[]): ExportedTurn[] {
  const chosen = new Map(turns.map(({ id, chosenAnswerId }) => [id, chosenAnswerId]))
  return turns.map((turn) => ({
    ...turn,
    parentAnswerId:
      turn.parentAnswerId ?? (turn.parentId === null ? null : (chosen.get(turn.parentId) ?? null)),
  }))
}

function pathOf(place: string, issue: z.core.$ZodIssue | undefined): string {
  return (issue?.path ?? []).reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${String(key)}]` : `${path}.${String(key)}`),
    place,
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function counted(count: number, one: string, many: string): string | null {
  if (count === 0) return null
  return count === 1 ? `1 ${one}` : `${String(count)} ${many}`
}
