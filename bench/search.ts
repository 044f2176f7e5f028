/**
 * Full text search over 100,000 messages in 2,500 conversations: how long queries take (median, 95th percentile and longest of
 * 100 each, with the snippets of 50 hits), and what the index costs when texts are written.
 *
 *     node bench/search.ts [messages]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { formatBytes } from '../src/contract/bytes.ts'
import { openDatabase } from '../src/main/host/database.ts'
import { search } from '../src/main/host/search.ts'
import { median } from './measure.ts'

const messages = Number(process.argv[2] ?? 100_000)
const turnsEach = 20
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-search-'))
try {
  const words = vocabulary(30_000)
  const indexed = fill('indexed', { hasIndex: true, words })
  const plain = fill('plain', { hasIndex: false, words })
  console.log(
    `${String(messages)} messages: written in ${seconds(indexed.ms)} with the index, ${seconds(plain.ms)} without`,
  )
  console.log(`database: ${formatBytes(indexed.bytes)} with the index, ${formatBytes(plain.bytes)} without`)
  const { database } = indexed
  const queries: readonly (readonly [string, (index: number) => string])[] = [
    ['common word', (index) => word(words, index % 5) + ' '],
    ['word of medium frequency', (index) => word(words, 300 + index) + ' '],
    ['rare word', (index) => word(words, 20_000 + index) + ' '],
    ['two common words', (index) => `${word(words, index % 5)} ${word(words, 5 + (index % 5))} `],
    [
      'four words',
      (index) => [index, 20 + index, 40 + index, 60 + index].map((at) => word(words, at)).join(' ') + ' ',
    ],
    ['common and rare', (index) => `${word(words, index % 5)} ${word(words, 20_000 + index)} `],
    ['phrase of common words', (index) => `"${word(words, index % 5)} ${word(words, index % 7)}"`],
    ['one letter', (index) => String.fromCharCode(97 + (index % 26))],
    ['beginning of two letters', (index) => word(words, index).slice(0, 2)],
    ['beginning of four letters', (index) => word(words, index).slice(0, 4)],
    ['Chinese, two letters', (index) => ['内存', '模型', '对话', '速度'][index % 4] ?? ''],
    ['nothing', (index) => `zzzzqqq${String(index)}`],
  ]
  for (const [name, query] of queries) {
    const times: number[] = []
    let hits = 0
    for (let index = 0; index < 100; index++) {
      const begin = performance.now()
      hits += search(database, { query: query(index), limit: 50 }).hits.length
      times.push(performance.now() - begin)
    }
    times.sort((a, b) => a - b)
    const [p95 = NaN, longest = NaN] = [times[94], times.at(-1)]
    console.log(
      `${name.padEnd(26)} ${median(times).toFixed(1).padStart(6)} ms, p95 ${p95.toFixed(1).padStart(6)}, longest ${longest.toFixed(1).padStart(6)} (${(hits / 100).toFixed(0)} hits shown)`,
    )
  }
  for (const { name, database: written } of [indexed, plain]) {
    const { stream, end } = writeAnswer(written, words)
    console.log(
      `${name}: writing a growing answer of 20,000 characters: ${stream.toFixed(2)} ms each time, ${end.toFixed(2)} ms at its end`,
    )
  }
  indexed.database.close()
  plain.database.close()
} finally {
  rmSync(folder, { recursive: true })
}

function fill(name: string, { hasIndex, words }: { hasIndex: boolean; words: readonly string[] }) {
  const file = path.join(folder, `${name}.db`)
  const database = openDatabase(file)
  if (!hasIndex) dropIndex(database)
  const random = randomFrom(7)
  const conversation = database.prepare(
    'INSERT INTO conversations (id, title, is_titled, created_at, updated_at) VALUES (?, ?, 1, ?, ?)',
  )
  const turn = database.prepare(
    'INSERT INTO turns (id, conversation_id, parent_id, text, chosen_answer_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const answer = database.prepare(
    `INSERT INTO answers (id, turn_id, model_id, model_name, text, state, created_at) VALUES (?, ?, 'm', 'Model', ?, '{"kind":"done","stopReason":"end"}', ?)`,
  )
  const begin = performance.now()
  for (let at = 0; at < messages / 2; at++) {
    if (at % turnsEach === 0) {
      if (at > 0) database.exec('COMMIT')
      database.exec('BEGIN')
      conversation.run(`c${String(at / turnsEach)}`, text(words, random, 5), at, at)
    }
    const id = String(at)
    turn.run(
      `t${id}`,
      `c${String(Math.floor(at / turnsEach))}`,
      at % turnsEach === 0 ? null : `t${String(at - 1)}`,
      text(words, random, 25),
      `a${id}`,
      at,
    )
    answer.run(`a${id}`, `t${id}`, text(words, random, 150), at)
  }
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
  return { name, database, ms: performance.now() - begin, bytes: statSync(file).size }
}

/** The database as it would be without the index. */
function dropIndex(database: DatabaseSync): void {
  const triggers = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'search%'`)
    .all()
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${String(name)}`)
}

/** As streaming does it: the whole text so far every half second, then once with its end. Milliseconds each, fsync not counted. */
function writeAnswer(database: DatabaseSync, words: readonly string[]) {
  const random = randomFrom(3)
  const whole = text(words, random, 3000)
  database.exec(
    `INSERT INTO answers (id, turn_id, model_id, model_name, text, state, created_at) VALUES ('live', 't0', 'm', 'Model', '', '{"kind":"writing"}', 0)`,
  )
  const save = database.prepare(`UPDATE answers SET text = ?, state = ? WHERE id = 'live'`)
  const begin = performance.now()
  for (let part = 1; part <= 100; part++) save.run(whole.slice(0, part * 200), '{"kind":"writing"}')
  const stream = (performance.now() - begin) / 100
  const beginEnd = performance.now()
  save.run(whole, '{"kind":"done","stopReason":"end"}')
  return { stream, end: performance.now() - beginEnd }
}

/** Words as frequent as in a language: the n-th comes about 1/n as often as the first. */
function text(words: readonly string[], random: () => number, length: number): string {
  const chosen = Array.from({ length }, () => word(words, Math.floor(words.length ** random()) - 1))
  if (random() < 0.02)
    chosen.push(['内存的大小', '模型很小', '对话', '速度快'][Math.floor(random() * 4)] ?? '')
  return chosen.join(' ')
}

function vocabulary(count: number): readonly string[] {
  const random = randomFrom(1)
  const letters = 'etaoinshrdlucmfwypvbgkjqxz'
  const known = new Set<string>()
  while (known.size < count) {
    const length = 2 + Math.floor(random() * 9)
    known.add(Array.from({ length }, () => letters.charAt(Math.floor(26 * random() ** 2))).join(''))
  }
  return [...known]
}

function word(words: readonly string[], at: number): string {
  return words[at] ?? ''
}

/** The same numbers in each run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
