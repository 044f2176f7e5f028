import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { askingSchema, plainAsking, type Asking } from '../../contract/asking.ts'
import {
  answerSchema as wholeAnswerSchema,
  answerStateSchema,
  answerStatsSchema,
  type Answer,
  type AnswerState,
  type AnswerStats,
  type ConversationSummary,
  type Turn,
} from '../../contract/conversation.ts'
import { AppError, type Problem } from '../../contract/errors.ts'
import {
  routingDecisionSchema,
  verificationSchema,
  type RoutingDecision,
  type Verification,
} from '../../contract/routing.ts'
import { resolvedSamplingSchema } from '../../contract/sampling.ts'
import { TurnTree } from './turn-tree.ts'

const summarySchema = z
  .object({
    id: z.string(),
    title: z.string(),
    created_at: z.number(),
    updated_at: z.number(),
    turn_count: z.number(),
    last_model_id: z.string().nullable(),
    is_pinned: z.number(),
    is_archived: z.number(),
  })
  .transform((row): ConversationSummary => ({
    id: row.id,
    title: row.title,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    turnCount: row.turn_count,
    lastModelId: row.last_model_id,
    isPinned: row.is_pinned === 1,
    isArchived: row.is_archived === 1,
  }))

const json = z.string().transform((text): unknown => JSON.parse(text))

const thoughtsSchema = wholeAnswerSchema.shape.thoughts.unwrap()

const answerSchema = z
  .object({
    id: z.string(),
    turn_id: z.string(),
    model_id: z.string(),
    model_name: z.string(),
    text: z.string(),
    state: json.pipe(answerStateSchema),
    stats: json.pipe(answerStatsSchema).nullable(),
    memory_starts_at: z.string().nullable(),
    memory_keeps_first: z.number().nullable(),
    asked_together_id: z.string().nullable(),
    written_text: z.string().nullable(),
    sampling: json.pipe(resolvedSamplingSchema).nullable(),
    is_json: z.number(),
    thoughts: json.pipe(thoughtsSchema).nullable(),
    routing: json.pipe(routingDecisionSchema).nullable(),
    verification: json.pipe(verificationSchema).nullable(),
    repairs_answer_id: z.string().nullable(),
    created_at: z.number(),
  })
  .transform((row): { turnId: string; answer: Answer } => ({
    turnId: row.turn_id,
    answer: {
      id: row.id,
      modelId: row.model_id,
      modelName: row.model_name,
      text: row.text,
      state: row.state,
      stats: row.stats,
      ...(row.memory_starts_at !== null && {
        memoryStartsAtTurnId: row.memory_starts_at,
        memoryKeepsFirstTurn: row.memory_keeps_first === 1,
      }),
      ...(row.asked_together_id !== null && { askedTogetherId: row.asked_together_id }),
      ...(row.written_text !== null && { isEdited: true }),
      ...(row.sampling && { sampling: row.sampling }),
      ...(row.is_json === 1 && { isJson: true }),
      ...(row.thoughts !== null && { thoughts: row.thoughts }),
      ...(row.routing && { routing: row.routing }),
      ...(row.verification && { verification: row.verification }),
      ...(row.repairs_answer_id !== null && { repairsAnswerId: row.repairs_answer_id }),
      createdAt: row.created_at,
    },
  }))

/** A turn without what other rows tell of it. */
export type TurnRow = Omit<Turn, 'answers' | 'siblingIds'>

const turnSchema = z
  .object({
    id: z.string(),
    parent_id: z.string().nullable(),
    parent_answer_id: z.string().nullable(),
    text: z.string(),
    chosen_answer_id: z.string(),
    is_undecided: z.number(),
    created_at: z.number(),
  })
  .transform((row): TurnRow => ({
    id: row.id,
    parentId: row.parent_id,
    parentAnswerId: row.parent_answer_id,
    text: row.text,
    chosenAnswerId: row.chosen_answer_id,
    isUndecided: row.is_undecided === 1,
    createdAt: row.created_at,
  }))

const selectSummaries = `
  SELECT c.id, c.title, c.created_at, c.updated_at, c.is_pinned, c.is_archived,
    (SELECT count(*) FROM turns t WHERE t.conversation_id = c.id) AS turn_count,
    (SELECT a.model_id FROM turns t JOIN answers a ON a.id = t.chosen_answer_id WHERE t.id = c.shown_turn_id) AS last_model_id
  FROM conversations c WHERE c.deleted_at IS NULL`

/** Conversations as rows of the database: reads and writes them, decides nothing. */
export class ConversationRows {
  readonly #database: DatabaseSync
  /** Which turn hangs on what, and which are shown. */
  readonly tree: TurnTree

  constructor(database: DatabaseSync) {
    this.#database = database
    this.tree = new TurnTree(database)
  }

  /** Runs several writes as one. Throws `DISK_FULL` when there is no room for them; then nothing is written. */
  together<T>(work: () => T): T {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw isDiskFull(error)
        ? new AppError('DISK_FULL', 'Cannot keep the conversation: the disk is full', {
            details: { help: 'Make room on the disk; what is on the screen is written then' },
            cause: error,
          })
        : error
    }
  }

  /** All conversations, the last one used first. */
  summaries(): ConversationSummary[] {
    const rows = this.#database.prepare(`${selectSummaries} ORDER BY c.updated_at DESC, c.rowid DESC`).all()
    return rows.map((row) => summarySchema.parse(row))
  }

  summary(id: string): ConversationSummary | undefined {
    const row = this.#database.prepare(`${selectSummaries} AND c.id = ?`).get(id)
    return row && summarySchema.parse(row)
  }

  insertConversation(row: { id: string; title: string; isTitled: boolean; at: number }): void {
    this.#database
      .prepare(
        'INSERT INTO conversations (id, title, is_titled, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      )
      .run(row.id, row.title, row.isTitled ? 1 : 0, row.at, row.at)
  }

  /** Sets a title; with `unlessTitled` only where the user has not set one. */
  setTitle(id: string, title: string, options: { unlessTitled?: boolean } = {}): void {
    const condition = options.unlessTitled ? 'AND is_titled = 0' : ''
    this.#database
      .prepare(`UPDATE conversations SET title = ?, is_titled = 1 WHERE id = ? ${condition}`)
      .run(title, id)
  }

  /** How models are asked in a conversation. What cannot be understood any more counts as nothing said. */
  asking(id: string): Asking {
    const row = this.#database.prepare('SELECT asking FROM conversations WHERE id = ?').get(id)
    const asking = row?.['asking']
    const parsed = askingSchema.safeParse(typeof asking === 'string' ? JSON.parse(asking) : plainAsking)
    return parsed.data ?? plainAsking
  }

  setAsking(id: string, asking: Asking): void {
    this.#database.prepare('UPDATE conversations SET asking = ? WHERE id = ?').run(JSON.stringify(asking), id)
  }

  touch(id: string, at: number): void {
    this.#database.prepare('UPDATE conversations SET updated_at = ? WHERE id = ?').run(at, id)
  }

  /** Keeps it on top of the list, or out of it; what is absent stays. */
  setPlace(id: string, place: { isPinned?: boolean | undefined; isArchived?: boolean | undefined }): void {
    const flag = (value: boolean | undefined) => (value === undefined ? null : Number(value))
    this.#database
      .prepare(
        'UPDATE conversations SET is_pinned = coalesce(?, is_pinned), is_archived = coalesce(?, is_archived) WHERE id = ?',
      )
      .run(flag(place.isPinned), flag(place.isArchived), id)
  }

  /** Marks a conversation as deleted; whether there was one that was not. Only `restore` and `purge` see it then. */
  markDeleted(id: string, at: number): boolean {
    const { changes } = this.#database
      .prepare('UPDATE conversations SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL')
      .run(at, id)
    return changes > 0
  }

  restore(id: string): void {
    this.#database.prepare('UPDATE conversations SET deleted_at = NULL WHERE id = ?').run(id)
  }

  /** Conversations that were marked as deleted at that time or before. */
  deletedIds(until: number): string[] {
    const rows = this.#database
      .prepare('SELECT id FROM conversations WHERE deleted_at <= ? ORDER BY deleted_at')
      .all(until)
    return rows.map((row) => z.object({ id: z.string() }).parse(row).id)
  }

  /** Takes a conversation and its turns out of the database. */
  purge(id: string): void {
    // SQLite deletes what hangs on what is deleted no deeper than a thousand levels.
    this.#database.prepare('UPDATE turns SET parent_id = NULL WHERE conversation_id = ?').run(id)
    this.#database.prepare('DELETE FROM conversations WHERE id = ?').run(id)
  }

  conversationOfTurn(turnId: string): string | undefined {
    const row = this.#database
      .prepare(
        `SELECT t.conversation_id FROM turns t JOIN conversations c ON c.id = t.conversation_id
         WHERE t.id = ? AND c.deleted_at IS NULL`,
      )
      .get(turnId)
    return row && z.object({ conversation_id: z.string() }).parse(row).conversation_id
  }

  /** The turn and the conversation that an answer belongs to. */
  placeOfAnswer(answerId: string): { turnId: string; conversationId: string } | undefined {
    const row = this.#database
      .prepare(
        'SELECT t.id, t.conversation_id FROM answers a JOIN turns t ON t.id = a.turn_id WHERE a.id = ?',
      )
      .get(answerId)
    const place = row && z.object({ id: z.string(), conversation_id: z.string() }).parse(row)
    return place && { turnId: place.id, conversationId: place.conversation_id }
  }

  /**
   * The turns from the root of the conversation to this one, or so many of the last ones; each but the last with the answer chosen that the next
   * one hangs on.
   */
  path(turnId: string, options: { readonly most?: number | undefined } = {}): Turn[] {
    // Walked once: going up a long path costs as much as reading it.
    const ids = this.tree.pathIds(turnId, options)
    const list = JSON.stringify(ids)
    const turns = this.#database
      .prepare('SELECT t.* FROM json_each(?) e JOIN turns t ON t.id = e.value ORDER BY e.key')
      .all(list)
    const answers = this.#database
      .prepare(
        'SELECT a.* FROM json_each(?) e JOIN answers a ON a.turn_id = e.value ORDER BY a.created_at, a.rowid',
      )
      .all(list)
    const path = joinTurns(turns, answers, this.tree.siblings(ids))
    return path.map((turn, index) => ({
      ...turn,
      chosenAnswerId: path[index + 1]?.parentAnswerId ?? turn.chosenAnswerId,
    }))
  }

  turn(turnId: string): Turn | undefined {
    const turns = this.#database.prepare('SELECT * FROM turns WHERE id = ?').all(turnId)
    const answers = this.#database
      .prepare('SELECT * FROM answers WHERE turn_id = ? ORDER BY created_at, rowid')
      .all(turnId)
    return joinTurns(turns, answers, new Map([[turnId, this.tree.siblingsOf(turnId)]]))[0]
  }

  insertTurn(conversationId: string, turn: TurnRow): void {
    this.#database
      .prepare(
        'INSERT INTO turns (id, conversation_id, parent_id, parent_answer_id, text, chosen_answer_id, is_undecided, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        ...[turn.id, conversationId, turn.parentId, turn.parentAnswerId, turn.text, turn.chosenAnswerId],
        Number(turn.isUndecided),
        turn.createdAt,
      )
  }

  /** Sets the answer that a turn goes on from, and whether that is only for now. */
  chooseAnswer(turnId: string, answerId: string, { isUndecided }: Pick<Turn, 'isUndecided'>): void {
    this.#database
      .prepare('UPDATE turns SET chosen_answer_id = ?, is_undecided = ? WHERE id = ?')
      .run(answerId, Number(isUndecided), turnId)
  }

  /** Puts a text in the place of what the model wrote, which is kept; null: as it was written. */
  editAnswer(answerId: string, text: string | null): void {
    const sql =
      text === null
        ? 'UPDATE answers SET text = coalesce(written_text, text), written_text = NULL WHERE id = :id'
        : 'UPDATE answers SET written_text = coalesce(written_text, text), text = :text WHERE id = :id'
    this.#database.prepare(sql).run({ id: answerId, ...(text !== null && { text }) })
  }

  insertAnswer(turnId: string, answer: Answer): void {
    this.#database
      .prepare(
        'INSERT INTO answers (id, turn_id, model_id, model_name, text, state, asked_together_id, repairs_answer_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        answer.id,
        turnId,
        answer.modelId,
        answer.modelName,
        answer.text,
        JSON.stringify(answer.state),
        answer.askedTogetherId ?? null,
        answer.repairsAnswerId ?? null,
        answer.createdAt,
      )
  }

  saveAnswer(answer: Answer): void {
    this.#database
      .prepare(
        'UPDATE answers SET model_id = ?, model_name = ?, text = ?, state = ?, stats = ?, memory_starts_at = ?, memory_keeps_first = ?, sampling = ?, is_json = ?, thoughts = ?, routing = ? WHERE id = ?',
      )
      .run(
        answer.modelId,
        answer.modelName,
        answer.text,
        JSON.stringify(answer.state),
        answer.stats && JSON.stringify(answer.stats),
        answer.memoryStartsAtTurnId ?? null,
        answer.memoryKeepsFirstTurn === undefined ? null : Number(answer.memoryKeepsFirstTurn),
        answer.sampling ? JSON.stringify(answer.sampling) : null,
        answer.isJson === true ? 1 : 0,
        answer.thoughts === undefined ? null : JSON.stringify(answer.thoughts),
        answer.routing ? JSON.stringify(answer.routing) : null,
        answer.id,
      )
  }

  /** Writes down how an answer was routed, or what a verifier says of it; what is absent stays, null goes. */
  saveJudgement(
    answerId: string,
    { routing, verification }: { routing?: RoutingDecision; verification?: Verification | null },
  ): void {
    const set = (column: 'routing' | 'verification', value: unknown) =>
      this.#database
        .prepare(`UPDATE answers SET ${column} = ? WHERE id = ?`)
        .run(value === null ? null : JSON.stringify(value), answerId)
    if (routing) set('routing', routing)
    if (verification !== undefined) set('verification', verification)
  }

  /** Ends every check that has not ended, or those of one conversation: nobody knows what it would have said. */
  interruptChecks(problem: Problem, { conversationId }: { readonly conversationId?: string } = {}): void {
    const outcome: Verification['outcome'] = { kind: 'unknown', problem }
    this.#database
      .prepare(
        `UPDATE answers SET verification = json_set(verification, '$.outcome', json(:outcome))
         WHERE json_extract(verification, '$.outcome.kind') = 'checking'
           AND (:conversation IS NULL OR turn_id IN (SELECT id FROM turns WHERE conversation_id = :conversation))`,
      )
      .run({ outcome: JSON.stringify(outcome), conversation: conversationId ?? null })
  }

  saveStats(answerId: string, stats: AnswerStats): void {
    this.#database.prepare('UPDATE answers SET stats = ? WHERE id = ?').run(JSON.stringify(stats), answerId)
  }

  /** Marks every answer that has not ended as interrupted; how many there were. Their text is kept. */
  interruptUnended(problem: Problem): number {
    const state: AnswerState = { kind: 'interrupted', problem }
    const { changes } = this.#database
      .prepare(
        `UPDATE answers SET state = ? WHERE json_extract(state, '$.kind') IN ('waiting', 'reading', 'writing')`,
      )
      .run(JSON.stringify(state))
    return Number(changes)
  }
}

/** SQLITE_FULL (https://www.sqlite.org/rescode.html#full). */
function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13
}

function joinTurns(
  turnRows: readonly unknown[],
  answerRows: readonly unknown[],
  siblings: ReadonlyMap<string, string[]>,
): Turn[] {
  const answers = Map.groupBy(
    answerRows.map((row) => answerSchema.parse(row)),
    ({ turnId }) => turnId,
  )
  return turnRows.map((row) => {
    const turn = turnSchema.parse(row)
    return {
      ...turn,
      siblingIds: siblings.get(turn.id) ?? [turn.id],
      answers: withRepairs((answers.get(turn.id) ?? []).map(({ answer }) => answer)),
    }
  })
}

/** Tells answers that were found wanting which answer repairs them. */
function withRepairs(answers: Answer[]): Answer[] {
  return answers.map((answer) => {
    const repair = answers.find(({ repairsAnswerId }) => repairsAnswerId === answer.id)
    if (!repair || !answer.verification) return answer
    return { ...answer, verification: { ...answer.verification, repairAnswerId: repair.id } }
  })
}
