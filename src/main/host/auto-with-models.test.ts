import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MB } from '../../contract/bytes.ts'
import type { Turn } from '../../contract/conversation.ts'
import { startTestHost } from './testing-host.ts'

const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'
const judge = 'demo-judge-2.2m-q8_0'

/** A host with the demo models, all of them in memory where the pool is large enough. */
async function startHost() {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-auto-'))
  const { host, client } = await startTestHost(dataFolder)
  onTestFinished(async () => {
    await host[Symbol.asyncDispose]()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  await client.settings.set({ poolSizeBytes: 1024 * MB, reserveBytes: 64 * MB })
  // Not left to the start of the app: on a machine that is very busy, files are looked at later.
  for await (const models of await client.models.watch())
    if (models.every(({ file }) => file.kind === 'usable')) break
  for (const id of [guide, coder, judge]) await client.models.load({ id })
  return {
    client,
    ask: async (
      id: string,
      text: string,
      how: { isAuto?: boolean; isVerified?: boolean; modelId?: string } = {},
    ) => (await client.turns.ask({ id, text, ...how })) as Turn,
    residentIds: async () => (await client.pool.get()).residents.map(({ modelId }) => modelId).sort(),
  }
}

test('the router sends each request to the model of its label, and what the user says instead is learnt', async () => {
  const { client, ask } = await startHost()
  const { id } = await client.conversations.create({ asking: { isAuto: true } })
  const code = await ask(id, 'Write a function that adds two numbers.')
  expect(code.answers[0]).toMatchObject({
    modelId: coder,
    modelName: 'Coder',
    state: { kind: 'done', stopReason: 'end' },
    routing: {
      ...{ kind: 'routed', routerId: judge, routerName: 'Judge', label: 'code' },
      alternatives: [
        { modelId: coder, label: 'code', isResident: true, whyNot: null },
        { modelId: guide, isResident: true },
      ],
    },
  })
  const { routing } = code.answers[0]!
  expect(routing?.labels.map(({ name }) => name).toSorted()).toEqual(['chat', 'code', 'math', 'memory'])
  expect(routing?.labels.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1)
  expect((await ask(id, 'and in Python?')).answers[0]).toMatchObject({
    modelId: coder,
    routing: { kind: 'kept' },
  })
  expect((await ask(id, 'What is a KV cache?')).answers[0]).toMatchObject({ modelId: guide })
  const sum = await ask(id, 'What is 3 plus 4?')
  expect(sum.answers[0]).toMatchObject({ modelId: guide, routing: { label: 'math' } })

  const overruled = await client.turns.overrule({
    answerId: code.answers[0]!.id,
    modelId: guide,
    isRemembered: true,
  })
  expect(overruled).toMatchObject({
    answers: [
      { routing: { overruledBy: { modelId: guide, name: 'Guide', isRemembered: true } } },
      { modelId: guide, modelName: 'Guide' },
    ],
    chosenAnswerId: overruled.answers[1]!.id,
  })
  const [example] = await client.routing.examples()
  expect(example).toMatchObject({ text: 'Write a function that adds two numbers.' })
  await client.turns.stop({ turnId: overruled.id })
  const other = await client.conversations.create({})
  const again = await ask(other.id, 'Write a function that adds two numbers.', { isAuto: true })
  expect(again.answers[0]).toMatchObject({ modelId: guide, routing: { label: example!.label } })
  await client.routing.forget({ id: example!.id })
  expect(await client.routing.examples()).toEqual([])
  // Whoever names a model has it, whatever the conversation says.
  expect((await ask(id, 'Hello', { modelId: judge })).answers[0]).not.toHaveProperty('routing')
  await expect(ask(other.id, 'Hello')).rejects.toMatchObject({ code: 'BAD_INPUT' })
})

test('without a router the current model answers and says so', async () => {
  const { client, ask } = await startHost()
  await client.models.unload({ id: judge })
  const { id } = await client.conversations.create({ asking: { isAuto: true } })
  const absent = await ask(id, 'Write a loop that prints one to ten.', { isAuto: true, modelId: guide })
  expect(absent.answers[0]).toMatchObject({
    modelId: guide,
    state: { kind: 'done' },
    routing: {
      ...{ kind: 'fallback', reason: 'No model that sorts requests is in memory: "Guide" answers' },
      ...{ labels: [], alternatives: [] },
    },
  })
  // One that is configured is loaded where nobody has to leave for it.
  await client.settings.set({ routerId: judge, routerLimitMs: 60_000 })
  expect((await ask(id, 'Write a loop that prints one to ten.')).answers[0]).toMatchObject({ modelId: coder })
})

test('where only two of three fit, the verifier does not push the one who answers out, nor does this one the router', async () => {
  const { client, ask, residentIds } = await startHost()
  // Guide verifies, Judge routes, Coder answers.
  await client.settings.set({ verifierId: guide, routerId: judge, routerLimitMs: 60_000 })
  await client.models.unload({ id: guide })
  await client.models.unload({ id: coder })
  // Beside Judge there is room for one of them, and not for two: where room is short they begin with short contexts.
  const room = async (bytes: number) => {
    const { totalBytes, freeBytes } = (await client.pool.get()).domains[0]!
    await client.settings.set({ poolSizeBytes: totalBytes - freeBytes + bytes })
  }
  await room(100 * MB)
  const { bytes } = (await client.turns.plan({ modelIds: [coder, guide] })).models[0]!
  await room(Math.round(bytes * 1.5))
  const { id } = await client.conversations.create({ asking: { isAuto: true, isVerified: true } })
  const code = await ask(id, 'Write a function that adds two numbers.')
  expect(code.answers).toMatchObject([
    {
      ...{ modelId: coder, routing: { kind: 'routed', label: 'code' } },
      verification: {
        ...{ verifierId: guide },
        outcome: {
          kind: 'unknown',
          problem: { code: 'NO_ROOM', details: { help: expect.any(String) as string } },
        },
      },
    },
  ])
  expect(await residentIds()).toEqual([coder, judge])
  const { counters } = await client.pool.get()
  expect(counters.evictions).toBe(0)

  // Guide comes for the next answer: Coder leaves for it, and the router does not.
  const about = await ask(id, 'What is the memory pool?', { isVerified: false })
  expect(about.answers[0]).toMatchObject({ modelId: guide, routing: { kind: 'routed', label: 'memory' } })
  expect(await residentIds()).toEqual([guide, judge])
})

test('a planted answer fails and is repaired, on the real models', async () => {
  const { client, ask, residentIds } = await startHost()
  const { id } = await client.conversations.create({ asking: { isAuto: true, sampling: { temperature: 0 } } })
  const asked = await ask(id, 'Write a function that adds two numbers.')
  const right = asked.answers[0]!
  await client.turns.editAnswer({ answerId: right.id, text: '7 times 8 is 56.' })
  await client.turns.check({ answerId: right.id })
  for await (const event of await client.conversations.watch({ id })) {
    const turn =
      event.kind === 'snapshot' ? event.conversation.turns[0] : event.kind === 'turn' ? event.turn : null
    const last = turn?.answers[1]?.verification?.outcome.kind
    if (last !== undefined && last !== 'checking') break
  }
  const [turn] = (await client.conversations.get({ id })).turns
  expect(turn?.answers).toMatchObject([
    {
      text: '7 times 8 is 56.',
      verification: {
        repairAnswerId: turn!.answers[1]!.id,
        outcome: { kind: 'fail', reason: 'The answer does not fit the question' },
      },
    },
    {
      ...{ modelId: coder, text: right.text, repairsAnswerId: right.id },
      verification: { outcome: { kind: 'pass', reason: 'The answer fits the question' } },
    },
  ])
  expect(turn?.chosenAnswerId).toBe(turn?.answers[1]?.id)
  expect(await residentIds()).toEqual([coder, guide, judge])
})
