import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import {
  attachmentKindSchema,
  maxAttachmentBytes,
  maxAttachmentCharacters,
  type Attachment,
} from '../../contract/attachment.ts'
import { formatBytes } from '../../contract/bytes.ts'
import { AppError } from '../../contract/errors.ts'
import type { Probe } from './probe.ts'
import { textOfFile } from './text-of-file.ts'

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: attachmentKindSchema,
    characters: z.number(),
    cut_from: z.number().nullable(),
  })
  .transform(({ cut_from: cutFrom, ...row }): Attachment => ({
    ...row,
    ...(cutFrom !== null && { cutFromCharacters: cutFrom }),
  }))
const linkSchema = z.object({ turn_id: z.string() })

/** Columns of an attachment without its text. */
const columns = 'a.id, a.name, a.kind, a.characters, a.cut_from'
/** A text is cut at the end of a line where one is in this last part. */
const lineShare = 0.9

/** Texts that go with messages. Those that were never sent go at the next start. */
export class Attachments {
  readonly #database: DatabaseSync
  readonly #probe: Pick<Probe, 'readPdf'> | undefined

  /** `probe` reads PDF files; without it there are none. */
  constructor(database: DatabaseSync, options: { readonly probe?: Pick<Probe, 'readPdf'> } = {}) {
    this.#database = database
    this.#probe = options.probe
    database.exec('DELETE FROM attachments WHERE id NOT IN (SELECT attachment_id FROM turn_attachments)')
  }

  /** Takes a file or a pasted text. Throws `BAD_INPUT` for what has no text or too much of it. */
  async add(
    { name, data, text }: { name: string; data?: string | undefined; text?: string | undefined },
    signal?: AbortSignal,
  ): Promise<Attachment> {
    signal?.throwIfAborted()
    if (text !== undefined) return this.#insert({ name, kind: 'pasted', text })
    const bytes = Buffer.from(data ?? '', 'base64')
    if (bytes.length > maxAttachmentBytes)
      throw refuse(
        name,
        `it has ${formatBytes(bytes.length)}, at most ${formatBytes(maxAttachmentBytes)} are read`,
      )
    const read = textOfFile(bytes)
    if (read.kind === 'refused') throw refuse(name, read.fact, read.help)
    if (read.kind === 'text') return this.#insert({ name, kind: 'text', text: read.text })
    if (!this.#probe) throw refuse(name, 'PDF files cannot be read here')
    const pages = await this.#probe.readPdf(data ?? '', { name, ...(signal && { signal }) })
    const joined = pages
      .map((page) => page.trim())
      .join('\n\n')
      .trim()
    if (joined === '')
      throw refuse(
        name,
        'no page of it has text',
        'It may be made of pictures: a program for text recognition can help',
      )
    return this.#insert({ name, kind: 'pdf', text: joined })
  }

  /** One by its id. Throws `NOT_FOUND`. */
  get(id: string): Attachment {
    const row = this.#database.prepare(`SELECT ${columns} FROM attachments a WHERE a.id = ?`).get(id)
    if (!row) throw missing(id)
    return rowSchema.parse(row)
  }

  /** Its whole text. Throws `NOT_FOUND`. */
  text(id: string): string {
    const row = this.#database.prepare('SELECT text FROM attachments WHERE id = ?').get(id)
    if (!row) throw missing(id)
    return z.object({ text: z.string() }).parse(row).text
  }

  /** Of these turns, by turn. */
  ofTurns(turnIds: readonly string[]): ReadonlyMap<string, readonly Attachment[]> {
    return byTurn(
      this.#database
        .prepare(
          `SELECT l.turn_id, ${columns} FROM json_each(?) e JOIN turn_attachments l ON l.turn_id = e.value
             JOIN attachments a ON a.id = l.attachment_id ORDER BY l.position`,
        )
        .all(JSON.stringify(turnIds)),
    )
  }

  /** Of one turn. */
  ofTurn(turnId: string): readonly Attachment[] {
    return this.ofTurns([turnId]).get(turnId) ?? []
  }

  /** Makes them part of a turn: they can no longer be cut or taken away. Throws `NOT_FOUND`. */
  send(turnId: string, ids: readonly string[]): void {
    const insert = this.#database.prepare(
      'INSERT OR IGNORE INTO turn_attachments (turn_id, attachment_id, position) VALUES (?, ?, ?)',
    )
    for (const [position, id] of ids.entries()) insert.run(turnId, this.get(id).id, position)
  }

  /** Cuts one that is not sent to the length that `measure` finds. Throws `NOT_FOUND`, `BAD_INPUT` when it is sent. */
  async cut(id: string, measure: (text: string) => Promise<number>): Promise<Attachment> {
    this.#checkUnsent(id)
    const text = this.text(id)
    const length = wholeLines(text, await measure(text))
    if (length >= text.length) return this.get(id)
    this.#checkUnsent(id)
    const before = this.get(id)
    const cut = text.slice(0, length).toWellFormed()
    this.#database
      .prepare('UPDATE attachments SET text = ?, characters = ?, cut_from = ? WHERE id = ?')
      .run(cut, cut.length, before.cutFromCharacters ?? before.characters, id)
    return this.get(id)
  }

  /** Takes one away that is not sent. */
  remove(id: string): void {
    this.#database
      .prepare(
        'DELETE FROM attachments WHERE id = ? AND id NOT IN (SELECT attachment_id FROM turn_attachments)',
      )
      .run(id)
  }

  #checkUnsent(id: string): void {
    const { name } = this.get(id)
    if (this.#database.prepare('SELECT 1 FROM turn_attachments WHERE attachment_id = ?').get(id))
      throw new AppError('BAD_INPUT', `Cannot change "${name}": it was sent already`)
  }

  #insert({ name, kind, text: raw }: { name: string; kind: Attachment['kind']; text: string }): Attachment {
    const text = raw.toWellFormed()
    if (text.length > maxAttachmentCharacters) {
      const fact = `it has ${text.length.toLocaleString('en')} characters, at most ${maxAttachmentCharacters.toLocaleString('en')} go with a message`
      throw refuse(name, fact, 'Attach a part of it')
    }
    if (text.trim() === '') throw refuse(name, 'there is no text in it', 'Choose another file')
    const attachment: Attachment = { id: randomUUID(), name, kind, characters: text.length }
    this.#database
      .prepare('INSERT INTO attachments (id, name, kind, text, characters) VALUES (?, ?, ?, ?, ?)')
      .run(attachment.id, name, kind, text, text.length)
    return attachment
  }
}

function byTurn(rows: readonly unknown[]): ReadonlyMap<string, readonly Attachment[]> {
  const groups = Map.groupBy(rows, (row) => linkSchema.parse(row).turn_id)
  return new Map([...groups].map(([turnId, own]) => [turnId, own.map((row) => rowSchema.parse(row))]))
}

/** Where the line ends that a cut falls into, unless that would lose much. */
function wholeLines(text: string, length: number): number {
  if (length >= text.length) return text.length
  const lineEnd = text.lastIndexOf('\n', length)
  return lineEnd >= length * lineShare ? lineEnd : Math.max(0, length)
}

function refuse(name: string, fact: string, help?: string): AppError {
  return new AppError(
    'BAD_INPUT',
    `Cannot attach "${name}": ${fact}`,
    help === undefined ? {} : { details: { help } },
  )
}

function missing(id: string): AppError {
  return new AppError('NOT_FOUND', `There is no attachment "${id}"`, {
    details: { help: 'It was taken away, or the app was started anew. Attach it again' },
  })
}
