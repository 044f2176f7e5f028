import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import {
  fileFormat,
  fileVersion,
  type ConversationFile,
  type ExportedConversation,
} from '../../contract/conversation-file.ts'

/** A row as it is in the database. */
type Row = Readonly<Record<string, unknown>>
/** A row as it is in a file: names in camel case, truth values and JSON as what they are. */
type Fields = Record<string, unknown>

/** Columns that hold JSON. */
export const jsonColumns: ReadonlySet<string> = new Set([
  'state',
  'stats',
  'asking',
  'sampling',
  'thoughts',
  'routing',
  'verification',
])
/** Columns that say where a row belongs, or mean something only here. */
const ownColumns: ReadonlySet<string> = new Set(['conversation_id', 'turn_id', 'deleted_at'])

/** The name of a column in files: `created_at` is `createdAt`. */
export function fieldName(column: string): string {
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** A conversation whose row was read, with all its turns, answers and attachments, each with all that its row holds. */
export function exportRow(database: DatabaseSync, conversation: Row): ExportedConversation {
  const id = conversation['id'] as string
  const turns = database
    .prepare('SELECT * FROM turns WHERE conversation_id = ? ORDER BY created_at, rowid')
    .all(id)
  const answers = Map.groupBy(
    database
      .prepare(
        `SELECT a.* FROM answers a JOIN turns t ON t.id = a.turn_id WHERE t.conversation_id = ? ORDER BY a.created_at, a.rowid`,
      )
      .all(id),
    (answer) => answer['turn_id'],
  )
  const uses = Map.groupBy(
    database
      .prepare(
        'SELECT u.* FROM turn_attachments u JOIN turns t ON t.id = u.turn_id WHERE t.conversation_id = ? ORDER BY u.position',
      )
      .all(id),
    (use) => use['turn_id'],
  )
  const attachments = database
    .prepare(
      `SELECT * FROM attachments WHERE id IN
         (SELECT u.attachment_id FROM turn_attachments u JOIN turns t ON t.id = u.turn_id WHERE t.conversation_id = ?)
       ORDER BY rowid`,
    )
    .all(id)
  const exported: Fields = {
    ...fieldsOf(conversation),
    attachments: attachments.map(fieldsOf),
    turns: turns.map((turn) => ({
      ...fieldsOf(turn),
      attachmentIds: (uses.get(turn['id'] ?? null) ?? []).map((use) => use['attachment_id']),
      answers: (answers.get(turn['id'] ?? null) ?? []).map(fieldsOf),
    })),
  }
  // What the database holds has been checked when it was written, and its columns are those of the schema.
  return exported as ExportedConversation
}

/** Conversations as a file, piece by piece: the app goes on in between, and a deleted one is left out. */
export async function* exportFile(database: DatabaseSync, ids: readonly string[]): AsyncGenerator<string> {
  const head: Omit<ConversationFile, 'conversations'> = {
    format: fileFormat,
    version: fileVersion,
    exportedAt: Date.now(),
  }
  yield `${JSON.stringify(head).slice(0, -1)},"conversations":[`
  let separator = '\n'
  for (const id of ids) {
    await setImmediate()
    const row = database.prepare('SELECT * FROM conversations WHERE id = ? AND deleted_at IS NULL').get(id)
    if (!row) continue
    yield `${separator}${JSON.stringify(exportRow(database, row))}`
    separator = ',\n'
  }
  yield '\n]}\n'
}

function fieldsOf(row: Row): Fields {
  const columns = Object.entries(row).filter(([column]) => !ownColumns.has(column))
  return Object.fromEntries(
    columns.map(([column, value]) => [
      fieldName(column),
      column.startsWith('is_')
        ? value === 1
        : jsonColumns.has(column) && typeof value === 'string'
          ? (JSON.parse(value) as unknown)
          : value,
    ]),
  )
}
