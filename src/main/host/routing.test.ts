import { expect, test } from 'vitest'
import { AppError } from '../../contract/errors.ts'
import { newAutoTurns, roleOf, until } from './testing-auto.ts'

/** Labels are asked for in the order of the library: chat, math, code. */
const code = () => Promise.resolve([0.05, 0.05, 0.9])
const math = () => Promise.resolve([0.05, 0.9, 0.05])

test('the router reads the message and the model of the label answers; the router and who answers stay in memory', async () => {
  const asked: unknown[] = []
  const { turns, id, answers, kept, log } = newAutoTurns({
    judge: {
      choose: (messages, options) => {
        asked.push(messages.at(-1)?.text, options)
        return code()
      },
    },
  })
  await turns.ask({ conversationId: id, text: 'Please sort this list of numbers' })
  expect(asked).toEqual(['Please sort this list of numbers', ['chat', 'math', 'code']])
  expect(answers()).toMatchObject([
    {
      ...{ modelId: 'coder', modelName: 'Coder', text: 'Coder answers' },
      routing: { kind: 'routed', routerId: 'judge', routerName: 'Judge', label: 'code' },
    },
  ])
  expect(log).toEqual(['take judge', 'free judge', 'take coder', 'free coder'])
  expect(kept).toEqual([['guide', 'coder', 'judge'], ['judge']])
})

test('while the router is asked the answer says so, and can be stopped', async () => {
  const { turns, id, answers, log } = newAutoTurns({
    judge: {
      choose: (_messages, _options, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
    },
  })
  const turn = turns.send({
    conversationId: id,
    text: 'Please sort this list of numbers',
    modelId: 'guide',
    isAuto: true,
  })
  await until(() => log.length > 0)
  expect(answers()[0]).toMatchObject({
    modelId: 'guide',
    state: { kind: 'waiting', reason: '"Judge" is choosing who answers' },
  })
  turns.stop(turn.id)
  expect(answers()[0]?.state).toEqual({ kind: 'done', stopReason: 'stopped' })
  await turns[Symbol.asyncDispose]()
  expect(log).toEqual(['take judge', 'free judge'])
  expect(answers()[0]).not.toHaveProperty('routing')
})

test.each([
  [
    'takes too long',
    { choose: () => new Promise<number[]>(() => undefined) },
    '"Judge" took longer than 50 ms',
  ],
  [
    'dies',
    { choose: () => Promise.reject(new AppError('MODEL_CRASHED', 'The process of "Judge" was killed')) },
    '"Judge" could not sort the message (The process of "Judge" was killed)',
  ],
  [
    'cannot be had',
    { isResident: false, verdict: { kind: 'evicts' as const, leaving: [] } },
    'No model that sorts requests is in memory',
  ],
])('a router that %s leaves the turn to the current model', async (_what, judge, reason) => {
  const { turns, id, answers, set } = newAutoTurns({ judge })
  set({ routerLimitMs: 50 })
  await turns.ask({
    conversationId: id,
    text: 'Please sort this list of numbers',
    modelId: 'coder',
    isAuto: true,
  })
  expect(answers()[0]).toMatchObject({
    ...{ modelId: 'coder', text: 'Coder answers' },
    routing: { kind: 'fallback', reason: `${reason}: "Coder" answers`, labels: [], label: null },
  })
})

test('a configured router is loaded where it fits in, and nobody leaves for it', async () => {
  const judge = { isResident: false, choose: code }
  const { turns, id, answers, set, log, models } = newAutoTurns({ judge })
  set({ routerId: 'judge' })
  await turns.ask({ conversationId: id, text: 'Please sort this list of numbers' })
  expect([log[0], answers()[0]?.modelId]).toEqual(['load judge', 'coder'])
  models['judge']!.verdict = { kind: 'evicts', leaving: [{ modelId: 'guide', name: 'Guide', freesBytes: 1 }] }
  log.length = 0
  await turns.ask({ conversationId: id, text: 'Please sort this list of numbers' })
  expect(answers()[0]?.routing?.reason).toBe(
    '"Judge" is not in memory, and does not fit in beside the others: "Coder" answers',
  )
  expect(log[0]).toBe('take coder')
})

test('where nobody sorts the message the one who was named answers, else the model of the last answer', async () => {
  const { turns, id, answers } = newAutoTurns({ judge: { isResident: false } })
  await turns.ask({ conversationId: id, text: 'Hello', modelId: 'coder' })
  await turns.ask({ conversationId: id, text: 'Hello again to you' })
  expect(answers()[0]).toMatchObject({ modelId: 'coder', routing: { kind: 'fallback' } })
  await turns.ask({ conversationId: id, text: 'Hello again to you', modelId: 'guide', isAuto: true })
  expect(answers()[0]).toMatchObject({ modelId: 'guide', routing: { kind: 'fallback' } })
})

test('without labels, or with one, there is nothing to choose', async () => {
  const { turns, id, answers } = newAutoTurns({
    guide: { role: roleOf([]) },
    coder: { role: roleOf([]) },
  })
  await turns.ask({ conversationId: id, text: 'Hello', modelId: 'guide', isAuto: true })
  expect(answers()[0]?.routing?.reason).toBe('No model has a label: "Guide" answers')
  const { turns: others, id: other, answers: ofOther } = newAutoTurns({ guide: { role: roleOf([]) } })
  await others.ask({ conversationId: other, text: 'Hello', modelId: 'guide', isAuto: true })
  expect(ofOther()[0]?.routing?.reason).toBe('There is only one label, code: "Guide" answers')
})

test('a named model answers, with isAuto or without; else the conversation says', async () => {
  const { turns, id, answers, conversations } = newAutoTurns({ judge: { choose: code } })
  const ask = async (how: { modelId?: string; modelIds?: string[]; isAuto?: boolean }) => {
    await turns.ask({ conversationId: id, text: 'Please sort this list of numbers', ...how })
    return answers().map(({ modelId }) => modelId)
  }
  expect(await ask({ modelId: 'guide' })).toEqual(['guide'])
  expect(await ask({ modelIds: ['guide', 'judge'] })).toEqual(['guide', 'judge'])
  expect(await ask({ modelId: 'guide', isAuto: true })).toEqual(['coder'])
  expect(await ask({})).toEqual(['coder'])
  await expect(ask({ isAuto: false })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  conversations.setAsking(id, { isAuto: false })
  await expect(ask({})).rejects.toMatchObject({ code: 'BAD_INPUT' })
  await expect(ask({ modelId: 'none', isAuto: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a message that goes on stays with its model, and asking again is routed too', async () => {
  const { turns, id, answers, models } = newAutoTurns({ judge: { choose: code } })
  await turns.ask({ conversationId: id, text: 'Please sort this list of numbers' })
  models['judge']!.choose = math
  const turn = await turns.ask({ conversationId: id, text: 'and in Python?' })
  expect(answers()[0]).toMatchObject({ modelId: 'coder', routing: { kind: 'kept', label: 'code' } })
  turns.edit({ turnId: turn.id, text: 'What is seven times twelve then?' })
  await until(() => answers()[0]?.state.kind === 'done')
  expect(answers()[0]?.routing).toMatchObject({ kind: 'routed', label: 'math' })
})

test('an overruled choice is answered by the other model, noted, and learnt as the settings say', async () => {
  const { turns, id, answers, examples, learning } = newAutoTurns({ judge: { choose: code } })
  const text = 'Please sort this list of numbers'
  const turn = await turns.ask({ conversationId: id, text })
  const answerId = turn.answers[0]!.id
  expect(() => learning.remember(answerId)).toThrow('Auto was not overruled here')
  const overruled = turns.overrule({ answerId, modelId: 'guide', isRemembered: false })
  expect(overruled.answers).toMatchObject([
    { modelId: 'coder', routing: { overruledBy: { modelId: 'guide', name: 'Guide', isRemembered: false } } },
    { modelId: 'guide' },
  ])
  expect(overruled.chosenAnswerId).toBe(overruled.answers[1]?.id)
  expect(examples.list()).toEqual([])
  expect(learning.remember(answerId).answers[0]?.routing?.overruledBy?.isRemembered).toBe(true)
  // The first of Guide's labels that is likeliest: both are as likely.
  expect(examples.list()).toMatchObject([{ text, label: 'chat' }])
  await turns[Symbol.asyncDispose]()

  const never = newAutoTurns({ judge: { choose: code } })
  never.set({ learnsRouting: 'never' })
  const asked = await never.turns.ask({ conversationId: never.id, text })
  never.turns.overrule({ answerId: asked.answers[0]!.id, modelId: 'guide', isRemembered: true })
  expect(never.examples.list()).toEqual([])
  expect(() =>
    never.turns.overrule({ answerId: never.answers()[1]!.id, modelId: 'guide', isRemembered: true }),
  ).toThrow('it has not chosen who writes this answer')

  const always = newAutoTurns({ judge: { choose: code } })
  always.set({ learnsRouting: 'always' })
  const again = await always.turns.ask({ conversationId: always.id, text })
  always.turns.overrule({ answerId: again.answers[0]!.id, modelId: 'guide', isRemembered: false })
  await always.turns.ask({
    conversationId: always.conversations.create().id,
    text,
    isAuto: true,
    modelId: 'coder',
  })
  const other = always.conversations.list()[0]!.id
  expect(always.conversations.get(other).turns[0]?.answers[0]).toMatchObject({
    modelId: 'guide',
    routing: { label: 'chat' },
  })
  expect(answers()).toHaveLength(2)
})

test('an answer under way is overruled too', async () => {
  const begun = Promise.withResolvers<null>()
  const { turns, id, answers } = newAutoTurns({
    judge: { choose: code },
    coder: {
      write: (_messages, signal) => {
        begun.resolve(null)
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve('')))
      },
    },
  })
  const turn = turns.send({ conversationId: id, text: 'Please sort this list of numbers' })
  await begun.promise
  turns.overrule({ answerId: turn.answers[0]!.id, modelId: 'guide', isRemembered: false })
  await until(() => answers()[1]?.state.kind === 'done')
  expect(answers().map(({ modelId, text, state }) => [modelId, text, state.kind])).toEqual([
    ['coder', '', 'done'],
    ['guide', 'Guide answers', 'done'],
  ])
})
