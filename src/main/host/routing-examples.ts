import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { RouteExample } from '../../contract/routing.ts'

/** A request is kept up to so many characters: what it is about stands at its beginning. */
const mostCharacters = 1000
/** The oldest go: what was right of Auto long ago may not be any more. */
const mostExamples = 500

const rowSchema = z
  .object({ id: z.string(), text: z.string(), label: z.string(), created_at: z.number() })
  .transform(({ created_at: createdAt, ...row }): RouteExample => ({ ...row, createdAt }))

/** What the user has taught the router: the only writer of the table `routing_examples`. */
export class RoutingExamples {
  readonly #database: DatabaseSync
  readonly #now: () => number

  constructor(database: DatabaseSync, { now = Date.now }: { readonly now?: () => number } = {}) {
    this.#database = database
    this.#now = now
  }

  /** Newest first. */
  list(): RouteExample[] {
    return this.#database
      .prepare('SELECT * FROM routing_examples ORDER BY created_at DESC, rowid DESC')
      .all()
      .map((row) => rowSchema.parse(row))
  }

  /** Keeps a request; one with the same text goes. */
  add(example: { readonly text: string; readonly label: string }): void {
    const text = example.text.trim().slice(0, mostCharacters).toWellFormed()
    if (text === '') return
    this.#database.prepare('DELETE FROM routing_examples WHERE text = ?').run(text)
    this.#database
      .prepare('INSERT INTO routing_examples (id, text, label, created_at) VALUES (?, ?, ?, ?)')
      .run(randomUUID(), text, example.label, this.#now())
    this.#database
      .prepare(
        'DELETE FROM routing_examples WHERE id NOT IN (SELECT id FROM routing_examples ORDER BY created_at DESC, rowid DESC LIMIT ?)',
      )
      .run(mostExamples)
  }

  /** Harmless when it is not there. */
  forget(id: string): void {
    this.#database.prepare('DELETE FROM routing_examples WHERE id = ?').run(id)
  }
}
