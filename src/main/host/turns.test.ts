import { describe, expect, onTestFinished, test } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import type { AnswerState } from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import type { AcquireForTurn, TurnPool } from './turn-pool.ts'
import { Turns } from './turns.ts'

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
        choose: async () => Promise.reject(new Error('Turns do not choose')),
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

describe('several models at once', () => {
  test('each answers by itself; one that fails and one that is stopped disturb nobody', async () => {
    const { turns, requests, id, conversations } = newTurns()
    const turn = turns.send({ conversationId: id, text: 'Who?', modelIds: ['a', 'b', 'c', 'a'] })
    expect(turn.answers.map(({ modelId }) => modelId)).toEqual(['a', 'b', 'c'])
    await settled()
    for (const request of requests) await request.grant()
    await requests[0]!.say('One')
    await requests[1]!.say(new AppError('MODEL_CRASHED', 'The process of "B" ended'))
    turns.stop(turn.id, { answerId: turn.answers[2]!.id })
    expect(() => turns.send({ conversationId: id, text: 'Next', modelId: 'b' })).toThrow('still answering')
    await requests[0]!.say(done, 'end')
    const ends = conversations.turn(turn.id).answers.map(({ text, state }) => [text, state.kind])
    expect(ends).toEqual([
      ['One', 'done'],
      ['', 'interrupted'],
      ['', 'done'],
    ])
    expect(conversations.turn(turn.id)).toMatchObject({
      isUndecided: true,
      chosenAnswerId: turn.answers[0]!.id,
    })
    await requests[2]!.say({ ...done, stopReason: 'stopped' }, 'end')
    expect(requests.every(({ isReleased }) => isReleased)).toBe(true)
  })

  test('one whose context is too short for the message fails by itself; the others answer', async () => {
    const { turns, requests, id, conversations } = newTurns()
    const turn = turns.send({ conversationId: id, text: 'A book', modelIds: ['a', 'b'] })
    await settled()
    for (const request of requests) await request.grant()
    const full = new AppError('CONTEXT_FULL', 'Cannot read the conversation: it needs 9,000 tokens', {
      details: { neededTokens: 9000, contextTokens: 1024 },
    })
    await requests[0]!.say(full)
    await requests[1]!.say('Read', done, 'end')
    const { answers, chosenAnswerId } = conversations.turn(turn.id)
    expect(answers.map(({ text, state }) => [text, state])).toEqual([
      [
        '',
        {
          kind: 'interrupted',
          problem: { code: 'CONTEXT_FULL', message: full.message, details: full.details },
        },
      ],
      ['Read', ended],
    ])
    expect(chosenAnswerId).toBe(answers[1]!.id)
    expect(requests.every(({ isReleased }) => isReleased)).toBe(true)
    // The conversation goes on from the one that could.
    turns.send({ conversationId: id, text: 'And?', modelId: 'b' })
    await settled()
    await requests[2]!.grant()
    expect(requests[2]!.messages.map(({ text }) => text)).toEqual(['A book', 'Read', 'And?'])
    await requests[2]!.say(done, 'end')
  })

  test('those in memory take their models before others load', async () => {
    const { turns, requests, residents, id } = newTurns()
    residents.add('c')
    turns.send({ conversationId: id, text: 'Who?', modelIds: ['a', 'b', 'c'] })
    await settled()
    expect(requests.map(({ modelId }) => modelId)).toEqual(['c'])
    await requests[0]!.grant()
    expect(requests.map(({ modelId }) => modelId)).toEqual(['c', 'a', 'b'])
  })

  test('a resident that cannot be taken holds nobody up', async () => {
    const { turns, requests, residents, id } = newTurns()
    residents.add('a')
    turns.send({ conversationId: id, text: 'Who?', modelIds: ['a', 'b'] })
    await settled()
    await requests[0]!.refuse(new AppError('MODEL_FAILED', '"A" was taken out of memory'))
    expect(requests.map(({ modelId }) => modelId)).toEqual(['a', 'b'])
  })

  test('one is kept while the others still write; asking waits for all', async () => {
    const { turns, requests, id, conversations } = newTurns()
    const asking = turns.ask({ conversationId: id, text: 'Who?', modelIds: ['a', 'b'] })
    await settled()
    for (const request of requests) await request.grant()
    await requests[0]!.say('One')
    const [turn] = conversations.get(id).turns
    turns.show(turn!.id, turn!.answers[1]!.id)
    await requests[0]!.say(done, 'end')
    expect(conversations.turn(turn!.id)).toMatchObject({
      chosenAnswerId: turn!.answers[1]!.id,
      isUndecided: false,
    })
    await requests[1]!.say('Two', done, 'end')
    expect((await asking).answers.map(({ text }) => text)).toEqual(['One', 'Two'])
  })

  test('deleting the conversation and closing end all of them', async () => {
    const { turns, requests, id, forgotten } = newTurns()
    turns.send({ conversationId: id, text: 'Who?', modelIds: ['a', 'b'] })
    await settled()
    for (const request of requests) await request.grant()
    turns.deleteConversation(id)
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, true])
    await requests[0]!.say(done, 'end')
    expect(forgotten).toEqual([])
    await requests[1]!.say(done, 'end')
    expect(forgotten).toEqual([id])
    await turns[Symbol.asyncDispose]()
  })
})

describe('versions', () => {
  test('an answer that was cut goes on in its place, and what it has cost adds up', async () => {
    const { turns, requests, id, answers, conversations } = newTurns()
    const turn = turns.send({ conversationId: id, text: 'Count', modelId: 'a' })
    await settled()
    await requests[0]!.grant()
    await requests[0]!.say('One, ', { ...done, stopReason: 'max-tokens' }, 'end')
    turns.continue(turn.chosenAnswerId)
    await settled()
    expect(answers()).toEqual([[['One, ', { kind: 'waiting', reason: 'Waiting for "A"' }]]])
    await requests[1]!.grant()
    expect(requests[1]!.messages).toEqual([
      { role: 'user', text: 'Count' },
      { role: 'assistant', text: 'One, ' },
    ])
    await requests[1]!.say('two', done, 'end')
    expect(answers()).toEqual([[['One, two', ended]]])
    expect(conversations.turn(turn.id).answers[0]?.stats).toMatchObject({
      promptTokens: 12,
      generatedTokens: 4,
    })
    expect(() => turns.continue(turn.chosenAnswerId)).toThrow('it has come to its end')
  })

  test('a message that is edited is answered on the path before it, and models read that path', async () => {
    const { turns, requests, id, conversations } = newTurns()
    const texts = ['One', 'Two']
    for (const [index, text] of texts.entries()) {
      turns.send({ conversationId: id, text, modelId: 'a' })
      await settled()
      await requests[index]!.grant()
      await requests[index]!.say(`${text}!`, done, 'end')
    }
    const [, last] = conversations.get(id).turns
    const second = turns.edit({ turnId: last!.id, text: 'Zwei', modelId: 'b' })
    await settled()
    await requests[2]!.grant()
    expect(requests[2]!.messages.map(({ text }) => text)).toEqual(['One', 'One!', 'Zwei'])
    for (const act of [
      () => turns.show(second.siblingIds[0]!),
      () => turns.deleteTurn(second.id),
      () => turns.branch(second.id),
      () => turns.retry({ turnId: second.id, modelId: 'a' }),
      () => turns.editAnswer(second.chosenAnswerId, 'mine'),
    ])
      expect(act).toThrow('"B" is still answering in it')
    await requests[2]!.say('Drei', done, 'end')
    turns.deleteTurn(second.id)
    turns.restoreTurn(second.id)
    expect(() => turns.send({ conversationId: id, text: 'Nobody', modelIds: [] })).toThrow(
      'no model is named',
    )
  })
})

test('an answer that had begun to repeat itself says what, and can go on; one that came to a stop text has ended', async () => {
  const { turns, requests, id, answers } = newTurns()
  const turn = turns.send({ conversationId: id, modelId: 'a', text: 'Hello' })
  await settled()
  await requests[0]!.grant()
  await requests[0]!.say('and and and ', { ...done, stopReason: 'repetition', repeated: 'and' }, 'end')
  const repeated = { kind: 'done', stopReason: 'repetition', repeated: 'and' }
  expect(answers()).toEqual([[['and and and ', repeated]]])
  turns.continue(turn.chosenAnswerId)
  await settled()
  await requests[1]!.grant()
  await requests[1]!.say('then', { ...done, stopReason: 'stop-text' }, 'end')
  expect(answers()).toEqual([[['and and and then', { kind: 'done', stopReason: 'stop-text' }]]])
  expect(() => turns.continue(turn.chosenAnswerId)).toThrow('it has come to its end')
})
