// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from 'vitest'
import { plainAsking } from '../contract/asking.ts'
import type { Answer, Conversation, Turn } from '../contract/conversation.ts'
import type { Client } from './connection.ts'
import { applyEvent, openConversation } from './open-conversation.ts'
import { sendTurn, setDraft } from './send-turn.ts'
import { useApp } from './store.ts'

const frames: (() => void)[] = []
vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback))

vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })

/** A frame that comes when text may be drawn again. */
function nextFrame(): void {
  vi.advanceTimersByTime(40)
  for (const callback of frames.splice(0)) callback()
}

function answer(id: string, text: string, state: Answer['state'] = { kind: 'writing' }): Answer {
  return { id, modelId: 'guide', modelName: 'Guide', text, state, stats: null, createdAt: 0 }
}

function turn(id: string, ...answers: readonly Answer[]): Turn {
  const chosenAnswerId = answers.at(-1)?.id ?? ''
  return {
    ...{ id, parentId: null, parentAnswerId: null, siblingIds: [id], text: `question ${id}` },
    ...{ answers: [...answers], chosenAnswerId, isUndecided: false, createdAt: 0 },
  }
}

function conversation(...turns: readonly Turn[]): Conversation {
  return {
    id: 'c',
    title: 'Test',
    createdAt: 0,
    updatedAt: 0,
    turnCount: turns.length,
    lastModelId: 'guide',
    isPinned: false,
    isArchived: false,
    ...plainAsking,
    turns: [...turns],
  }
}

function text(at: number, delta: string, answerId = 'a2') {
  return { kind: 'text', turnId: answerId.replace('a', 't'), answerId, at, text: delta } as const
}

async function* silence() {
  yield* []
}

function shown(): string[] {
  return (useApp.getState().conversation?.turns ?? []).flatMap(({ answers }) => answers.map((a) => a.text))
}

beforeEach(() => {
  frames.length = 0
  vi.advanceTimersByTime(1000)
  useApp.setState(useApp.getInitialState(), true)
  useApp.setState({ conversationId: 'c' })
  applyEvent({
    kind: 'snapshot',
    conversation: conversation(
      turn('t1', answer('a1', 'first', { kind: 'done', stopReason: 'end' })),
      turn('t2', answer('a2', '')),
    ),
  })
})

test('gathers the text of a frame and redraws only the answer that grows', () => {
  const before = useApp.getState().conversation
  applyEvent(text(0, 'Hel'))
  applyEvent(text(3, 'lo'))
  expect({ shown: shown(), frames: frames.length }).toEqual({ shown: ['first', ''], frames: 1 })
  nextFrame()
  const after = useApp.getState().conversation
  expect({ shown: shown(), firstKept: after?.turns[0] === before?.turns[0] }).toEqual({
    shown: ['first', 'Hello'],
    firstKept: true,
  })
})

test('puts waiting text in before a turn event and never repeats it', () => {
  applyEvent(text(0, 'Hello'))
  applyEvent({ kind: 'turn', turn: turn('t2', answer('a2', 'Hello wor')) })
  applyEvent(text(5, ' wor'))
  applyEvent(text(9, 'ld'))
  nextFrame()
  expect(shown()).toEqual(['first', 'Hello world'])
})

test('text that follows at once waits until text may be drawn again', () => {
  applyEvent(text(0, 'Hello'))
  nextFrame()
  applyEvent(text(5, ' world'))
  vi.advanceTimersByTime(39)
  expect({ shown: shown(), frames: frames.length }).toEqual({ shown: ['first', 'Hello'], frames: 0 })
  nextFrame()
  expect(shown()).toEqual(['first', 'Hello world'])
})

test('a delta that a later state already holds changes nothing', () => {
  applyEvent({ kind: 'turn', turn: turn('t2', answer('a2', 'Hello world')) })
  const before = useApp.getState().conversation
  applyEvent(text(0, 'Hello'))
  nextFrame()
  expect(useApp.getState().conversation).toBe(before)
})

test('a snapshot drops text that was on its way and later text goes on from it', () => {
  applyEvent(text(0, 'Hel'))
  applyEvent({ kind: 'snapshot', conversation: conversation(turn('t2', answer('a2', 'Hello'))) })
  applyEvent(text(3, 'lo, '))
  applyEvent(text(7, 'you'))
  nextFrame()
  expect(shown()).toEqual(['Hello, you'])
})

test('asks for a new snapshot when text is missing', () => {
  const watch = vi.fn(async () => silence())
  useApp.setState({ client: { conversations: { watch } } as unknown as Client })
  applyEvent(text(4, 'o'))
  nextFrame()
  expect({ shown: shown(), watched: watch.mock.calls.length }).toEqual({ shown: ['first', ''], watched: 1 })
})

test('earlier turns come in front of those that are there, once, and only where they belong', () => {
  const after = (id: string, parentId: string | null) => ({ ...turn(id, answer(`${id}a`, id)), parentId })
  applyEvent({ kind: 'snapshot', conversation: conversation(after('t5', 't4'), after('t6', 't5')) })
  const last = useApp.getState().conversation?.turns.at(-1)
  applyEvent({ kind: 'earlier', turns: [after('t3', 't2'), after('t4', 't3')] })
  applyEvent({ kind: 'earlier', turns: [after('t3', 't2'), after('t4', 't3')] })
  // Of a turn that is not here yet.
  applyEvent({ kind: 'turn', turn: { ...after('t2', 't1'), text: 'changed' } })
  applyEvent({ kind: 'earlier', turns: [after('t1', null), after('t2', 't1')] })
  expect(shown()).toEqual(['t1', 't2', 't3', 't4', 't5', 't6'])
  expect(useApp.getState().conversation?.turns.at(-1)).toBe(last)
})

test('a new title changes no turn', () => {
  const before = useApp.getState().conversation
  const summary = {
    ...{ id: 'c', title: 'New', createdAt: 0, updatedAt: 0, turnCount: 2, lastModelId: 'guide' },
    ...{ isPinned: false, isArchived: false },
  }
  applyEvent({ kind: 'summary', summary })
  const after = useApp.getState().conversation
  expect([after?.title, after?.turns === before?.turns]).toEqual(['New', true])
})

test('asks for the last turns first, but for all of the conversation that is read', () => {
  const watch = vi.fn(async () => silence())
  useApp.setState({ client: { conversations: { watch } } as unknown as Client })
  openConversation('c')
  openConversation('other')
  expect(watch.mock.calls.map(([input]: unknown[]) => input)).toEqual([
    { id: 'c' },
    { id: 'other', lastTurns: 40 },
  ])
})

test('a deleted conversation leaves an empty page', () => {
  applyEvent({ kind: 'deleted' })
  const { conversationId, conversation: open } = useApp.getState()
  expect({ conversationId, open }).toEqual({ conversationId: null, open: null })
})

test('takes up the model of the conversation that is opened, and keeps the choice in the one that is open', () => {
  useApp.setState({
    conversations: [{ ...conversation(), id: 'd', lastModelId: 'coder', isPinned: false, isArchived: false }],
    nextModelId: 'judge',
  })
  openConversation('d')
  const opened = useApp.getState().nextModelId
  useApp.setState({ nextModelId: 'guide' })
  openConversation('d')
  expect([opened, useApp.getState().nextModelId]).toEqual(['coder', 'guide'])
})

test('a draft moves into the conversation that sending makes, and is dropped once the host has the turn', async () => {
  const made = { ...conversation(), id: 'new' }
  const send = vi.fn(async () => turn('t9', answer('a9', '')))
  useApp.setState({
    conversationId: null,
    conversation: null,
    client: {
      conversations: { create: async () => made, watch: async () => silence() },
      turns: { send },
    } as unknown as Client,
  })
  setDraft('c', 'for later')
  setDraft(null, 'Hello')
  await sendTurn('Hello', 'guide')
  expect({
    sent: send.mock.calls,
    drafts: useApp.getState().drafts,
    open: useApp.getState().conversationId,
    turns: useApp.getState().conversation?.turns.map(({ id }) => id),
  }).toEqual({
    sent: [[{ conversationId: 'new', text: 'Hello', modelId: 'guide' }]],
    drafts: { c: 'for later' },
    open: 'new',
    turns: ['t9'],
  })
})

test('what is typed while a message is on its way is the next one', async () => {
  const sending = Promise.withResolvers<Turn>()
  const send = vi.fn(async () => sending.promise)
  useApp.setState({ client: { turns: { send } } as unknown as Client })
  setDraft('c', 'Hello')
  const sent = sendTurn('Hello', 'guide')
  expect(useApp.getState().drafts).toEqual({})
  setDraft('c', 'And then?')
  sending.resolve(turn('t9', answer('a9', '')))
  await sent
  expect(useApp.getState().drafts).toEqual({ c: 'And then?' })

  send.mockRejectedValueOnce(new Error('Cannot load "guide"'))
  const refused = sendTurn('And then?', 'guide')
  setDraft('c', 'What else?')
  await refused
  expect(useApp.getState().drafts).toEqual({ c: 'And then?\nWhat else?' })
})

test('a message that is refused stays in the box', async () => {
  const refused = vi.fn(async () => Promise.reject(new Error('Cannot load "coder"')))
  useApp.setState({ client: { turns: { send: refused } } as unknown as Client })
  setDraft('c', 'Hello')
  await sendTurn('Hello', 'coder')
  expect({
    drafts: useApp.getState().drafts,
    notices: useApp.getState().notices.map(({ problem }) => problem.message),
  }).toEqual({ drafts: { c: 'Hello' }, notices: ['Cannot load "coder"'] })
})
