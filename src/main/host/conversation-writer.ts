import { randomUUID } from 'node:crypto'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type {
  ExportedAttachment,
  ExportedConversation,
  ExportedTurn,
} from '../../contract/conversation-file.ts'
import { AppError } from '../../contract/errors.ts'
import { exportRow, fieldName, jsonColumns } from './conversation-export.ts'
import type { ConversationRows } from './conversation-rows.ts'

/** New ids by those of the file; what is not in it keeps its own. */
type NewIds = ReadonlyMap<string, string>

/** Writes conversations of files with the columns that the tables have. */
export class ConversationWriter {
  readonly #database: DatabaseSync
  readonly #rows: ConversationRows
  readonly #now: number
  readonly #columns: ReadonlyMap<string, readonly string[]>
  readonly #statements = new Map<string, StatementSync>()

  constructor({ database, rows, now }: { database: DatabaseSync; rows: ConversationRows; now: number }) {
    this.#database = database
    this.#rows = rows
    this.#now = now
    this.#columns = new Map(
      ['conversations', 'turns', 'answers', 'attachments', 'turn_attachments'].map((table) => [
        table,
        database
          .prepare('SELECT name FROM pragma_table_info(?)')
          .all(table)
          .map(({ name }) => String(name)),
      ]),
    )
  }

  /** The id under which a conversation was written, hidden; null when it is here already. Throws `BAD_INPUT` with its place. */
  write(conversation: ExportedConversation, place: string): string | null {
    const here = this.#prepare('SELECT * FROM conversations WHERE id = ?').get(conversation.id)
    if (
      here?.['deleted_at'] === null &&
      fingerprint(exportRow(this.#database, here)) === fingerprint(conversation)
    )
      return null
    const newAttachments = this.#newAttachments(conversation)
    const ids: NewIds = new Map([
      ...(here || this.#takesIds(conversation) ? newIds(conversation) : []),
      ...newAttachments.map(({ id, newId }): [string, string] => [id, newId]),
    ])
    const idOf = (id: string) => ids.get(id) ?? id
    const id = idOf(conversation.id)
    try {
      this.#insert('conversations', conversation, { ids, own: { deleted_at: this.#now } })
      for (const attachment of newAttachments)
        this.#insert('attachments', attachment, { ids, own: { characters: attachment.text.length } })
      for (const turn of conversation.turns) {
        const turnId = idOf(turn.id)
        this.#insert('turns', turn, { ids, own: { conversation_id: id } })
        for (const answer of turn.answers)
          this.#insert(
            'answers',
            { ...answer, state: ended(answer.state), verification: checked(answer.verification) },
            { ids, own: { turn_id: turnId } },
          )
        for (const [position, each] of [...new Set(turn.attachmentIds)].entries())
          this.#insert(
            'turn_attachments',
            {},
            { ids, own: { turn_id: turnId, attachment_id: idOf(each), position } },
          )
      }
      // What cannot be read back would break the conversation for good.
      for (const turn of conversation.turns) this.#rows.turn(idOf(turn.id))
    } catch (error) {
      if (error instanceof AppError) throw error
      throw new AppError('BAD_INPUT', `${place}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
    return id
  }

  /** Whether one of its ids belongs to another conversation here. */
  #takesIds({ turns }: ExportedConversation): boolean {
    const hasTurn = this.#prepare('SELECT 1 FROM turns WHERE id = ?')
    const hasAnswer = this.#prepare('SELECT 1 FROM answers WHERE id = ?')
    return turns.some(
      (turn) =>
        hasTurn.get(turn.id) !== undefined || turn.answers.some(({ id }) => hasAnswer.get(id) !== undefined),
    )
  }

  /** The attachments of its messages that are not here yet; another id for those whose own belongs to another text. */
  #newAttachments({ turns, attachments = [] }: ExportedConversation) {
    const find = this.#prepare('SELECT name, kind, text FROM attachments WHERE id = ?')
    const used = new Set(turns.flatMap(({ attachmentIds = [] }) => attachmentIds))
    return attachments.flatMap((attachment) => {
      if (!used.has(attachment.id)) return []
      const here = find.get(attachment.id)
      if (!here) return [{ ...attachment, newId: attachment.id }]
      return isSame(here, attachment) ? [] : [{ ...attachment, newId: randomUUID() }]
    })
  }

  #insert(
    table: string,
    fields: Readonly<Record<string, unknown>>,
    { ids, own }: { ids: NewIds; own: Readonly<Record<string, SQLInputValue>> },
  ): void {
    const values = new Map<string, SQLInputValue>(Object.entries(own))
    for (const column of this.#columns.get(table) ?? []) {
      const value = fields[fieldName(column)]
      if (values.has(column) || value === undefined) continue
      values.set(column, columnValue(column, value, ids))
    }
    const names = [...values.keys()]
    this.#prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    ).run(...values.values())
  }

  #prepare(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** A field of a file as its column holds it; ids that were given anew are the new ones, wherever they are named. */
function columnValue(column: string, value: unknown, ids: NewIds): SQLInputValue {
  if (value === null) return null
  if (jsonColumns.has(column)) return JSON.stringify(value)
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return JSON.stringify(value)
  const namesRow = /(?:^|_)id$/.test(column) || column === 'memory_starts_at'
  // Half a surrogate pair cannot be stored.
  return ((namesRow ? ids.get(value) : undefined) ?? value).toWellFormed()
}

/** New ids for a conversation, its turns and answers. */
function newIds({ id, turns }: ExportedConversation): NewIds {
  const old = [id, ...turns.flatMap((turn) => [turn.id, ...turn.answers.map((answer) => answer.id)])]
  return new Map(old.map((each) => [each, randomUUID()]))
}

/** The same for two states of a conversation in which the same was said. */
function fingerprint({ turns, attachments = [] }: ExportedConversation): string {
  const texts = new Map(attachments.map(({ id, name, text }) => [id, [name, text.toWellFormed()]]))
  const said = turns.map(({ id, parentId, text, answers, attachmentIds = [] }) => [
    id,
    parentId,
    text.toWellFormed(),
    ...answers.flatMap((answer) => [answer.id, answer.text.toWellFormed()]),
    attachmentIds.map((each) => texts.get(each)),
  ])
  return JSON.stringify(said.map((each) => JSON.stringify(each)).sort())
}

function isSame(here: Readonly<Record<string, unknown>>, { name, kind, text }: ExportedAttachment): boolean {
  return here['name'] === name && here['kind'] === kind && here['text'] === text.toWellFormed()
}

/** Nor does anybody go on checking it. */
function checked(
  verification: ExportedTurn['answers'][number]['verification'],
): NonNullable<typeof verification> | null {
  if (verification?.outcome.kind !== 'checking') return verification ?? null
  const message = 'The answer was still being checked when it was exported'
  return {
    ...verification,
    outcome: { kind: 'unknown', problem: { code: 'MODEL_CRASHED', message, details: {} } },
  }
}

/** Nobody goes on writing an answer that came from a file. */
function ended(state: ExportedTurn['answers'][number]['state']): typeof state {
  if (state.kind === 'done' || state.kind === 'interrupted') return state
  return {
    kind: 'interrupted',
    problem: {
      code: 'MODEL_CRASHED',
      message: 'The answer was still being written when it was exported',
      details: {},
    },
  }
}
