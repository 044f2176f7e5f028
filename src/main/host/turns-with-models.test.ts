import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MB } from '../../contract/bytes.ts'
import type { Answer, Turn } from '../../contract/conversation.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import type { HostOptions } from './host.ts'
import { startTestHost } from './testing-host.ts'

const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'
const judge = 'demo-judge-2.2m-q8_0'
const models = [guide, coder, judge]

/** A host with the demo models, all of them in memory where the pool is large enough. */
async function startHost(options: Partial<HostOptions> = {}) {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-turns-'))
  const { host, client } = await startTestHost(dataFolder, options)
  onTestFinished(async () => {
    await host[Symbol.asyncDispose]()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  const untilPool = async (holds: (pool: PoolSnapshot) => boolean) => {
    for await (const pool of await client.pool.watch()) if (holds(pool)) return pool
    throw new Error('The pool is no longer watched')
  }
  return {
    client,
    untilPool,
    untilReady: (count: number) =>
      untilPool(({ residents }) => residents.filter(({ state }) => state === 'ready').length === count),
    ask: async (id: string, text: string, ...modelIds: string[]) =>
      (await client.turns.ask({ id, text, modelIds })) as Turn,
    untilEnded: async (conversationId: string, answerId: string): Promise<Answer> => {
      for await (const event of await client.conversations.watch({ id: conversationId })) {
        const turns =
          event.kind === 'turn' ? [event.turn] : event.kind === 'snapshot' ? event.conversation.turns : []
        const answer = turns.flatMap(({ answers }) => answers).find(({ id }) => id === answerId)
        if (answer?.state.kind === 'done' || answer?.state.kind === 'interrupted') return answer
      }
      throw new Error('The conversation is no longer watched')
    },
  }
}

test('three models answer one turn; the next goes on from the one that is kept, and each reads only what is new', async () => {
  const { client, ask, untilReady } = await startHost({ poolSizeBytes: 1024 * MB, reserveBytes: 64 * MB })
  await untilReady(3)
  expect(await client.turns.plan({ modelIds: models })).toMatchObject({
    models: models.map((modelId) => ({ modelId, kind: 'resident', round: 0 })),
    rounds: 1,
    leaving: [],
  })
  const { id } = await client.conversations.create({})
  const turn = await ask(id, 'My name is Nora.', ...models)
  expect(turn.answers.map(({ state }) => state)).toEqual(
    models.map(() => ({ kind: 'done', stopReason: 'end' })),
  )
  expect(turn).toMatchObject({ isUndecided: true })
  await client.turns.show({ turnId: turn.id, answerId: turn.answers[0]!.id })
  const next = await ask(id, 'What is my name?', guide, coder)
  expect(next.answers[0]?.text).toContain('Nora')
  // Guide wrote the answer that was kept; Coder has read the message only.
  expect(next.answers[0]?.stats?.reusedTokens).toBeGreaterThan(turn.answers[0]!.stats!.promptTokens)
  expect(next.answers[1]?.stats?.reusedTokens).toBeGreaterThan(0)

  // One whose process is killed in mid-answer, and what is left of it.
  const { residents } = await client.pool.get()
  const asking = client.turns.send({
    conversationId: id,
    text: 'What is a KV cache?',
    modelIds: [guide, judge],
  })
  process.kill(residents.find(({ modelId }) => modelId === judge)!.processId!, 'SIGKILL')
  const { answers, id: turnId } = await asking
  for (const answer of answers)
    for await (const event of await client.conversations.watch({ id })) {
      const now =
        event.kind === 'snapshot'
          ? event.conversation.turns.at(-1)!
          : event.kind === 'turn'
            ? event.turn
            : null
      const state = now?.answers.find((each) => each.id === answer.id)?.state.kind
      if (state === 'done' || state === 'interrupted') break
    }
  const last = (await client.conversations.get({ id })).turns.find((each) => each.id === turnId)!
  expect(last.answers[0]?.state).toEqual({ kind: 'done', stopReason: 'end' })
  expect(last.chosenAnswerId).toBe(last.answers[0]!.id)
})

test('an attachment too long for one of the models fails that answer alone', async () => {
  const { client, untilReady, untilEnded } = await startHost({
    ...{ poolSizeBytes: 1024 * MB, reserveBytes: 64 * MB },
  })
  await untilReady(3)
  await client.models.unload({ id: judge })
  await client.models.update({ id: judge, loadOptions: { contextTokens: 256 } })
  const { id } = await client.conversations.create({})
  const file = await client.attachments.add({ name: 'long.txt', text: 'The pool is full. '.repeat(90) })
  const turn = await client.turns.send({
    ...{ conversationId: id, text: 'What is it?', modelIds: [judge, guide], attachmentIds: [file.id] },
  })
  const states = []
  for (const answer of turn.answers) states.push((await untilEnded(id, answer.id)).state)
  expect(states).toMatchObject([{ kind: 'interrupted', problem: { code: 'CONTEXT_FULL' } }, { kind: 'done' }])
})

test('models that do not fit together answer one after another, as the plan says', async () => {
  const { client, ask, untilPool } = await startHost()
  await client.settings.set({ poolSizeBytes: 1024 * MB, reserveBytes: 64 * MB })
  await untilPool(({ residents }) => residents.filter(({ state }) => state === 'ready').length === 3)
  for (const id of models) await client.models.unload({ id })
  // Room for one of them, and not for two: where room is short they begin with short contexts.
  const room = async (bytes: number) => {
    const { totalBytes, freeBytes } = (await client.pool.get()).domains[0]!
    await client.settings.set({ poolSizeBytes: totalBytes - freeBytes + bytes })
  }
  await room(100 * MB)
  const { bytes } = (await client.turns.plan({ modelIds: [guide, coder] })).models[0]!
  await room(Math.round(bytes * 1.5))
  const plan = await client.turns.plan({ modelIds: [guide, coder] })
  expect(plan).toMatchObject({
    models: [
      { modelId: guide, kind: 'loads', round: 0 },
      { modelId: coder, kind: 'loads', round: 1 },
    ],
    rounds: 2,
    leaving: [{ modelId: guide }],
  })
  const { id } = await client.conversations.create({})
  const turn = await ask(id, 'Who are you?', guide, coder)
  expect(turn.answers.map(({ state }) => state.kind)).toEqual(['done', 'done'])
})

test('an answer that was stopped goes on to what it would have been; a branch goes on by itself', async () => {
  const { client, ask, untilReady, untilEnded } = await startHost({
    ...{ poolSizeBytes: 1024 * MB, reserveBytes: 64 * MB },
  })
  await untilReady(3)
  const question = 'What is a KV cache?'
  const [one, two] = [await client.conversations.create({}), await client.conversations.create({})]
  const whole = (await ask(one.id, question, guide)).answers[0]!
  expect(whole.text.length).toBeGreaterThan(20)

  // What was written stays when it is cut within a word.
  const edited = await ask(two.id, question, guide)
  const answerId = edited.chosenAnswerId
  await expect(client.turns.continue({ answerId })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  const turn = await client.turns.retry({ turnId: edited.id, modelId: guide })
  const events = await client.conversations.watch({ id: two.id })
  for await (const event of events) if (event.kind === 'text') break
  await client.turns.stop({ turnId: turn.id })
  const cut = (await client.conversations.get({ id: two.id })).turns[0]!.answers[1]!
  if (cut.state.kind === 'done' && cut.state.stopReason === 'stopped') {
    expect(whole.text.startsWith(cut.text)).toBe(true)
    const going = await client.turns.continue({ answerId: cut.id })
    expect(going.answers).toHaveLength(2)
    const rest = await untilEnded(two.id, cut.id)
    expect([rest.text, rest.state]).toEqual([whole.text, { kind: 'done', stopReason: 'end' }])
  }

  const branch = await client.turns.branch({ turnId: edited.id })
  expect(branch.turns.map(({ answers }) => answers.map(({ text }) => text))).toEqual([
    [whole.text, whole.text],
  ])
  await ask(branch.id, 'Thank you', guide)
  expect((await client.conversations.get({ id: two.id })).turns).toHaveLength(1)
  expect((await client.conversations.get({ id: branch.id })).turns).toHaveLength(2)
})
