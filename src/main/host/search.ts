import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { SearchHit, SearchResult, TextPiece } from '../../contract/search.ts'
import { findTerms, parseQuery, type Term } from '../../contract/search-text.ts'

/** So many of the last written matches are put in order of time; an import may have written old ones last. */
const orderedMatches = 500
/** Characters of a text that are shown with a hit, and of these before it. */
const snippetCharacters = 160
const leadCharacters = 40

const matchSchema = z.object({
  kind: z.enum(['message', 'answer', 'attachment']),
  source_id: z.string(),
  conversation_id: z.string(),
  turn_id: z.string(),
  at: z.number(),
})
type Match = z.infer<typeof matchSchema>

const conversationSchema = z.object({
  id: z.string(),
  title: z.string(),
  is_archived: z.number(),
  updated_at: z.number(),
})

// An attachment is one text, found with each message that it goes with.
const matches = `
  SELECT e.kind, e.source_id, c.id AS conversation_id, coalesce(t.id, e.turn_id) AS turn_id, coalesce(t.created_at, e.at) AS at
  FROM search_texts f JOIN search_entries e ON e.id = f.rowid
  LEFT JOIN turn_attachments u ON e.kind = 'attachment' AND u.attachment_id = e.source_id
  LEFT JOIN turns t ON t.id = u.turn_id
  JOIN conversations c ON c.id = coalesce(t.conversation_id, e.conversation_id)
  WHERE search_texts MATCH ? AND c.deleted_at IS NULL ORDER BY f.rowid DESC LIMIT ?`

const titleMatches = `
  SELECT c.id, c.title, c.is_archived, c.updated_at
  FROM search_titles f JOIN search_entries e ON e.id = f.rowid
  JOIN conversations c ON c.id = e.conversation_id
  WHERE search_titles MATCH ? AND c.deleted_at IS NULL ORDER BY c.updated_at DESC LIMIT ?`

/**
 * Looks for words in titles, messages, their attachments with their names, and answers, also in versions that are not shown; what is deleted is not found. All words
 * have to be in one text. Takes milliseconds for a hundred thousand messages (bench/search.ts). Never throws for a query.
 */
export function search(
  database: DatabaseSync,
  { query, limit }: { readonly query: string; readonly limit: number },
): SearchResult {
  const terms = parseQuery(query)
  if (terms.length === 0) return { hits: [], hasMore: false }
  const expression = terms.map(expressionOf).join(' AND ')
  const titles = database
    .prepare(titleMatches)
    .all(expression, limit + 1)
    .map((row) => conversationSchema.parse(row))
  const texts = database
    .prepare(matches)
    .all(expression, Math.max(orderedMatches, limit + 1))
    .map((row) => matchSchema.parse(row))
    .sort((a, b) => b.at - a.at)
  const hits = [
    ...titles.slice(0, limit).map((row): SearchHit => ({
      kind: 'title',
      conversationId: row.id,
      title: markTitle(row.title, terms),
      isArchived: row.is_archived === 1,
      turnId: null,
      answerId: null,
      modelName: null,
      attachment: null,
      at: row.updated_at,
      snippet: [],
    })),
    ...texts.slice(0, Math.max(0, limit - titles.length)).map((match) => hitOf(database, match, terms)),
  ]
  return { hits, hasMore: titles.length + texts.length > limit }
}

function hitOf(database: DatabaseSync, match: Match, terms: readonly Term[]): SearchHit {
  const { kind, source_id: id, turn_id: turnId, conversation_id: conversationId, at } = match
  const conversation = conversationSchema.parse(
    database
      .prepare('SELECT id, title, is_archived, updated_at FROM conversations WHERE id = ?')
      .get(conversationId),
  )
  const { text, name } = z
    .object({ text: z.string(), name: z.string().nullable() })
    .parse(database.prepare(sources[kind]).get(id))
  return {
    kind,
    conversationId,
    title: markTitle(conversation.title, terms),
    isArchived: conversation.is_archived === 1,
    turnId,
    answerId: kind === 'answer' ? id : null,
    modelName: kind === 'answer' ? name : null,
    attachment: kind === 'attachment' && name !== null ? { id, name } : null,
    at,
    snippet: snippetOf(text, terms),
  }
}

/** Where the text of a match is, and the name that goes with it. */
const sources = {
  message: 'SELECT text, NULL AS name FROM turns WHERE id = ?',
  answer: 'SELECT text, model_name AS name FROM answers WHERE id = ?',
  attachment: 'SELECT name || char(10) || text AS text, name FROM attachments WHERE id = ?',
} as const satisfies Record<Match['kind'], string>

/** A term for FTS5: a string of words, which hold nothing but letters and digits, so that nothing in it is syntax. */
function expressionOf({ words, isPrefix }: Term): string {
  return `"${words.join(' ')}"${isPrefix ? '*' : ''}`
}

function markTitle(title: string, terms: readonly Term[]): TextPiece[] {
  return cutPieces(title, findTerms(title, terms), { start: 0, end: title.length })
}

/** The part of a text where most of what was looked for is close together, on one line. */
export function snippetOf(text: string, terms: readonly Term[]): TextPiece[] {
  const ranges = findTerms(text, terms, 200)
  const wordsNear = ranges.map(({ start }) => {
    const near = ranges.filter(
      (range) => range.start >= start && range.end <= start + snippetCharacters - leadCharacters,
    )
    return new Set(near.map((range) => text.slice(range.start, range.end).toLowerCase())).size
  })
  const best = ranges[wordsNear.indexOf(Math.max(...wordsNear))]
  const from = Math.max(0, (best?.start ?? 0) - leadCharacters)
  const start = from === 0 ? 0 : wordStart(text, from, best?.start ?? from)
  const end = Math.max(best?.end ?? 0, Math.min(text.length, start + snippetCharacters))
  const pieces = cutPieces(text, ranges, { start, end: Math.min(end, start + 2 * snippetCharacters) })
  const isCut = { before: start > 0, after: end < text.length }
  return [
    ...(isCut.before ? [{ text: '… ', isHit: false }] : []),
    ...pieces,
    ...(isCut.after ? [{ text: ' …', isHit: false }] : []),
  ]
}

/** The next beginning of a word at or behind `from`, but not behind `limit`; never within a surrogate pair. */
function wordStart(text: string, from: number, limit: number): number {
  const space = /\s/.exec(text.slice(from, limit))
  if (space) return from + space.index + 1
  return /[\uDC00-\uDFFF]/.test(text.charAt(from)) ? from + 1 : from
}

/** A stretch of a text in pieces, its white space made one space. */
function cutPieces(
  text: string,
  ranges: readonly { readonly start: number; readonly end: number }[],
  { start, end }: { readonly start: number; readonly end: number },
): TextPiece[] {
  const pieces: TextPiece[] = []
  const add = (from: number, to: number, isHit: boolean) => {
    const piece = text.slice(from, to).replaceAll(/\s+/g, ' ').toWellFormed()
    if (piece !== '') pieces.push({ text: piece, isHit })
  }
  let at = start
  for (const range of ranges) {
    if (range.start < at || range.end > end) continue
    add(at, range.start, false)
    add(range.start, range.end, true)
    at = range.end
  }
  add(at, end, false)
  return pieces
}
