import { expect, test } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import { Conversations } from './conversations.ts'
import { newAutoTurns, roleOf, until, type FakeModel } from './testing-auto.ts'

const text = 'Please sort this list of numbers'

/** A judge who sends everything to Coder, and fails answers by what `fails` says of what it reads. */
function judge(fails: (read: string) => boolean, changes: Partial<FakeModel> = {}): Partial<FakeModel> {
  return {
    choose: (messages, options) => {
      if (options.length !== 2) return Promise.resolve([0.05, 0.05, 0.9])
      return Promise.resolve(fails(messages.at(-1)?.text ?? '') ? [0.2, 0.8] : [0.9, 0.1])
    },
    write: (messages) =>
      Promise.resolve(messages.at(-1)?.text === 'FAIL:' ? ' it is wrong. No?' : ' it is right.'),
    ...changes,
  }
}

/** A coder who answers wrong once, and what it has read each time. */
function forgetful(read: (readonly ChatMessage[])[] = []): Partial<FakeModel> {
  return {
    write: (messages) => {
      read.push(messages)
      return Promise.resolve(read.length === 1 ? 'Wrong' : 'Right')
    },
  }
}

test('an answer that fails is repaired once by its model, which reads why; both stay, and the repair is shown', async () => {
  const read: (readonly ChatMessage[])[] = []
  const { turns, id, kept } = newAutoTurns({
    judge: judge((answer) => answer.endsWith('Wrong')),
    coder: forgetful(read),
  })
  const turn = await turns.ask({ conversationId: id, text, isVerified: true })
  const [wrong, right] = turn.answers
  expect(turn).toMatchObject({
    chosenAnswerId: right?.id,
    answers: [
      {
        ...{ modelId: 'coder', text: 'Wrong' },
        verification: {
          ...{ verifierId: 'judge', verifierName: 'Judge', repairAnswerId: right?.id },
          outcome: { kind: 'fail', passProbability: 0.2, reason: 'It is wrong' },
        },
      },
      {
        ...{ modelId: 'coder', text: 'Right', repairsAnswerId: wrong?.id },
        verification: { outcome: { kind: 'pass', passProbability: 0.9, reason: 'It is right' } },
      },
    ],
  })
  expect(read[1]).toEqual([
    { role: 'user', text },
    { role: 'assistant', text: 'Wrong' },
    { role: 'user', text: `That answer has failed a check: It is wrong. Answer again.\n\n${text}` },
  ])
  // Router, specialist, verifier, specialist, verifier.
  expect(kept).toEqual([['guide', 'coder', 'judge'], ['judge'], ['coder'], ['judge'], ['coder']])

  // The next turn knows nothing of it.
  await turns.ask({ conversationId: id, text: 'and in Python?' })
  expect(read[2]).toEqual([
    { role: 'user', text },
    { role: 'assistant', text: 'Right' },
    { role: 'user', text: 'and in Python?' },
  ])
})

test('a repair that fails as well is not repaired again', async () => {
  const { turns, id } = newAutoTurns({ judge: judge(() => true) })
  const { answers } = await turns.ask({ conversationId: id, text, isVerified: true })
  expect(answers.map(({ verification }) => verification?.outcome.kind)).toEqual(['fail', 'fail'])
})

test('another model repairs where the settings say so', async () => {
  const { turns, id, set } = newAutoTurns({ judge: judge((answer) => answer.includes('Coder')) })
  set({ repairerId: 'guide', verifiesAnswers: true })
  const { answers } = await turns.ask({ conversationId: id, text })
  expect(answers.map(({ modelId }) => modelId)).toEqual(['coder', 'guide'])
})

test('nothing is checked that is not to be, that was stopped or that failed', async () => {
  let isWriting = false
  const { turns, id, set, conversations, answers } = newAutoTurns({
    judge: judge(() => true),
    coder: {
      write: (_messages, signal) => {
        isWriting = true
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve('so far')))
      },
    },
  })
  set({ verifiesAnswers: true })
  const turn = turns.send({ conversationId: id, text })
  await until(() => isWriting)
  turns.stop(turn.id)
  await until(() => answers()[0]?.state.kind === 'done')
  expect(answers().map(({ verification }) => verification)).toEqual([undefined])
  conversations.setAsking(id, { isVerified: false })
  const { answers: plain } = await turns.ask({ conversationId: id, text: 'Hello', modelId: 'guide' })
  expect(plain[0]).not.toHaveProperty('verification')
  expect(
    (await turns.ask({ conversationId: id, text: 'Hi', modelId: 'guide', isVerified: true })).answers,
  ).toHaveLength(2)
})

test.each([
  [
    'dies',
    { choose: () => Promise.reject(new AppError('MODEL_CRASHED', 'The process of "Judge" was killed')) },
    { code: 'MODEL_CRASHED', message: 'The process of "Judge" was killed' },
  ],
  [
    'does not fit in',
    {
      acquire: () =>
        Promise.reject(
          new AppError('NO_ROOM', 'Cannot load "Judge": needs 9.00 GB, 1.00 GB is free', {
            details: { help: 'Less' },
          }),
        ),
    },
    {
      code: 'NO_ROOM',
      message:
        'Cannot check the answer: "Judge" does not fit in beside the models of this turn, which stay in memory: it needs 9.00 GB, 1.00 GB is free',
      details: { help: 'Less' },
    },
  ],
  [
    'is not there',
    { role: roleOf([]) },
    { code: 'NOT_FOUND', message: 'Cannot check the answer: no model verifies' },
  ],
])('where the verifier %s nobody knows, and the answer stays', async (_what, changes, problem) => {
  const { turns, id } = newAutoTurns({ judge: judge(() => true, changes) })
  const turn = await turns.ask({ conversationId: id, text, modelId: 'coder', isVerified: true })
  expect(turn.answers).toMatchObject([
    { text: 'Coder answers', verification: { outcome: { kind: 'unknown', problem } } },
  ])
})

test('an answer is checked on request, while that can be seen and stopped', async () => {
  const { turns, id, answers, database } = newAutoTurns({
    judge: {
      choose: (_messages, _options, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
    },
  })
  const {
    answers: [asked],
  } = await turns.ask({ conversationId: id, text, modelId: 'coder' })
  const turn = turns.check(asked!.id)
  expect(turn.answers[0]?.verification).toEqual({
    ...{ verifierId: 'judge', verifierName: 'Judge' },
    outcome: { kind: 'checking', waitsFor: null },
  })
  expect(() => turns.check(asked!.id)).toThrow('it is being checked')
  // Who looks meanwhile from another run of the app finds that it was broken off.
  const after = new Conversations(database)
  expect(after.turn(turn.id).answers[0]?.verification?.outcome.kind).toBe('unknown')
  after[Symbol.dispose]()
  turns.stop(turn.id)
  const outcome = () => answers()[0]?.verification?.outcome
  await until(() => JSON.stringify(outcome()).includes('The check was stopped'))
  expect(outcome()?.kind).toBe('unknown')
})

test('a planted answer fails and is repaired; what was said of another text is gone', async () => {
  const { turns, id, answers, conversations } = newAutoTurns({
    judge: judge((answer) => answer.endsWith('Planted')),
  })
  const {
    answers: [asked],
    id: turnId,
  } = await turns.ask({ conversationId: id, text, modelId: 'coder', isVerified: true })
  expect(asked?.verification?.outcome.kind).toBe('pass')
  expect(turns.editAnswer(asked!.id, 'Planted').answers[0]).not.toHaveProperty('verification')
  turns.check(asked!.id)
  await until(() => answers()[1]?.verification?.outcome.kind === 'pass')
  expect(answers().map(({ text, verification }) => [text, verification?.outcome.kind])).toEqual([
    ['Planted', 'fail'],
    ['Coder answers', 'pass'],
  ])
  // A conversation that has gone on is left as it is.
  await turns.ask({ conversationId: id, text: 'Thanks', modelId: 'guide' })
  turns.editAnswer(asked!.id, 'Planted')
  turns.check(asked!.id)
  const failed = () => conversations.turn(turnId).answers[0]?.verification?.outcome.kind === 'fail'
  await until(failed)
  expect(answers()[0]?.modelId).toBe('guide')
  expect(() => turns.check('none')).toThrow('There is no answer "none"')
})
