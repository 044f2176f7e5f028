import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { conversationFileSchema, type ImportResult } from '../../contract/conversation-file.ts'
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
  const conversations = new Conversations(database, { now: () => time++ })
  const files = new ConversationFiles({ database, conversations })
  onTestFinished(() => {
    files[Symbol.dispose]()
    conversations[Symbol.dispose]()
    database.close()
  })
  const say = (id: string, text: string, answer: string) => {
    const turn = conversations.addTurn(id, { text, models: [guide] })
    conversations.append(turn.chosenAnswerId, answer)
    conversations.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' }, stats)
    return turn
  }
  const exported = async () =>
    conversationFileSchema.parse(JSON.parse(await (await files.exportAll()).text()))
  const rows = (table: string) => database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']
  return { database, conversations, files, say, exported, rows }
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
  const again = from.conversations.addAnswers(turn.id, [coder])
  from.conversations.append(again.chosenAnswerId, 'He codes')
  from.conversations.end(again.chosenAnswerId, { kind: 'done', stopReason: 'stopped' })
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

test('any tree survives', async () => {
  const texts = fc.string({ unit: 'binary', maxLength: 30 })
  const shapes = fc.array(
    fc.record({ parent: fc.nat(), text: texts, answers: fc.array(texts, { minLength: 1, maxLength: 3 }) }),
    { maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer({ min: 1, max: 500 }), async (shape, pieceLength) => {
      const turns = shape.map(({ parent, text, answers }, index) => ({
        ...{ id: `t${index}`, text: text.toWellFormed(), createdAt: index, chosenAnswerId: `a${index}-0` },
        parentId: index === 0 || parent % (index + 1) === index ? null : `t${parent % index}`,
        answers: answers.map((answer, at) => ({
          ...{
            id: `a${index}-${at}`,
            modelId: 'm',
            modelName: 'M',
            text: answer.toWellFormed(),
            stats: null,
            createdAt: index,
          },
          state: { kind: 'done', stopReason: 'end' } as const,
        })),
      }))
      const conversation = {
        ...{
          id: 'c',
          title: 'T',
          isTitled: true,
          isPinned: false,
          isArchived: false,
          createdAt: 1,
          updatedAt: 2,
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
  const turn = from.conversations.addTurn(id, { text: 'One', models: [guide] })
  from.conversations.append(turn.chosenAnswerId, 'so f')
  const to = open()
  await to.files.import(await from.exported())
  expect(to.conversations.get(id).turns[0]?.answers[0]).toMatchObject({
    text: 'so f',
    state: { kind: 'interrupted' },
  })
})

test('the shown path is written as Markdown', async () => {
  const { conversations, files, say } = open()
  const { id } = conversations.create({ title: 'How to: a/b?' })
  say(id, 'One\n', '# Big\n\ntext')
  const turn = conversations.addTurn(id, { text: 'Two', models: [guide] })
  conversations.append(turn.chosenAnswerId, 'Hal')
  conversations.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'stopped' })
  const file = await files.export(id, 'markdown')
  expect([file.name, file.type]).toEqual(['How to a b.md', 'text/markdown; charset=utf-8'])
  expect(await file.text()).toBe(
    '# How to: a/b?\n\n1970-01-01, exported from Plenum\n\n## You\n\nOne\n\n## Guide\n\n# Big\n\ntext\n\n## You\n\nTwo\n\n## Guide\n\nHal\n\n_Stopped_\n',
  )
  await expect(files.export('nobody', 'json')).rejects.toThrow('There is no conversation "nobody"')
  conversations.delete(id)
  expect(JSON.parse(await (await files.exportAll()).text())).toMatchObject({ conversations: [] })
})
