import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Conversations } from './conversations.ts'
import { openDatabase, schemaVersion } from './database.ts'
import { search } from './search.ts'

const stats = {
  ...{ promptTokens: 9, reusedTokens: 0, generatedTokens: 4 },
  ...{ timeToFirstTokenMs: 20, tokensPerSecond: 50 },
}

function newFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-database-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return path.join(folder, 'plenum.db')
}

/** A data folder as the first release left it: two conversations, one with an answer that a crash cut. */
function writeAsFirstRelease(file: string): void {
  const database = openDatabase(file, { version: 1 })
  const run = (sql: string, ...values: (string | number | null)[]) => database.prepare(sql).run(...values)
  run("INSERT INTO settings (key, value) VALUES ('theme', '\"dark\"')")
  for (const [id, title, shown, at] of [
    ['c1', 'Eine Straße', 't2', 10],
    ['c2', 'Other', 't3', 20],
    ['c3', 'Empty', null, 30],
  ] as const)
    run(
      'INSERT INTO conversations (id, title, is_titled, shown_turn_id, created_at, updated_at) VALUES (?, ?, 1, ?, ?, ?)',
      ...[id, title, shown, at, at],
    )
  for (const [id, conversationId, parentId, text, chosen, at] of [
    ['t1', 'c1', null, 'Wie groß ist sie?', 'a1', 11],
    ['t2', 'c1', 't1', 'And now?', 'a3', 12],
    ['t3', 'c2', null, 'Hello', 'a4', 21],
  ] as const)
    run(
      'INSERT INTO turns (id, conversation_id, parent_id, text, chosen_answer_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      ...[id, conversationId, parentId, text, chosen, at],
    )
  for (const [id, turnId, text, state, at] of [
    ['a1', 't1', 'Very large.', { kind: 'done', stopReason: 'end' }, 11],
    ['a2', 't2', 'First try', { kind: 'done', stopReason: 'stopped' }, 12],
    ['a3', 't2', 'Second try', { kind: 'done', stopReason: 'end' }, 13],
    ['a4', 't3', 'Half of', { kind: 'writing' }, 21],
  ] as const)
    run(
      "INSERT INTO answers (id, turn_id, model_id, model_name, text, state, stats, created_at) VALUES (?, ?, 'guide', 'Guide', ?, ?, ?, ?)",
      ...[id, turnId, text, JSON.stringify(state), JSON.stringify(stats), at],
    )
  database.close()
}

/** All that is to be seen of a data folder. */
function read(file: string) {
  const database = openDatabase(file)
  const conversations = new Conversations(database)
  try {
    return {
      list: conversations.list(),
      whole: conversations.list().map(({ id }) => conversations.get(id)),
      found: ['strasse', 'groß', 'large', 'try'].map((query) =>
        search(database, { query, limit: 9 }).hits.map((hit) => `${hit.kind} ${hit.turnId ?? ''}`),
      ),
      settings: database.prepare('SELECT * FROM settings').all(),
      integrity: database.prepare('PRAGMA integrity_check').all(),
      references: database.prepare('PRAGMA foreign_key_check').all(),
    }
  } finally {
    conversations[Symbol.dispose]()
    database.close()
  }
}

test('a data folder of the first release has all its conversations in this one', () => {
  const file = newFile()
  writeAsFirstRelease(file)
  const { list, whole, found, settings, integrity, references } = read(file)
  expect(list.map(({ id, title, turnCount, isPinned }) => [id, title, turnCount, isPinned])).toEqual([
    ['c3', 'Empty', 0, false],
    ['c2', 'Other', 1, false],
    ['c1', 'Eine Straße', 2, false],
  ])
  expect(
    whole.map(({ turns }) =>
      turns.map(({ text, answers, chosenAnswerId, parentAnswerId, isUndecided }) => [
        ...[text, parentAnswerId, chosenAnswerId, isUndecided],
        ...answers.map((answer) => [answer.text, answer.state.kind, answer.stats]),
      ]),
    ),
  ).toEqual([
    [],
    [['Hello', null, 'a4', false, ['Half of', 'interrupted', stats]]],
    [
      ['Wie groß ist sie?', null, 'a1', false, ['Very large.', 'done', stats]],
      ['And now?', 'a1', 'a3', false, ['First try', 'done', stats], ['Second try', 'done', stats]],
    ],
  ])
  expect(found).toEqual([['title '], ['message t1'], ['answer t1'], ['answer t2', 'answer t2']])
  expect([settings, integrity, references]).toEqual([
    [{ key: 'theme', value: '"dark"' }],
    [{ integrity_check: 'ok' }],
    [],
  ])
})

test('it does not matter how many releases were in between', () => {
  const atOnce = newFile()
  writeAsFirstRelease(atOnce)
  const stepwise = newFile()
  writeAsFirstRelease(stepwise)
  for (let version = 2; version <= schemaVersion; version++) openDatabase(stepwise, { version }).close()
  expect(read(stepwise)).toEqual(read(atOnce))
  // Opened again nothing is done.
  expect(read(stepwise)).toEqual(read(atOnce))
})

test('what was indexed before ß was found as ss is found by it', () => {
  const file = newFile()
  const before = openDatabase(file, { version: 8 })
  before.exec(`
    INSERT INTO conversations (id, title, is_titled, shown_turn_id, created_at, updated_at) VALUES ('c1', 'Maß', 1, 't1', 1, 1);
    INSERT INTO turns (id, conversation_id, text, chosen_answer_id, created_at) VALUES ('t1', 'c1', 'Spaß', 'a1', 1);
    -- As the index was written then.
    UPDATE search_titles SET text = 'Maß';
    UPDATE search_texts SET text = 'Spaß';
  `)
  before.close()
  const database = openDatabase(file)
  onTestFinished(() => database.close())
  expect(
    ['spass', 'Spaß', 'mass'].map((query) =>
      search(database, { query, limit: 9 }).hits.map(({ kind }) => kind),
    ),
  ).toEqual([['message'], ['message'], ['title']])
})
