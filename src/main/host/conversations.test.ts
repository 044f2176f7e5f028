import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ConversationEvent } from '../../contract/conversation.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { messagesOf } from './messages.ts'

const guide = { id: 'guide', name: 'Guide' }
const coder = { id: 'coder', name: 'Coder' }
const stats = {
  promptTokens: 12,
  reusedTokens: 4,
  generatedTokens: 3,
  timeToFirstTokenMs: 8,
  tokensPerSecond: 100,
}

/** A database file of this test, opened again and again as by starts of the app; a start does not end the one before. */
function newDatabase() {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-conversations-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  let time = 1000
  const databases: DatabaseSync[] = []
  const start = (options: { onDefect?: (error: unknown) => void } = {}): Conversations => {
    const database = openDatabase(path.join(folder, 'plenum.db'))
    databases.push(database)
    const conversations = new Conversations(database, { now: () => time++, ...options })
    onTestFinished(() => {
      conversations[Symbol.dispose]()
      database.close()
    })
    return conversations
  }
  return Object.assign(start, { databases })
}

/** Lets a database grow no further, as a full disk does. */
function fillDisk(database: DatabaseSync): { free: () => void } {
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
  database.exec(`PRAGMA max_page_count = ${pages}`)
  return { free: () => database.exec('PRAGMA max_page_count = 1000000') }
}

function openConversations(): Conversations {
  return newDatabase()()
}

function answered(
  conversations: Conversations,
  conversationId: string,
  text: string,
  answer: string,
): string {
  const turn = conversations.tree.addTurn(conversationId, { text, models: [guide] })
  conversations.live.append(turn.chosenAnswerId, answer)
  conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' }, stats)
  return turn.id
}

async function take(feed: AsyncIterator<ConversationEvent>, count: number): Promise<ConversationEvent[]> {
  const events: ConversationEvent[] = []
  while (events.length < count) {
    const result = await feed.next()
    if (result.done === true) break
    events.push(result.value)
  }
  return events
}

afterEach(() => {
  vi.useRealTimers()
})

describe('conversations', () => {
  test('finds everything again after a restart', () => {
    const start = newDatabase()
    const before = start()
    const { id } = before.create()
    answered(before, id, 'My name is Nora.', 'Hello Nora!')
    answered(before, id, 'What is my name?\n\nSay it.', 'Nora. 👋\0')
    const expected = before.get(id)

    const after = start()
    expect(after.get(id)).toEqual(expected)
    expect(after.list()).toEqual([
      {
        id,
        title: 'My name is Nora.',
        createdAt: 1000,
        updatedAt: expected.updatedAt,
        turnCount: 2,
        lastModelId: 'guide',
        isPinned: false,
        isArchived: false,
      },
    ])
    expect(expected.turns.map(({ text, answers }) => [text, answers[0]?.text, answers[0]?.stats])).toEqual([
      ['My name is Nora.', 'Hello Nora!', stats],
      ['What is my name?\n\nSay it.', 'Nora. 👋\0', stats],
    ])
  })

  test('keeps the text of an answer that a crash cut short, and says so', () => {
    vi.useFakeTimers()
    const start = newDatabase()
    const before = start()
    const { id } = before.create()
    const turn = before.tree.addTurn(id, { text: 'Tell me a story', models: [guide] })
    before.live.setState(turn.chosenAnswerId, { kind: 'writing' })
    before.live.append(turn.chosenAnswerId, 'Once upon ')
    before.live.append(turn.chosenAnswerId, 'a time')
    vi.advanceTimersByTime(500)
    before.live.append(turn.chosenAnswerId, ' lost')

    // No end, no flush: the process is gone.
    const [answer] = start().get(id).turns[0]!.answers
    expect([answer?.text, answer?.state]).toEqual([
      'Once upon a time',
      {
        kind: 'interrupted',
        problem: {
          code: 'MODEL_CRASHED',
          message: 'The app ended while this answer was being written',
          details: { help: 'Send the turn again' },
        },
      },
    ])
  })

  test('titles a conversation by its first message unless it has a title', () => {
    const conversations = openConversations()
    const first = conversations.create()
    answered(conversations, first.id, 'How do I sort a list?', 'So.')
    answered(conversations, first.id, 'And a tree?', 'So.')
    const second = conversations.create({ title: 'Mine' })
    answered(conversations, second.id, 'How do I sort a list?', 'So.')
    conversations.update(first.id, { title: 'Sorting' })
    expect(conversations.list().map(({ title }) => title)).toEqual(['Mine', 'Sorting'])
  })

  test('gives a watcher that joins in mid-answer the text so far, then the rest', async () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    const turn = conversations.tree.addTurn(id, { text: 'Hello', models: [guide] })
    const answerId = turn.chosenAnswerId
    conversations.live.setState(answerId, { kind: 'writing' })
    conversations.live.append(answerId, 'Hel')
    const feed = conversations.watch(id)
    conversations.live.append(answerId, 'lo ')
    conversations.live.append(answerId, 'you')
    const [snapshot, text] = await take(feed, 2)
    expect(snapshot?.kind === 'snapshot' && snapshot.conversation.turns[0]?.answers[0]?.text).toBe('Hel')
    expect(text).toEqual({ kind: 'text', turnId: turn.id, answerId, at: 3, text: 'lo you' })
    conversations.live.end(answerId, { kind: 'done', stopReason: 'end' }, stats)
    conversations.delete(id)
    expect(await take(feed, 2)).toEqual([{ kind: 'deleted' }])
  })

  test('gives a watcher the last turns of a long conversation first, then those before them, and what happens meanwhile', async () => {
    vi.useFakeTimers()
    const conversations = openConversations()
    const { id } = conversations.create()
    for (let index = 0; index < 230; index++) answered(conversations, id, `q${index}`, `a${index}`)
    const { turns } = conversations.get(id)
    const feed = conversations.watch(id, { lastTurns: 20 })
    const [snapshot] = await take(feed, 1)
    expect(snapshot?.kind === 'snapshot' && snapshot.conversation.turns).toEqual(turns.slice(210))

    conversations.tree.editAnswer(turns[150]!.chosenAnswerId, 'changed')
    await vi.advanceTimersByTimeAsync(105)
    conversations.tree.editAnswer(turns[149]!.chosenAnswerId, 'changed too')
    await vi.advanceTimersByTimeAsync(1000)
    const events = await take(feed, 4)
    const now = conversations.get(id).turns
    const parts = events.flatMap((event) => (event.kind === 'earlier' ? [event.turns] : []))
    expect(parts.map(({ length }) => length)).toEqual([200, 10])
    expect(parts[0]![140]!.answers[0]!.text).toBe('changed')
    expect(events.flatMap((event) => (event.kind === 'turn' ? [event.turn] : []))).toEqual([
      now[150],
      now[149],
    ])
    expect(parts.toReversed().flat().with(149, now[149]!)).toEqual(now.slice(0, 210))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('who watches hears of a new title without all that was said', async () => {
    const conversations = openConversations()
    const { id } = conversations.create({ title: 'Old' })
    answered(conversations, id, 'q', 'a')
    const feed = conversations.watch(id)
    await take(feed, 1)
    conversations.update(id, { title: 'New' })
    const summary = conversations.update(id, { isPinned: true })
    expect(summary).toMatchObject({ title: 'New', isPinned: true, turnCount: 1 })
    expect(await take(feed, 1)).toEqual([{ kind: 'summary', summary }])
  })

  test('a watcher that leaves gets no earlier turns', async () => {
    vi.useFakeTimers()
    const conversations = openConversations()
    const { id } = conversations.create()
    for (let index = 0; index < 3; index++) answered(conversations, id, `q${index}`, `a${index}`)
    const feed = conversations.watch(id, { lastTurns: 1 })
    await take(feed, 1)
    await feed.return()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a slow watcher queues no more than the turn itself', async () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    const feed = conversations.watch(id)
    const turn = conversations.tree.addTurn(id, { text: 'Count', models: [guide] })
    for (let read = 1; read <= 1000; read++) {
      conversations.live.setState(turn.chosenAnswerId, {
        kind: 'reading',
        readTokens: read,
        promptTokens: 1000,
      })
    }
    conversations.live.setState(turn.chosenAnswerId, { kind: 'writing' })
    for (let count = 1; count <= 1000; count++) conversations.live.append(turn.chosenAnswerId, `${count} `)
    conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' }, stats)
    const answerId = turn.chosenAnswerId
    const text = Array.from({ length: 1000 }, (_, index) => `${index + 1} `).join('')
    const [snapshot, begun, ...rest] = await take(feed, 4)
    expect(snapshot).toEqual({
      kind: 'snapshot',
      conversation: { ...conversations.get(id), turns: [turn], updatedAt: turn.createdAt },
    })
    expect(begun).toMatchObject({ kind: 'turn', turn: { id: turn.id, answers: [{ text: '' }] } })
    expect(rest).toEqual([
      { kind: 'text', turnId: turn.id, answerId, at: 0, text },
      { kind: 'turn', turn: conversations.turn(turn.id) },
    ])

    const again = conversations.tree.addAnswers(turn.id, [coder])
    for (let count = 0; count < 1000; count++) conversations.live.append(again.chosenAnswerId, 'x')
    expect(await take(feed, 2).then((all) => all.map(({ kind }) => kind))).toEqual(['turn', 'text'])
  })

  test('a further answer becomes the chosen one and the path is read through it', () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    const turnId = answered(conversations, id, 'One', 'first')
    const retried = conversations.tree.addAnswers(turnId, [coder])
    conversations.live.append(retried.chosenAnswerId, 'second')
    conversations.live.end(retried.chosenAnswerId, { kind: 'done', stopReason: 'end' })
    const next = conversations.tree.addTurn(id, { text: 'Two', models: [guide] })
    expect(conversations.turn(turnId).answers.map(({ modelName, text }) => [modelName, text])).toEqual([
      ['Guide', 'first'],
      ['Coder', 'second'],
    ])
    expect(messagesOf(conversations.pathTo(next.id))).toEqual([
      { role: 'user', text: 'One' },
      { role: 'assistant', text: 'second' },
      { role: 'user', text: 'Two' },
    ])
  })

  test('leaves empty answers out of what models read', () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    answered(conversations, id, 'One', '')
    answered(conversations, id, 'Two', 'Yes')
    const last = conversations.tree.addTurn(id, { text: 'Three', models: [guide] })
    expect(messagesOf(conversations.pathTo(last.id))).toEqual([
      { role: 'user', text: 'One\n\nTwo' },
      { role: 'assistant', text: 'Yes' },
      { role: 'user', text: 'Three' },
    ])
  })

  test('a full disk loses no text: it is written when there is room again', () => {
    vi.useFakeTimers()
    const defects: unknown[] = []
    const start = newDatabase()
    const conversations = start({ onDefect: (error) => defects.push(error) })
    const { id } = conversations.create()
    const turn = conversations.tree.addTurn(id, { text: 'Tell me a story', models: [guide] })
    const room = fillDisk(start.databases[0]!)
    conversations.live.append(turn.chosenAnswerId, 'Once upon a time '.repeat(10_000))
    conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' }, stats)
    const expected = conversations.get(id)
    expect(defects).toMatchObject([{ code: 'DISK_FULL' }])
    expect(expected.turns[0]?.answers[0]?.text).toHaveLength(170_000)
    expect(() => conversations.tree.addTurn(id, { text: 'x'.repeat(100_000), models: [guide] })).toThrow(
      'Cannot keep the conversation: the disk is full',
    )

    room.free()
    vi.advanceTimersByTime(5000)
    const { turns } = start().get(id)
    expect(turns).toEqual(expected.turns)
  })

  test('a deleted conversation takes its turns with it and takes no more text', () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    const turn = conversations.tree.addTurn(id, { text: 'One', models: [guide] })
    conversations.delete(id)
    conversations.live.append(turn.chosenAnswerId, 'late')
    conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
    conversations.live.flush()
    expect(() => conversations.get(id)).toThrow(`There is no conversation "${id}"`)
    expect(() => conversations.turn(turn.id)).toThrow(`There is no turn "${turn.id}"`)
    expect(conversations.list()).toEqual([])
  })

  test('tells watchers of the list what changed, at most ten times a second', async () => {
    vi.useFakeTimers()
    const conversations = openConversations()
    const { id: first } = conversations.create({ title: 'First' })
    const leave = new AbortController()
    const feed = conversations.watchList(leave.signal)
    expect(await feed.next()).toEqual({
      done: false,
      value: { kind: 'all', conversations: [conversations.list()[0]] },
    })
    const next = feed.next()
    for (let count = 0; count < 20; count++) conversations.create({ title: `Talk ${count}` })
    conversations.delete(first)
    vi.advanceTimersByTime(100)
    expect((await next).value).toEqual({
      kind: 'changes',
      changed: conversations.list().toReversed(),
      removedIds: [first],
    })
    // Nobody reads for a while: what waits is joined.
    const again = conversations.create({ title: 'Again' })
    vi.advanceTimersByTime(100)
    conversations.update(again.id, { isPinned: true })
    conversations.restore(first)
    vi.advanceTimersByTime(100)
    conversations.delete(first)
    vi.advanceTimersByTime(100)
    expect((await feed.next()).value).toEqual({
      kind: 'changes',
      changed: [{ ...conversations.list()[0], isPinned: true }],
      removedIds: [first],
    })
    const waiting = feed.next()
    leave.abort()
    expect(await waiting).toEqual({ done: true, value: undefined })
  })

  test('a deletion is taken back with all that was said, until it is purged', () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    const turn = conversations.tree.addTurn(id, { text: 'One', models: [guide] })
    conversations.live.append(turn.chosenAnswerId, 'so far')
    const other = conversations.create({ title: 'Other' })
    conversations.delete(id)
    expect(conversations.list().map(({ title }) => title)).toEqual(['Other'])
    expect(() => conversations.conversationOf(turn.id)).toThrow('There is no turn')
    expect(() => conversations.tree.addAnswers(turn.id, [guide])).toThrow('There is no turn')
    expect(() => conversations.update(id, { title: 'Late' })).toThrow('There is no conversation')
    expect(conversations.existing([id, other.id, 'nobody'])).toEqual([other.id])

    expect(conversations.restore(id).title).toBe('One')
    expect(conversations.get(id).turns[0]?.answers[0]?.text).toBe('so far')
    expect(conversations.restore(id).title).toBe('One')

    conversations.delete(id)
    expect(conversations.deletedIds(1000)).toEqual([])
    expect(conversations.deletedIds(0)).toEqual([id])
    conversations.purge(id)
    expect(() => conversations.restore(id)).toThrow(`There is no conversation "${id}"`)
  })

  test('a message brings an archived conversation back into the list, and it stays pinned', () => {
    const conversations = openConversations()
    const { id } = conversations.create()
    conversations.update(id, { isPinned: true, isArchived: true })
    expect(conversations.list()).toMatchObject([{ isPinned: true, isArchived: true }])
    conversations.update(id, { title: 'Named' })
    expect(conversations.list()).toMatchObject([{ title: 'Named', isPinned: true, isArchived: true }])
    answered(conversations, id, 'Back again', 'Yes')
    expect(conversations.list()).toMatchObject([{ isPinned: true, isArchived: false }])
  })
})
