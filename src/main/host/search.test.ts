import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { TextPiece } from '../../contract/search.ts'
import { parseQuery } from '../../contract/search-text.ts'
import { Attachments } from './attachments.ts'
import { ConversationRows } from './conversation-rows.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { search, snippetOf } from './search.ts'

const model = { id: 'guide', name: 'Guide' }

function open() {
  const database = openDatabase(':memory:')
  let time = 1000
  const attachments = new Attachments(database)
  const conversations = new Conversations(database, { now: () => time++, attachments })
  onTestFinished(() => {
    conversations[Symbol.dispose]()
    database.close()
  })
  const say = (id: string, text: string, answer: string) => {
    const turn = conversations.tree.addTurn(id, { text, models: [model] })
    conversations.live.append(turn.chosenAnswerId, answer)
    conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
    return turn
  }
  const found = (query: string, limit = 50) =>
    search(database, { query, limit }).hits.map(({ kind, title, snippet }) =>
      kind === 'title' ? `title: ${write(title)}` : `${kind}: ${write(snippet)}`,
    )
  return { database, attachments, conversations, say, found }
}

function write(pieces: readonly TextPiece[]): string {
  return pieces.map(({ text, isHit }) => (isHit ? `[${text}]` : text)).join('')
}

test('finds titles, messages and answers, the newest first, without case and accents', () => {
  const { conversations, say, found } = open()
  const first = conversations.create({ title: 'Café in Paris' })
  say(first.id, 'Where is a good cafe?', 'The CAFÉ de Flore.')
  const second = conversations.create({ title: 'Other' })
  say(second.id, 'Cafés and tea', 'Only tea.')
  expect(found('cafe')).toEqual([
    'title: [Café] in Paris',
    'message: [Café]s and tea',
    'answer: The [CAFÉ] de Flore.',
    'message: Where is a good [cafe]?',
  ])
  expect(found('cafe ')).toHaveLength(3)
  expect(found('tea only')).toEqual(['answer: [Only] [tea].'])
  expect(found('"good cafe"')).toEqual(['message: Where is a [good cafe]?'])
  expect(found('"cafe good"')).toEqual([])
  expect(found('good nowhere')).toEqual([])
  expect(search(open().database, { query: '***', limit: 50 })).toEqual({ hits: [], hasMore: false })
})

test('finds parts of what is written without spaces', () => {
  const { conversations, say, found } = open()
  const { id } = conversations.create({ title: '内存' })
  say(id, '統一メモリとは何ですか', '统一内存是共享的。')
  expect(found('内存')).toEqual(['title: [内存]', 'answer: 统一[内存]是共享的。'])
  expect(found('メモ')).toEqual(['message: 統一[メモ]リとは何ですか'])
  expect(found('存内')).toEqual([])
})

test('an answer is found once it has ended, with its last text', () => {
  const { conversations, found } = open()
  const { id } = conversations.create()
  const turn = conversations.tree.addTurn(id, { text: 'Question', models: [model] })
  conversations.live.append(turn.chosenAnswerId, 'early')
  conversations.live.flush()
  expect(found('early')).toEqual([])
  conversations.live.append(turn.chosenAnswerId, ' and late')
  conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'stopped' })
  expect(found('late early')).toEqual(['answer: [early] and [late]'])
})

test('attachments are found by name and text with each message that they go with, once sent', async () => {
  const { database, attachments, conversations, say, found } = open()
  const { id } = conversations.create({ title: 'Files' })
  const file = await attachments.add({ name: 'report_2024.txt', text: 'Über die Brücke 内存' })
  expect(found('report')).toEqual([])
  const turn = conversations.tree.addTurn(id, {
    ...{ text: 'Read this', models: [model], attachmentIds: [file.id] },
  })
  expect(search(database, { query: 'brucke', limit: 5 }).hits).toMatchObject([
    {
      ...{ kind: 'attachment', conversationId: id, turnId: turn.id, answerId: null, at: turn.createdAt },
      attachment: { id: file.id, name: 'report_2024.txt' },
    },
  ])
  expect(found('2024 内存')).toEqual(['attachment: report_[2024].txt Über die Brücke [内存]'])

  // A further version of the message, and a copy of the conversation, have it too.
  const again = conversations.tree.addTurn(id, { text: 'Read it', models: [model], inPlaceOf: turn.id })
  const branch = conversations.tree.branch(again.id)
  const turnIds = search(database, { query: 'brucke', limit: 5 }).hits.map(({ turnId }) => turnId)
  expect(turnIds.sort()).toEqual([turn.id, again.id, branch.turns[0]!.id].sort())
  conversations.delete(branch.id)
  expect(found('brucke')).toHaveLength(2)
  conversations.tree.deleteTurn(turn.id)
  conversations.tree.deleteTurn(again.id)
  expect(found('brucke')).toEqual([])
  conversations.tree.restoreTurn(again.id)
  expect(found('brucke')).toHaveLength(1)
  for (const each of [id, branch.id]) {
    if (each === id) conversations.delete(each)
    conversations.purge(each)
  }
  const left = database.prepare('SELECT count(*) AS count FROM search_entries').get()
  expect(left).toEqual({ count: 0 })
  say(conversations.create().id, 'Nothing', 'to see')
  expect(found('brucke')).toEqual([])
})

test('what is deleted is not found until it is restored, and a new title goes for the old one', () => {
  const { database, conversations, say, found } = open()
  const { id } = conversations.create({ title: 'Needles' })
  say(id, 'A needle', 'Another needle')
  conversations.delete(id)
  expect(found('needle')).toEqual([])
  conversations.restore(id)
  expect(found('needle')).toHaveLength(3)
  conversations.update(id, { title: 'Pins' })
  expect(found('needle')).toHaveLength(2)
  expect(found('pins')).toEqual(['title: [Pins]'])
  conversations.delete(id)
  conversations.purge(id)
  const left = database.prepare('SELECT count(*) AS count FROM search_entries').get()
  expect(left).toEqual({ count: 0 })
  const { id: other } = conversations.create({ title: 'Free' })
  say(other, 'Nothing', 'to see')
  expect(found('needle')).toEqual([])
})

test('tells when there is more than was asked for, and takes imports in the order of their time', () => {
  const { database, conversations, say } = open()
  const { id } = conversations.create({ title: 'Many' })
  for (let count = 1; count <= 4; count++) say(id, `word ${count}`, 'no')
  const rows = new ConversationRows(database)
  rows.insertTurn(id, {
    ...{ id: 'old', parentId: null, parentAnswerId: null, text: 'word 0', chosenAnswerId: 'none' },
    ...{ isUndecided: false, createdAt: 1 },
  })
  const result = search(database, { query: 'word', limit: 3 })
  expect([result.hits.map(({ snippet }) => write(snippet)), result.hasMore]).toEqual([
    ['[word] 4', '[word] 3', '[word] 2'],
    true,
  ])
  const all = search(database, { query: 'word', limit: 5 })
  expect([all.hits.map(({ snippet }) => write(snippet)).at(-1), all.hasMore]).toEqual(['[word] 0', false])
})

test('a snippet is the part with most of the words, on one line, cut at a word', () => {
  const filler = 'lorem ipsum dolor sit amet '.repeat(30)
  const text = `pool ${filler}the memory\n\n  pool is full ${filler}`
  const pieces = snippetOf(text, parseQuery('pool memory full'))
  const line = write(pieces)
  expect(line).toMatch(/^… .*the \[memory\] \[pool\] is \[full\] lorem .* …$/)
  expect(line.length).toBeLessThan(220)
  expect(write(snippetOf('x'.repeat(5000), parseQuery('y')))).toMatch(/^x{160} …$/)
})

test('whatever is typed is a query', () => {
  const { database, conversations, say } = open()
  const { id } = conversations.create({ title: 'Title' })
  say(id, 'a b c " AND * NEAR( ^x {text}: -', '統一 é 👋 \0 end')
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.string({
      unit: fc.constantFrom('"', '*', 'a', ' ', '(', ')', ':', '-', '^', 'AND', '統', '\0', "'", 'é'),
    }),
  )
  fc.assert(
    fc.property(typed, (query) => {
      expect(() => search(database, { query, limit: 50 })).not.toThrow()
    }),
    { numRuns: 500 },
  )
  // What follows a NUL is found too.
  expect(search(database, { query: 'end', limit: 50 }).hits).toHaveLength(1)
})
