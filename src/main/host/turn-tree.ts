import { randomUUID } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { z } from 'zod'

/** A row as it is in the database, whatever columns it has. */
type Row = Record<string, SQLOutputValue>

/** A turn with all below it that was taken out of its conversation. */
export type CutTurns = Readonly<Record<'turns' | 'answers' | 'attachments' | 'uses', readonly Row[]>>

/** The turns from one up to its root; to be followed by what is asked of them. */
const pathToTurn = `
  WITH RECURSIVE path (id, parent_id, parent_answer_id, depth) AS (
    SELECT id, parent_id, parent_answer_id, 0 FROM turns WHERE id = ?
    UNION ALL SELECT t.id, t.parent_id, t.parent_answer_id, path.depth + 1 FROM turns t JOIN path ON t.id = path.parent_id
  )`

/** The turns below one, itself included. */
const belowTurn = `
  WITH RECURSIVE below (id, depth) AS (
    SELECT id, 0 FROM turns WHERE id = ?
    UNION ALL SELECT t.id, below.depth + 1 FROM turns t JOIN below ON t.parent_id = below.id
  )`

/** From a turn on to where the path ends: at each answer the turn that followed it when it was last shown, else the newest. */
const onFromTurn = `
  WITH RECURSIVE onward (id, depth) AS (
    SELECT ?, 0
    UNION ALL SELECT (
      SELECT c.id FROM turns t JOIN answers a ON a.id = t.chosen_answer_id
        JOIN turns c ON c.conversation_id = t.conversation_id AND c.parent_answer_id = a.id
      WHERE t.id = onward.id
      ORDER BY c.id = a.next_turn_id DESC, c.created_at DESC, c.rowid DESC LIMIT 1
    ), onward.depth + 1 FROM onward WHERE onward.id IS NOT NULL
  )`

/**
 * The tree of turns as rows. Keeps the path that is shown as the contract's `Turn` says; each call takes time that grows with the length of
 * the path, or of what is moved, and no faster.
 */
export class TurnTree {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The last turn of the path that is shown; null: there is none. */
  shownTurnId(conversationId: string): string | null {
    const row = this.#database
      .prepare('SELECT shown_turn_id AS id FROM conversations WHERE id = ?')
      .get(conversationId)
    return z.object({ id: z.string().nullable() }).parse(row).id
  }

  /** Lets the path of a conversation go through a turn and on as it last did; null: there is none. */
  show(conversationId: string, turnId: string | null): void {
    const shown = turnId === null ? null : this.#endFrom(turnId)
    this.#database
      .prepare('UPDATE conversations SET shown_turn_id = ? WHERE id = ?')
      .run(shown, conversationId)
    if (shown === null) return
    this.#database
      .prepare(
        `${pathToTurn} UPDATE turns SET chosen_answer_id = path.parent_answer_id, is_undecided = 0 FROM path
         WHERE turns.id = path.parent_id AND (chosen_answer_id <> path.parent_answer_id OR is_undecided = 1)`,
      )
      .run(shown)
    this.#database
      .prepare(
        `${pathToTurn} UPDATE answers SET next_turn_id = path.id FROM path
         WHERE answers.id = path.parent_answer_id AND next_turn_id IS NOT path.id`,
      )
      .run(shown)
  }

  /** The same for a new turn that hangs on the last answer of what is shown, however long that is. */
  extend(
    conversationId: string,
    turn: { readonly id: string; readonly parentAnswerId: string | null },
  ): void {
    const { id, parentAnswerId } = turn
    const run = (sql: string, ...values: readonly (string | null)[]) =>
      this.#database.prepare(sql).run(...values)
    run('UPDATE conversations SET shown_turn_id = ? WHERE id = ?', id, conversationId)
    run('UPDATE answers SET next_turn_id = ? WHERE id = ?', id, parentAnswerId)
    run(
      'UPDATE turns SET is_undecided = 0 WHERE id = (SELECT parent_id FROM turns WHERE id = ?) AND is_undecided = 1',
      id,
    )
  }

  /** Whether the path that is shown goes through a turn. */
  isShown(conversationId: string, turnId: string): boolean {
    const shown = this.shownTurnId(conversationId)
    return (
      shown !== null &&
      this.#database.prepare(`${pathToTurn} SELECT 1 FROM path WHERE id = ?`).get(shown, turnId) !== undefined
    )
  }

  /** The turns of the path to one, the first one first: all of them, or so many of the last ones. Empty when it is not there. */
  pathIds(
    turnId: string,
    { most = Number.MAX_SAFE_INTEGER }: { readonly most?: number | undefined } = {},
  ): string[] {
    const rows = this.#database
      .prepare(
        `WITH RECURSIVE path (id, parent_id, depth) AS (
           SELECT id, parent_id, 1 FROM turns WHERE id = :turnId
           UNION ALL SELECT t.id, t.parent_id, path.depth + 1 FROM turns t JOIN path ON t.id = path.parent_id
             WHERE path.depth < :most
         ) SELECT id FROM path ORDER BY depth DESC`,
      )
      .all({ turnId, most })
    return rows.map(({ id }) => String(id))
  }

  /** All versions of the messages of these turns, by turn id, oldest first. */
  siblings(turnIds: readonly string[]): ReadonlyMap<string, string[]> {
    const rows = this.#database
      .prepare(
        `SELECT t.id AS turn_id, s.id FROM json_each(?) e JOIN turns t ON t.id = e.value
           JOIN turns s ON s.conversation_id = t.conversation_id AND s.parent_answer_id IS t.parent_answer_id
         ORDER BY s.created_at, s.rowid`,
      )
      .all(JSON.stringify(turnIds))
    return siblingsById(rows)
  }

  /** The same of one turn. */
  siblingsOf(turnId: string): string[] {
    const rows = this.#database
      .prepare(
        `SELECT s.id FROM turns t JOIN turns s
           ON s.conversation_id = t.conversation_id AND s.parent_answer_id IS t.parent_answer_id
         WHERE t.id = ? ORDER BY s.created_at, s.rowid`,
      )
      .all(turnId)
    return rows.map((row) => idSchema.parse(row).id)
  }

  /** Copies a conversation with the path up to a turn, answers and all. To be run as one with what else is written. */
  branch(turnId: string, copy: { readonly id: string; readonly title: string; readonly at: number }): void {
    const turns = this.#rows(
      `${pathToTurn} SELECT t.* FROM path JOIN turns t ON t.id = path.id ORDER BY depth DESC`,
      turnId,
    )
    const answers = this.#rows(
      `${pathToTurn} SELECT a.* FROM path JOIN answers a ON a.turn_id = path.id ORDER BY depth DESC, a.rowid`,
      turnId,
    )
    const newIds = new Map([...turns, ...answers].map(({ id }) => [id, randomUUID()]))
    const renamed = (id: SQLOutputValue | undefined) => newIds.get(id ?? null) ?? null
    const [conversation] = this.#rows(
      'SELECT c.* FROM conversations c JOIN turns t ON t.conversation_id = c.id WHERE t.id = ?',
      turnId,
    )
    this.#insert('conversations', {
      ...conversation,
      ...{ id: copy.id, title: copy.title, is_titled: 1, shown_turn_id: renamed(turnId) },
      ...{ created_at: copy.at, updated_at: copy.at, is_pinned: 0, is_archived: 0 },
    })
    for (const [index, turn] of turns.entries()) {
      const goesOnFrom = turns[index + 1]?.['parent_answer_id'] ?? turn['chosen_answer_id']
      this.#insert('turns', {
        ...turn,
        ...{ id: renamed(turn['id']), conversation_id: copy.id, parent_id: renamed(turn['parent_id']) },
        parent_answer_id: renamed(turn['parent_answer_id']),
        chosen_answer_id: renamed(goesOnFrom),
      })
    }
    for (const { id } of turns) this.copyAttachments(String(id), String(renamed(id)))
    for (const answer of answers)
      this.#insert('answers', {
        ...answer,
        ...{ id: renamed(answer['id']), turn_id: renamed(answer['turn_id']) },
        memory_starts_at: renamed(answer['memory_starts_at']),
        next_turn_id: renamed(answer['next_turn_id']),
        repairs_answer_id: renamed(answer['repairs_answer_id']),
      })
  }

  /** Lets a turn have the attachments of another one. */
  copyAttachments(fromTurnId: string, turnId: string): void {
    this.#database
      .prepare(
        `INSERT INTO turn_attachments (turn_id, attachment_id, position)
         SELECT ?, attachment_id, position FROM turn_attachments WHERE turn_id = ?`,
      )
      .run(turnId, fromTurnId)
  }

  /** Takes a turn out with everything below it. What is shown goes on beside it, or ends before it. */
  cut(conversationId: string, turnId: string): CutTurns {
    const turns = this.#rows(
      `${belowTurn} SELECT t.* FROM below JOIN turns t ON t.id = below.id ORDER BY depth, t.rowid`,
      turnId,
    )
    const answers = this.#rows(
      `${belowTurn} SELECT a.* FROM below JOIN answers a ON a.turn_id = below.id ORDER BY a.rowid`,
      turnId,
    )
    const uses = this.#rows(
      `${belowTurn} SELECT u.* FROM below JOIN turn_attachments u ON u.turn_id = below.id`,
      turnId,
    )
    const attachments = this.#rows(
      `${belowTurn} SELECT DISTINCT f.* FROM below JOIN turn_attachments u ON u.turn_id = below.id
         JOIN attachments f ON f.id = u.attachment_id`,
      turnId,
    )
    const shown = this.shownTurnId(conversationId)
    const wasShown = turns.some(({ id }) => id === shown)
    const siblings = this.siblingsOf(turnId)
    const at = siblings.indexOf(turnId)
    const parentId = z
      .string()
      .nullable()
      .parse(turns[0]?.['parent_id'] ?? null)
    const ids = JSON.stringify(turns.map(({ id }) => id))
    for (const sql of [
      // SQLite deletes what hangs on what is deleted no deeper than a thousand levels: nothing may hang here.
      'UPDATE turns SET parent_id = NULL WHERE id IN (SELECT value FROM json_each(?))',
      'DELETE FROM turns WHERE id IN (SELECT value FROM json_each(?))',
    ])
      this.#database.prepare(sql).run(ids)
    if (wasShown) this.show(conversationId, siblings[at - 1] ?? siblings[at + 1] ?? parentId)
    return { turns, answers, attachments, uses }
  }

  /** Puts back what `cut` took out and shows it; false when the answer that it hung on is gone. */
  putBack(conversationId: string, { turns, answers, attachments, uses }: CutTurns): boolean {
    const place = turns[0]?.['parent_answer_id'] ?? null
    if (place !== null && this.#rows('SELECT id FROM answers WHERE id = ?', String(place)).length === 0)
      return false
    for (const turn of turns) this.#insert('turns', turn)
    for (const answer of answers) this.#insert('answers', answer)
    // Another turn may use it too: then it has stayed.
    for (const attachment of attachments)
      if (this.#rows('SELECT id FROM attachments WHERE id = ?', String(attachment['id'])).length === 0)
        this.#insert('attachments', attachment)
    for (const use of uses) this.#insert('turn_attachments', use)
    this.show(conversationId, String(turns[0]?.['id']))
    return true
  }

  #endFrom(turnId: string): string {
    const row = this.#database
      .prepare(`${onFromTurn} SELECT id FROM onward WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1`)
      .get(turnId)
    return idSchema.parse(row).id
  }

  #rows(sql: string, id: string): Row[] {
    return this.#database.prepare(sql).all(id)
  }

  #insert(table: 'conversations' | 'turns' | 'answers' | 'attachments' | 'turn_attachments', row: Row): void {
    const columns = Object.keys(row)
    this.#database
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .run(...Object.values(row))
  }
}

const idSchema = z.object({ id: z.string() })
const siblingSchema = z.object({ turn_id: z.string(), id: z.string() })

function siblingsById(rows: readonly unknown[]): Map<string, string[]> {
  const byId = new Map<string, string[]>()
  for (const row of rows) {
    const { turn_id: turnId, id } = siblingSchema.parse(row)
    const ids = byId.get(turnId)
    if (ids) ids.push(id)
    else byId.set(turnId, [id])
  }
  return byId
}
