import fc from 'fast-check'
import type { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { conversationFileSchema, type ImportResult } from '../../contract/conversation-file.ts'
import type { RoutingDecision, Verification } from '../../contract/routing.ts'
import { defaultSampling } from '../../contract/sampling.ts'
import { Attachments } from './attachments.ts'
import { ConversationFiles } from './conversation-files.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { search } from './search.ts'

const guide = { id: 'guide', name: 'Guide' }
const coder = { id: 'coder', name: 'Coder' }
const stats = {
  promptTokens: 12,
  reusedTokens: 4,
  generatedTokens: 3,
  timeToFirstTokenMs: 8,
  tokensPerSecond: 100,
}

function open() {
  const database = openDatabase(':memory:')
  let time = 1000
  const attachments = new Attachments(database)
  const conversations = new Conversations(database, { now: () => time++, attachments })
  const files = new ConversationFiles({ database, conversations })
  onTestFinished(() => {
    files[Symbol.dispose]()
    conversations[Symbol.dispose]()
    database.close()
  })
  const say = (id: string, text: string, answer: string) => {
    const turn = conversations.tree.addTurn(id, { text, models: [guide] })
    conversations.live.append(turn.chosenAnswerId, answer)
    conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' }, stats)
    return turn
  }
  const exported = async () =>
    conversationFileSchema.parse(JSON.parse(await (await files.exportAll()).text()))
  const rows = (table: string) => database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']
  return { database, attachments, conversations, files, say, exported, rows }
}

/** A conversation that has everything that one can have: no column of its rows is empty in all of them. */
async function sayEverything({ attachments, conversations }: ReturnType<typeof open>): Promise<string> {
  const { tree, live } = conversations
  const { id } = conversations.create({
    title: 'Everything',
    asking: { instructions: 'Be brief', sampling: { temperature: 0.5 }, jsonSchema: '{"type":"object"}' },
  })
  const notes = await attachments.add({
    name: 'notes.txt',
    data: Buffer.from('The code is 7').toString('base64'),
  })
  const { id: longId } = await attachments.add({ name: 'Long', text: 'line\n'.repeat(100) })
  await attachments.cut(longId, async () => 50)
  const end = (answerId: string) => {
    live.setSampling(answerId, { sampling: defaultSampling, isJson: true })
    live.append(answerId, '<think>Hm')
    live.append(answerId, '</think>Yes')
    live.end(answerId, { kind: 'done', stopReason: 'end' }, stats)
  }
  const first = tree.addTurn(id, {
    ...{ text: 'One', models: [guide, coder], attachmentIds: [longId, notes.id] },
  })
  for (const answer of first.answers) end(answer.id)
  tree.editAnswer(first.answers[0]!.id, 'Mine')
  const second = tree.addTurn(id, { text: 'Two', models: [guide] })
  live.setMemory(second.chosenAnswerId, { startsAtTurnId: second.id, keepsFirstTurn: true })
  end(second.chosenAnswerId)
  const again = tree.addTurn(id, { text: 'Two again', models: [guide, coder], inPlaceOf: second.id })
  for (const answer of again.answers) end(answer.id)
  const third = tree.addTurn(id, { text: 'Three', models: [guide] })
  live.setRouting(third.chosenAnswerId, { model: coder, routing })
  end(third.chosenAnswerId)
  tree.judge(third.chosenAnswerId, { verification: failed })
  end(tree.addAnswers(third.id, [guide], { repairsAnswerId: third.chosenAnswerId }).chosenAnswerId)
  tree.addAnswers(again.id, [guide, coder]).answers.forEach((answer) => end(answer.id))
  // Neither the newest version of the message nor the one whose answers were never chosen from.
  tree.show(second.id)
  conversations.update(id, { isPinned: true, isArchived: true })
  return id
}

// In the order of the schema, as it is read back.
const routing: RoutingDecision = {
  ...{ kind: 'routed', routerId: 'judge', routerName: 'Judge', label: 'code' },
  labels: [{ name: 'code', probability: 1 }],
  ...{ ms: 12, reason: 'code (90 %): "Coder"' },
  alternatives: [],
}
const failed: Verification = {
  ...{ verifierId: 'judge', verifierName: 'Judge' },
  outcome: { kind: 'fail', passProbability: 0.2, reason: 'The answer does not fit the question', ms: 30 },
}

/** Tables that hold nothing of a conversation; the search index is made anew by what is written. */
const otherTables = [
  ...['settings', 'models', 'measurements', 'parked_states', 'reading_speeds', 'writing_speeds'],
  ...['routing_examples', 'draft_records'],
]

/** All rows of a conversation, whatever columns they have, by table. */
function wholeRows(database: DatabaseSync, id: string) {
  const all = (sql: string) => database.prepare(sql).all(id)
  const turnIds = '(SELECT id FROM turns WHERE conversation_id = ?)'
  return {
    conversations: all('SELECT * FROM conversations WHERE id = ?'),
    turns: all('SELECT * FROM turns WHERE conversation_id = ? ORDER BY created_at'),
    answers: all(`SELECT * FROM answers WHERE turn_id IN ${turnIds} ORDER BY created_at`),
    attachments: all(
      `SELECT * FROM attachments WHERE id IN (SELECT attachment_id FROM turn_attachments WHERE turn_id IN ${turnIds}) ORDER BY name`,
    ),
    turn_attachments: all(
      `SELECT u.* FROM turn_attachments u JOIN turns t ON t.id = u.turn_id WHERE t.conversation_id = ? ORDER BY t.created_at, position`,
    ),
  }
}

/** The same with numbers for ids: equal for copies. */
function withoutIds(rows: ReturnType<typeof wholeRows>): unknown {
  const { conversations, turns, answers, attachments } = rows
  const ids = [...conversations, ...turns, ...answers, ...attachments].map((row) => String(row['id']))
  const text = ids.reduce((json, id, number) => json.replaceAll(id, `#${number}#`), JSON.stringify(rows))
  return JSON.parse(text) as unknown
}

/** Sends a text in pieces, as the window does. */
async function send(files: ConversationFiles, text: string, pieceLength = 1000): Promise<ImportResult> {
  for (let from = 0; from < text.length || from === 0; from += pieceLength)
    files.importPart({ importId: 'i', name: 'a.json', text: text.slice(from, from + pieceLength) })
  for await (const event of files.importEnd('i')) if (event.kind === 'done') return event.result
  throw new Error('The import has no result')
}

test('what is exported comes in again as it was: the tree, models, figures, places in the list', async () => {
  const from = open()
  const first = from.conversations.create()
  const turn = from.say(first.id, 'Tell me of Müller 👋', 'He mills.\n\n```js\n"{[}]"\n```')
  const again = from.conversations.tree.addAnswers(turn.id, [coder])
  from.conversations.live.append(again.chosenAnswerId, 'He codes')
  from.conversations.live.end(again.chosenAnswerId, { kind: 'done', stopReason: 'stopped' })
  from.say(first.id, 'More', 'No')
  const second = from.conversations.create({ title: 'Mine' })
  from.conversations.update(second.id, { isPinned: true, isArchived: true })
  const file = await from.exported()
  const to = open()
  const result = await send(to.files, JSON.stringify(file))
  expect(result).toEqual({
    ...{ source: 'plenum', conversations: 2, turns: 2, known: 0, leftOut: [], notes: [] },
    ids: [second.id, first.id],
  })
  expect({ ...(await to.exported()), exportedAt: 0 }).toEqual({ ...file, exportedAt: 0 })
  expect(to.conversations.list()).toEqual(from.conversations.list())
  expect(to.conversations.get(first.id)).toEqual(from.conversations.get(first.id))
  expect(search(to.database, { query: 'muller', limit: 5 }).hits).toHaveLength(2)

  // The same again changes nothing; what went on meanwhile stays, and the file's state comes in beside it.
  expect(await send(to.files, JSON.stringify(file, null, 2), 7)).toMatchObject({ conversations: 0, known: 2 })
  to.say(first.id, 'Here only', 'Yes')
  const [copyId] = (await send(to.files, JSON.stringify(file))).ids
  expect(copyId).not.toBe(first.id)
  const copy = to.conversations.get(copyId!)
  expect(copy.turns.map(({ text }) => text)).toEqual(['Tell me of Müller 👋', 'More'])
  expect(copy.turns[1]?.parentId).toBe(copy.turns[0]?.id)
  expect(copy.turns.map(({ id }) => id)).not.toContain(turn.id)
  expect(to.conversations.get(first.id).turns).toHaveLength(3)
})

test('every column of every table of a conversation comes in again, also where its ids are taken', async () => {
  const from = open()
  const id = await sayEverything(from)
  const rows = wholeRows(from.database, id)
  const tables = from.database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search%' ORDER BY name`)
    .all()
    .map(({ name }) => String(name))
  expect(tables).toEqual([...Object.keys(rows), ...otherTables].sort())
  const empty = Object.values(rows).flatMap((each) =>
    Object.keys(each[0] ?? {}).filter((column) =>
      each.every((row) => row[column] === null || row[column] === 0),
    ),
  )
  expect(empty).toEqual(['deleted_at'])

  const text = await (await from.files.exportAll()).text()
  const to = open()
  await send(to.files, text)
  expect(wholeRows(to.database, id)).toEqual(rows)
  expect(to.conversations.get(id)).toEqual(from.conversations.get(id))
  expect((await send(to.files, text)).known).toBe(1)

  to.say(id, 'Here only', 'Yes')
  const [copyId] = (await send(to.files, text)).ids
  expect(copyId).not.toBe(id)
  expect(withoutIds(wholeRows(to.database, copyId!))).toEqual(withoutIds(rows))
  // The texts of attachments are there once.
  expect(to.rows('attachments')).toBe(2)

  to.database.exec(`UPDATE attachments SET text = 'Another'`)
  const [thirdId] = (await send(to.files, text)).ids
  expect(withoutIds(wholeRows(to.database, thirdId!))).toEqual(withoutIds(rows))
  expect(to.rows('attachments')).toBe(4)
})

test('a repair and what it repairs stay together, also in a copy; a check that is under way does not go on there', async () => {
  const from = open()
  const { id } = from.conversations.create()
  const turn = from.say(id, 'What is 3 plus 4?', '9')
  from.conversations.tree.judge(turn.chosenAnswerId, { verification: failed })
  const repair = from.conversations.tree.addAnswers(turn.id, [guide], {
    repairsAnswerId: turn.chosenAnswerId,
  })
  from.conversations.live.end(repair.chosenAnswerId, { kind: 'done', stopReason: 'end' })
  const checking = { ...failed, outcome: { kind: 'checking' as const, waitsFor: null } }
  from.conversations.tree.judge(repair.chosenAnswerId, { verification: checking })
  const to = open()
  await send(to.files, await (await from.files.exportAll()).text())
  const branch = from.conversations.tree.branch(turn.id)
  for (const copy of [to.conversations.get(id), branch]) {
    const [wrong, right] = copy.turns[0]!.answers
    expect(wrong?.verification).toEqual({ ...failed, repairAnswerId: right?.id })
    expect(right?.repairsAnswerId).toBe(wrong?.id)
    expect(right?.verification?.outcome.kind).toBe('unknown')
  }
  expect(from.conversations.turn(turn.id).answers[1]?.verification).toEqual(checking)
  // So it is when the app ends meanwhile.
  const again = new Conversations(from.database)
  expect(again.turn(turn.id).answers[1]?.verification?.outcome).toMatchObject({
    ...{ kind: 'unknown', problem: { code: 'MODEL_CRASHED' } },
  })
  again[Symbol.dispose]()
})

test('an export from before there were attachments and instructions comes in', async () => {
  const from = open()
  const id = await sayEverything(from)
  const file = await from.exported()
  const only = (fields: object, names: readonly string[]) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))
  const [conversation] = file.conversations
  const old = {
    ...only(conversation!, ['id', 'title', 'isTitled', 'isPinned', 'isArchived', 'shownTurnId']),
    ...{ createdAt: 1, updatedAt: 2 },
    turns: conversation!.turns.map((turn) => ({
      ...only(turn, ['id', 'parentId', 'text', 'chosenAnswerId', 'createdAt']),
      answers: turn.answers.map((answer) =>
        only(answer, ['id', 'modelId', 'modelName', 'text', 'state', 'stats', 'createdAt']),
      ),
    })),
  }
  const to = open()
  await send(to.files, JSON.stringify({ ...file, conversations: [old] }))
  const got = to.conversations.get(id)
  expect(got).toMatchObject({ instructions: null, sampling: {}, jsonSchema: null })
  expect(got.turns.map(({ text }) => text)).toEqual(['One', 'Two'])
})

test('any tree survives', async () => {
  const texts = fc.string({ unit: 'binary', maxLength: 30 })
  const shapes = fc.array(
    fc.record({
      ...{ parent: fc.nat(), text: texts, isUndecided: fc.boolean() },
      answers: fc.array(fc.record({ text: texts, writtenText: fc.option(texts), isJson: fc.boolean() }), {
        ...{ minLength: 1, maxLength: 3 },
      }),
      attachments: fc.array(fc.record({ name: texts, text: texts }), { maxLength: 2 }),
    }),
    { maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer({ min: 1, max: 500 }), async (shape, pieceLength) => {
      const turns = shape.map(({ parent, text, isUndecided, answers, attachments }, index) => ({
        ...{ id: `t${index}`, text: text.toWellFormed(), createdAt: index, chosenAnswerId: `a${index}-0` },
        parentId: index === 0 || parent % (index + 1) === index ? null : `t${parent % index}`,
        isUndecided,
        // Its own, and one that another message has too.
        attachmentIds: [
          ...attachments.map((_, at) => `f${index}-${at}`),
          ...(index > 0 && (shape[0]?.attachments.length ?? 0) > 0 ? ['f0-0'] : []),
        ],
        answers: answers.map(({ isJson, ...answer }, at) => ({
          ...{ id: `a${index}-${at}`, modelId: 'm', modelName: 'M', stats: null, createdAt: index, isJson },
          ...{ text: answer.text.toWellFormed(), writtenText: answer.writtenText?.toWellFormed() ?? null },
          state: { kind: 'done', stopReason: 'end' } as const,
        })),
      }))
      const attachments = shape.flatMap((turn, index) =>
        turn.attachments.map(({ name, text }, at) => ({
          ...{ id: `f${index}-${at}`, name: `n${name.toWellFormed()}`, kind: 'text' as const, cutFrom: null },
          ...{ text: text.toWellFormed(), characters: text.length },
        })),
      )
      const conversation = {
        ...{
          id: 'c',
          title: 'T',
          isTitled: true,
          isPinned: false,
          isArchived: false,
          createdAt: 1,
          updatedAt: 2,
          attachments,
          turns,
        },
        shownTurnId: turns.at(-1)?.id ?? null,
      }
      const file = {
        format: 'plenum-conversations',
        version: 1,
        exportedAt: 0,
        conversations: [conversation],
      }
      const { files, exported } = open()
      await send(files, JSON.stringify(file), pieceLength)
      expect((await exported()).conversations).toMatchObject([conversation])
    }),
    { numRuns: 60 },
  )
})

test('a file that is wrong in one place is not brought in at all, and the place is named', async () => {
  const from = open()
  const { id } = from.conversations.create()
  from.say(id, 'One', 'Two')
  from.say(id, 'Three', 'Four')
  const file = await from.exported()
  const change = (
    work: (turns: Record<string, unknown>[], conversation: Record<string, unknown>) => void,
  ) => {
    const copy = structuredClone(file)
    const [conversation] = copy.conversations
    work(conversation!.turns, conversation!)
    return JSON.stringify({ ...copy, conversations: [...file.conversations, copy.conversations[0]] })
  }
  const cases: [string, string][] = [
    ['', 'it ends in the middle'],
    [JSON.stringify(file).slice(0, -30), 'it ends in the middle'],
    ['{"a": 1}', 'it is neither an export of Plenum nor one of Open WebUI'],
    ['[1, 2]', 'it holds a list of something else than conversations'],
    ['[{"a": 1}]', 'it is neither an export of Plenum nor one of Open WebUI'],
    ['hello', 'it is no JSON'],
    ['[{"a" 1}]', '[0]: it is no JSON'],
    [JSON.stringify({ ...file, version: 2 }), 'it is of version 2, and this Plenum reads up to 1'],
    [change(([turn]) => (turn!['text'] = 5)), 'conversations[1].turns[0].text: Invalid input'],
    [change(([turn]) => (turn!['createdAt'] = -1)), 'conversations[1].turns[0].createdAt: Too small'],
    [
      change(([, turn]) => (turn!['parentId'] = 'nobody')),
      'conversations[1].turns[1].parentId: there is no such turn',
    ],
    [
      change(([a, b]) => (a!['parentId'] = b!['id'])),
      'conversations[1].turns: they build on each other in a circle',
    ],
    [
      change(([, turn]) => (turn!['chosenAnswerId'] = 'x')),
      'conversations[1].turns[1].chosenAnswerId: it has no such answer',
    ],
    [change(([a, b]) => (b!['id'] = a!['id'])), 'conversations[1].turns: two of them have the same id'],
    [
      change(([turn]) => (turn!['attachmentIds'] = ['x'])),
      'conversations[1].turns[0].attachmentIds: there is no such attachment',
    ],
    [change((_, each) => (each['shownTurnId'] = 'x')), 'conversations[1].shownTurnId: there is no such turn'],
  ]
  for (const [text, message] of cases) {
    const to = open()
    await expect(send(to.files, text), message).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`Cannot import "a.json": ${message}`) as string,
    })
    expect([to.rows('conversations'), to.rows('search_entries')]).toEqual([0, 0])
  }
})

test('an import that is broken off leaves nothing behind', async () => {
  const from = open()
  for (let count = 0; count < 3; count++) from.say(from.conversations.create().id, 'One', 'Two'.repeat(100))
  const text = JSON.stringify(await from.exported())
  const to = open()
  to.files.importPart({ importId: 'i', name: 'a.json', text })
  const abort = new AbortController()
  abort.abort()
  await expect(to.files.importEnd('i', abort.signal).next()).rejects.toThrow('aborted')
  expect(() => to.files.importEnd('i')).toThrow('There is no import "i"')
  expect([to.conversations.list(), to.rows('turns')]).toEqual([[], 0])
})

test('an answer that was being written when it was exported is a cut one', async () => {
  const from = open()
  const { id } = from.conversations.create()
  const turn = from.conversations.tree.addTurn(id, { text: 'One', models: [guide] })
  from.conversations.live.append(turn.chosenAnswerId, 'so f')
  const to = open()
  await to.files.import(await from.exported())
  expect(to.conversations.get(id).turns[0]?.answers[0]).toMatchObject({
    text: 'so f',
    state: { kind: 'interrupted' },
  })
})

test('Markdown tells of instructions and attachments', async () => {
  const from = open()
  const text = await (await from.files.export(await sayEverything(from), 'markdown')).text()
  expect(text).toContain(
    'exported from Plenum\n\n## Instructions\n\nBe brief\n\n## You\n\n_Attached: Long_\n\n_Attached: notes.txt_\n\nOne\n\n## ',
  )
})

test('the shown path is written as Markdown', async () => {
  const { conversations, files, say } = open()
  const { id } = conversations.create({ title: 'How to: a/b?' })
  say(id, 'One\n', '# Big\n\ntext')
  const turn = conversations.tree.addTurn(id, { text: 'Two', models: [guide] })
  conversations.live.append(turn.chosenAnswerId, 'Hal')
  conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'stopped' })
  const file = await files.export(id, 'markdown')
  expect([file.name, file.type]).toEqual(['How to a b.md', 'text/markdown; charset=utf-8'])
  expect(await file.text()).toBe(
    '# How to: a/b?\n\n1970-01-01, exported from Plenum\n\n## You\n\nOne\n\n## Guide\n\n# Big\n\ntext\n\n## You\n\nTwo\n\n## Guide\n\nHal\n\n_Stopped_\n',
  )
  await expect(files.export('nobody', 'json')).rejects.toThrow('There is no conversation "nobody"')
  conversations.delete(id)
  expect(JSON.parse(await (await files.exportAll()).text())).toMatchObject({ conversations: [] })
})
