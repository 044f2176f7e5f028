import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { Warming, type WarmPool } from './warming.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const quietMs = 1000

/** Warming over real conversations and a pool that the test plays: A to C are resident. */
function newWarming() {
  const database = openDatabase(':memory:')
  const conversations = new Conversations(database)
  const log: { modelId: string; conversationId: string; last: ChatMessage | undefined }[] = []
  const listeners = new Set<() => void>()
  const state = { isIdle: true, isOn: true, isInterrupted: false, holders: [] as string[] }
  const pool: WarmPool = {
    get isIdle() {
      return state.isIdle
    },
    onIdle: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    holdersOf: () => state.holders,
    isResident: (modelId) => ['a', 'b', 'c'].includes(modelId),
    warm: async (modelId, conversationId, { messages }) => {
      log.push({ modelId, conversationId, last: messages.at(-1) })
      return Promise.resolve(!state.isInterrupted)
    },
  }
  const onDefect = (error: unknown) => {
    throw error
  }
  const isOn = () => state.isOn
  const warming = new Warming({ pool, conversations, textOf: () => '', isOn, quietMs, onDefect })
  onTestFinished(async () => {
    await warming[Symbol.asyncDispose]()
    expect(listeners.size).toBe(0)
    conversations[Symbol.dispose]()
    database.close()
  })
  const say = (id: string, text: string, ...modelIds: string[]) => {
    const models = modelIds.map((modelId) => ({ id: modelId, name: modelId }))
    const turn = conversations.tree.addTurn(id, { text, models })
    for (const answer of turn.answers) {
      conversations.live.setState(answer.id, { kind: 'writing' })
      conversations.live.append(answer.id, `${answer.modelId} says ${text}`)
      conversations.live.end(answer.id, { kind: 'done', stopReason: 'end' })
    }
  }
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    return log.splice(0).map(({ modelId, last }) => `${modelId}: ${last?.role ?? ''} ${last?.text ?? ''}`)
  }
  const tellIdle = () => {
    for (const listener of listeners) listener()
  }
  return { conversations, warming, state, say, pass, tellIdle }
}

test('who has answered or holds something reads what was said last, the latest first; not who said it, nor who is not there', async () => {
  const { conversations, warming, state, say, pass } = newWarming()
  const { id } = conversations.create()
  for (const modelId of ['a', 'gone', 'b', 'a', 'b']) say(id, 'x', modelId)
  warming.want(id)
  expect(await pass(quietMs - 1)).toEqual([])
  expect(await pass(1)).toEqual(['a: assistant b says x'])
  state.holders = ['c', 'b']
  warming.want(id)
  expect(await pass(quietMs)).toEqual(['a: assistant b says x', 'c: assistant b says x'])
  expect(await pass(10 * quietMs)).toEqual([])
})

test('waits while others decode, and takes up what was interrupted once it is quiet again', async () => {
  const { conversations, warming, state, say, pass, tellIdle } = newWarming()
  const [one, two] = [conversations.create().id, conversations.create().id]
  for (const id of [one, two]) for (const modelId of ['a', 'b']) say(id, id === one ? '1' : '2', modelId)
  state.isIdle = false
  warming.want(one)
  warming.want(two)
  expect(await pass(10 * quietMs)).toEqual([])
  Object.assign(state, { isIdle: true, isInterrupted: true })
  tellIdle()
  expect(await pass(quietMs)).toEqual(['a: assistant b says 2'])
  state.isInterrupted = false
  tellIdle()
  // The one of the last answer first.
  expect(await pass(quietMs)).toEqual(['a: assistant b says 2', 'a: assistant b says 1'])
})

test('nothing is read where the next turn may follow something else, where it is off, or of what is gone', async () => {
  const { conversations, warming, state, say, pass } = newWarming()
  const { id } = conversations.create()
  say(id, 'x', 'c')
  say(id, 'x', 'a', 'b')
  warming.want(id)
  expect(await pass(quietMs)).toEqual([])
  const other = conversations.create().id
  say(other, 'x', 'a')
  say(other, 'x', 'b')
  state.isOn = false
  warming.want(other)
  expect(await pass(quietMs)).toEqual([])
  state.isOn = true
  warming.want(other)
  conversations.delete(other)
  expect(await pass(quietMs)).toEqual([])
})
