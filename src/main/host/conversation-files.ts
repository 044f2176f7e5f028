import type { DatabaseSync } from 'node:sqlite'
import type { ImportEvent, ImportResult } from '../../contract/conversation-file.ts'
import { AppError } from '../../contract/errors.ts'
import { exportFile } from './conversation-export.ts'
import { ConversationImport } from './conversation-import.ts'
import { conversationMarkdown, fileNameOf } from './conversation-markdown.ts'
import { ConversationRows } from './conversation-rows.ts'
import type { Conversations } from './conversations.ts'

/** Who sends a file and stops in the middle is forgotten after so long, in milliseconds. */
const forgetMs = 5 * 60_000

type Incoming = { readonly import: ConversationImport; timer: NodeJS.Timeout }

/** Conversations as files: out, and in again. */
export class ConversationFiles implements Disposable {
  readonly #database: DatabaseSync
  readonly #conversations: Conversations
  readonly #rows: ConversationRows
  readonly #incoming = new Map<string, Incoming>()

  constructor({ database, conversations }: { database: DatabaseSync; conversations: Conversations }) {
    this.#database = database
    this.#conversations = conversations
    this.#rows = new ConversationRows(database)
  }

  /** One conversation: its shown path as Markdown, or all of it as JSON. Throws `NOT_FOUND`. */
  async export(id: string, format: 'markdown' | 'json'): Promise<File> {
    const conversation = this.#conversations.get(id)
    if (format === 'markdown') {
      const name = fileNameOf(conversation.title, 'md')
      return new File([conversationMarkdown(conversation)], name, { type: 'text/markdown; charset=utf-8' })
    }
    return this.#fileOf([id], fileNameOf(conversation.title, 'json'))
  }

  /** All conversations, also the archived ones, as JSON. */
  exportAll(): Promise<File> {
    const day = new Date().toISOString().slice(0, 10)
    const ids = this.#conversations.list().map(({ id }) => id)
    return this.#fileOf(ids, `Plenum conversations ${day}.json`)
  }

  /** Takes a piece of a file that is sent in pieces, in their order. Throws `BAD_INPUT` when it is too large. */
  importPart({ importId, name, text }: { importId: string; name: string; text: string }): void {
    const incoming = this.#incoming.get(importId) ?? {
      import: new ConversationImport(name),
      timer: setTimeout(() => undefined, 0),
    }
    this.#incoming.set(importId, incoming)
    clearTimeout(incoming.timer)
    incoming.timer = setTimeout(() => this.#incoming.delete(importId), forgetMs).unref()
    try {
      incoming.import.push(text)
    } catch (error) {
      this.#forget(importId)
      throw error
    }
  }

  /** Checks the file whose pieces have come, and writes it. Throws `BAD_INPUT` saying what is wrong with it. */
  importEnd(importId: string, signal?: AbortSignal): AsyncGenerator<ImportEvent> {
    const incoming = this.#incoming.get(importId)
    if (!incoming) throw new AppError('NOT_FOUND', `There is no import "${importId}"`)
    this.#forget(importId)
    return this.#finish(incoming.import, signal)
  }

  /** For scripts: a file that has come whole. */
  async import(value: unknown, signal?: AbortSignal): Promise<ImportResult> {
    const incoming = new ConversationImport('the request')
    incoming.push(JSON.stringify(value ?? null))
    for await (const event of this.#finish(incoming, signal)) if (event.kind === 'done') return event.result
    throw new AppError('INTERNAL', 'The import ended without a result')
  }

  /** Forgets what came in pieces. */
  [Symbol.dispose](): void {
    for (const id of [...this.#incoming.keys()]) this.#forget(id)
  }

  #finish(incoming: ConversationImport, signal: AbortSignal | undefined): AsyncGenerator<ImportEvent> {
    return incoming.finish({
      database: this.#database,
      rows: this.#rows,
      now: Date.now(),
      signal,
      reveal: (ids) => this.#conversations.restoreMany(ids),
    })
  }

  async #fileOf(ids: readonly string[], name: string): Promise<File> {
    this.#conversations.live.flush()
    const parts: Blob[] = []
    let texts: string[] = []
    for await (const text of exportFile(this.#database, ids)) {
      texts.push(text)
      // Out of the heap in pieces of some megabytes.
      if (texts.length < 64) continue
      parts.push(new Blob(texts))
      texts = []
    }
    return new File([...parts, ...texts], name, { type: 'application/json' })
  }

  #forget(importId: string): void {
    clearTimeout(this.#incoming.get(importId)?.timer)
    this.#incoming.delete(importId)
  }
}
