import { expect, onTestFinished, test } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import type { AnswerState } from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { Turns, type AcquireForTurn, type TurnPool } from './turns.ts'

const done: GenerateEvent = {
  kind: 'done',
  stopReason: 'end',
  promptTokens: 12,
  reusedTokens: 0,
  generatedTokens: 2,
  timeToFirstTokenMs: 5,
  tokensPerSecond: 100,
  usedTokens: 14,
}

/** One request for a model, which the test answers step by step. */
class Request {
  readonly modelId: string
  readonly signal: AbortSignal
  readonly onWait: (reason: string) => void
  readonly isBackground: boolean
  readonly #granted = Promise.withResolvers<null>()
  /** "end" ends the events, other words are text. */
  readonly #events: (GenerateEvent | Error | string)[] = []
  #arrival = Promise.withResolvers<null>()
  messages: readonly ChatMessage[] = []
  isReleased = false

  constructor(modelId: string, options: AcquireForTurn) {
    this.modelId = modelId
    this.isBackground = options.isBackground
    this.signal = options.signal
    this.onWait = options.onWait
    this.signal.addEventListener('abort', () => this.#granted.reject(this.signal.reason as Error))
  }

  get granted(): Promise<null> {
    return this.#granted.promise
  }

  /** Gives the model. */
  async grant(): Promise<void> {
    this.#granted.resolve(null)
    await settled()
  }

  async refuse(error: Error): Promise<void> {
    this.#granted.reject(error)
    await settled()
  }

  /** Lets the model say something, fail, or end. */
  async say(...events: (GenerateEvent | Error | string)[]): Promise<void> {
    this.#events.push(...events)
    this.#arrival.resolve(null)
    await settled()
  }

  async *generate(messages: readonly ChatMessage[]): AsyncGenerator<GenerateEvent, void, void> {
    this.messages = messages
    for (;;) {
      const event = this.#events.shift()
      if (event === 'end') return
      if (event instanceof Error) throw event
      if (typeof event === 'string') yield { kind: 'text', text: event, generatedTokens: 1 }
      else if (event) yield event
      else {
        await this.#arrival.promise
        this.#arrival = Promise.withResolvers()
      }
    }
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Turns over a real database and a pool that the test plays. */
function newTurns() {
  const database = openDatabase(':memory:')
  const conversations = new Conversations(database)
  const requests: Request[] = []
  const forgotten: string[] = []
  const residents = new Set<string>()
  const pool: TurnPool = {
    model(modelId) {
      if (modelId === 'none') throw new AppError('NOT_FOUND', 'There is no model "none"')
      return { id: modelId, name: modelId.toUpperCase() }
    },
    isResident: (modelId) => residents.has(modelId),
    async acquire(modelId, options) {
      const request = new Request(modelId, options)
      requests.push(request)
      await request.granted
      return {
        generate: (_conversationId, messages) => request.generate(messages),
        [Symbol.dispose]: () => {
          request.isReleased = true
        },
      }
    },
    forget: (conversationId) => forgotten.push(conversationId),
  }
  const onDefect = (error: unknown) => {
    throw error
  }
  const turns = new Turns({ conversations, pool, slides: () => true, onDefect })
  onTestFinished(() => {
    conversations[Symbol.dispose]()
    database.close()
  })
  const { id } = conversations.create()
  const answers = () =>
    conversations.get(id).turns.map((turn) => turn.answers.map(({ text, state }) => [text, state]))
  return { conversations, turns, requests, residents, forgotten, id, answers }
}

const stopped: AnswerState = { kind: 'done', stopReason: 'stopped' }
const ended: AnswerState = { kind: 'done', stopReason: 'end' }

test('shows why an answer waits, then reads, writes and ends with its figures', async () => {
  const { turns, requests, id, answers, conversations } = newTurns()
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  expect(answers()).toEqual([[['', { kind: 'waiting', reason: 'Waiting for "GUIDE"' }]]])
  requests[0]!.onWait('Loading "GUIDE": 1 MB of 4 MB')
  expect(answers()).toEqual([[['', { kind: 'waiting', reason: 'Loading "GUIDE": 1 MB of 4 MB' }]]])
  await requests[0]!.grant()
  await requests[0]!.say({ kind: 'reading', promptTokens: 12, reusedTokens: 0, readTokens: 6 })
  expect(answers()).toEqual([[['', { kind: 'reading', promptTokens: 12, readTokens: 6 }]]])
  await requests[0]!.say('Hi ', 'you')
  expect(answers()).toEqual([[['Hi you', { kind: 'writing' }]]])
  await requests[0]!.say(done, 'end')
  expect(answers()).toEqual([[['Hi you', ended]]])
  expect(conversations.get(id).turns[0]?.answers[0]?.stats).toEqual({
    promptTokens: 12,
    reusedTokens: 0,
    generatedTokens: 2,
    timeToFirstTokenMs: 5,
    tokensPerSecond: 100,
  })
  expect(requests[0]!.isReleased).toBe(true)
})

test('an answer may be empty, and the next model does not read it', async () => {
  const { turns, requests, id, answers } = newTurns()
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[0]!.grant()
  await requests[0]!.say(done, 'end')
  turns.send({ conversationId: id, text: 'Anybody?', modelId: 'coder' })
  await settled()
  await requests[1]!.grant()
  expect(requests[1]!.messages).toEqual([{ role: 'user', text: 'Hello\n\nAnybody?' }])
  await requests[1]!.say(done, 'end')
  expect(answers()).toEqual([[['', ended]], [['', ended]]])
})

test('stops at once while the model loads, and frees it', async () => {
  const { turns, requests, id, answers } = newTurns()
  const turn = turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  turns.stop(turn.id)
  expect(answers()).toEqual([[['', stopped]]])
  expect(requests[0]!.signal.aborted).toBe(true)
  await settled()
  turns.stop(turn.id)
  turns.send({ conversationId: id, text: 'Again', modelId: 'guide' })
  await settled()
  expect(requests).toHaveLength(2)
})

test('the next turn waits until a stopped answer has left its model', async () => {
  const { turns, requests, id, answers, conversations } = newTurns()
  const turn = turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[0]!.grant()
  await requests[0]!.say('One ')
  turns.stop(turn.id)
  turns.send({ conversationId: id, text: 'Again', modelId: 'guide' })
  await settled()
  expect(requests).toHaveLength(1)
  await requests[0]!.say('two ', { ...done, stopReason: 'stopped' }, 'end')
  expect(requests).toHaveLength(2)
  // What came after the stop is not shown; what it cost is.
  expect(answers()[0]).toEqual([['One ', stopped]])
  expect(conversations.get(id).turns[0]?.answers[0]?.stats?.promptTokens).toBe(12)
})

test('one answer at a time in a conversation, as many as there are conversations', async () => {
  const { turns, requests, id, conversations } = newTurns()
  const turn = turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  const send = () => turns.send({ conversationId: id, text: 'And?', modelId: 'coder' })
  expect(send).toThrow('Cannot send to "Hello": "GUIDE" is still answering in it')
  expect(() => turns.retry({ turnId: turn.id, modelId: 'coder' })).toThrow('still answering')
  const other = conversations.create()
  turns.send({ conversationId: other.id, text: 'Hello', modelId: 'guide' })
  await settled()
  expect(requests).toHaveLength(2)
  expect(conversations.get(id).turns).toHaveLength(1)
})

test.each([
  [new AppError('NO_ROOM', 'Cannot load "GUIDE": needs 2 GB, 1 GB is free', { details: { remedies: [] } })],
  [new AppError('MODEL_CRASHED', 'The process of "GUIDE" ended by itself: signal "SIGKILL"')],
])('an answer that cannot go on says why: %s', async (error) => {
  const { turns, requests, id, answers } = newTurns()
  const problem = { code: error.code, message: error.message, details: error.details }
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[0]!.refuse(error)
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[1]!.grant()
  await requests[1]!.say('One ', error)
  expect(answers()).toEqual([
    [['', { kind: 'interrupted', problem }]],
    [['One ', { kind: 'interrupted', problem }]],
  ])
  expect(requests[1]!.isReleased).toBe(true)
})

test('a model that ends without an end is not taken for done', async () => {
  const { turns, requests, id, answers } = newTurns()
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[0]!.grant()
  await requests[0]!.say('One ', 'end')
  expect(answers()).toMatchObject([[['One ', { kind: 'interrupted', problem: { code: 'MODEL_FAILED' } }]]])
})

test('nothing is recorded for a model or a conversation that does not exist', () => {
  const { turns, id, answers } = newTurns()
  expect(() => turns.send({ conversationId: id, text: 'Hello', modelId: 'none' })).toThrow('no model "none"')
  expect(() => turns.send({ conversationId: 'x', text: 'Hello', modelId: 'guide' })).toThrow(
    'no conversation',
  )
  expect(() => turns.retry({ turnId: 'x', modelId: 'guide' })).toThrow('There is no turn "x"')
  expect(() => turns.stop('x')).toThrow('There is no turn "x"')
  expect(() => turns.deleteConversation('x')).toThrow('There is no conversation "x"')
  expect(answers()).toEqual([])
})

test('a caller that leaves stops the answer it asked for', async () => {
  const { turns, requests, id, answers } = newTurns()
  const leave = new AbortController()
  const asking = turns.ask({ conversationId: id, text: 'Hello', modelId: 'guide' }, leave.signal)
  await settled()
  await requests[0]!.grant()
  await requests[0]!.say('One ')
  leave.abort()
  await requests[0]!.say({ ...done, stopReason: 'stopped' }, 'end')
  expect((await asking).answers[0]?.text).toBe('One ')
  expect(answers()).toEqual([[['One ', stopped]]])

  const events = turns.askStreaming({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[1]!.grant()
  await requests[1]!.say('Two ')
  await events.return?.()
  expect(answers()[1]).toEqual([['Two ', stopped]])
})

test('models forget a deleted conversation once its answer has left them', async () => {
  const { turns, requests, id, forgotten } = newTurns()
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[0]!.grant()
  turns.deleteConversation(id)
  await settled()
  expect(forgotten).toEqual([])
  await requests[0]!.say(done, 'end')
  expect(forgotten).toEqual([id])
})

test('closing stops what is under way and takes nothing more', async () => {
  const { turns, requests, id, answers } = newTurns()
  turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })
  await settled()
  await requests[0]!.grant()
  await requests[0]!.say('One ')
  const closing = turns[Symbol.asyncDispose]()
  expect(answers()).toEqual([[['One ', stopped]]])
  expect(() => turns.send({ conversationId: id, text: 'Hello', modelId: 'guide' })).toThrow(
    'the app is ending',
  )
  await requests[0]!.say(done, 'end')
  await closing
})

test('asks for a model in the background when nobody waits for the answer', async () => {
  const { turns, requests, id } = newTurns()
  const asking = turns.ask({ conversationId: id, text: 'Later', modelId: 'a', background: true })
  await settled()
  await requests[0]?.grant()
  await requests[0]?.say(done, 'end')
  turns.send({ conversationId: id, text: 'Now', modelId: 'a' })
  expect((await asking).answers[0]?.state).toEqual(ended)
  await settled()
  expect(requests.map(({ isBackground }) => isBackground)).toEqual([true, false])
  await requests[1]?.grant()
  await requests[1]?.say(done, 'end')
})
