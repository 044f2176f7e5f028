import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import type { Footprint } from '../../contract/memory.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import type { ContextEvent } from './live-context.ts'
import { startNodeChild } from './node-starter.ts'
import { Parking, type ParkingLimits } from './parking.ts'
import { ResidentModel, type ResidentModelOptions } from './resident-model.ts'

const demoFolder = new URL('../../../resources/demo-models/', import.meta.url)
const guide = fileURLToPath(new URL('demo-guide-2.2m-f16.gguf', demoFolder))
const coder = fileURLToPath(new URL('demo-coder-2.2m-f16.gguf', demoFolder))
/** All three demo models have this shape. */
const demoFacts = {
  kvLayerGroups: [{ layers: 5, kvHeads: 2, keyLength: 32, valueLength: 32, windowTokens: null }],
  recurrentStateBytes: 0,
  headCount: 4,
  embeddingLength: 128,
  feedForwardLength: 384,
  vocabularySize: 4096,
  experts: null,
}

type Done = Extract<GenerateEvent, { kind: 'done' }>
type Conversation = { readonly id: string; readonly messages: ChatMessage[] }

/** A host's parking and conversations, and models that start over it as over restarts of the host. */
async function newBench(limits: ParkingLimits = { isOn: true, budgetBytes: null }) {
  const folder = await mkdtemp(path.join(tmpdir(), 'plenum-return-'))
  const database = openDatabase(path.join(folder, 'plenum.db'))
  const conversations = new Conversations(database)
  const started: ResidentModel[] = []
  const events: ContextEvent[] = []
  onTestFinished(async () => {
    await Promise.all(started.map(async (model) => model[Symbol.asyncDispose]()))
    conversations[Symbol.dispose]()
    database.close()
    await rm(folder, { recursive: true })
  })
  return {
    folder,
    events,
    texts: () => events.map(({ text }) => text),
    newConversation: (): Conversation => ({ id: conversations.create({}).id, messages: [] }),
    async states(): Promise<string[]> {
      const files = await readdir(path.join(folder, 'parked'))
      return files.map((file) => path.join(folder, 'parked', file))
    },
    async start(file: string, options: Partial<ResidentModelOptions> = {}): Promise<ResidentModel> {
      const parking = new Parking({ database, folder: path.join(folder, 'parked'), limits: () => limits })
      const model = new ResidentModel({
        start: startNodeChild,
        program: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
        env: { PLENUM_DEVICE: 'cpu' },
        name: path.basename(file),
        path: file,
        facts: demoFacts,
        threads: 1,
        gpuLayers: null,
        contextTokens: 1024,
        domains: { host: 'unified', device: 'unified' },
        resize: () => true,
        parking: await parking.ofModel('guide', [file]),
        onEvent: (event) => events.push(event),
        ...options,
      })
      started.push(model)
      await model.load()
      return model
    },
    /** As residency does when the model has to leave. */
    async unload(model: ResidentModel): Promise<void> {
      await model.leave(new AbortController().signal)
      await model[Symbol.asyncDispose]()
    },
  }
}

async function ask(
  model: ResidentModel,
  { id, messages }: Conversation,
  text: string,
): Promise<{ answer: string; done: Done }> {
  messages.push({ role: 'user', text })
  let answer = ''
  let done: Done | null = null
  for await (const event of model.generate(id, messages)) {
    if (event.kind === 'text') answer += event.text
    if (event.kind === 'done') done = event
  }
  messages.push({ role: 'assistant', text: answer })
  return { answer, done: done! }
}

function totalBytes(footprint: Footprint): number {
  return footprint.reduce((sum, { bytes }) => sum + bytes, 0)
}

test('a name told before the model left is remembered after it came back, and nothing is read again', async () => {
  const bench = await newBench()
  const conversation = bench.newConversation()
  const before = await bench.start(guide)
  await ask(before, conversation, 'My name is Ada.')
  const { done } = await ask(before, conversation, 'How do I pin a model?')
  await bench.unload(before)

  const after = await bench.start(guide)
  const { answer, done: returned } = await ask(after, conversation, 'What is my name?')
  expect(answer).toContain('Ada')
  expect(returned.reusedTokens).toBe(done.usedTokens)
  expect(bench.texts()).toEqual([
    expect.stringMatching(`^A conversation of ${String(done.usedTokens)} tokens came back, .*B$`),
  ])
})

test.each<[string, string, (files: { state: string; model: string }) => Promise<void>]>([
  ['cut short', 'the file has n of m bytes', async ({ state }) => truncate(state, 10_000)],
  [
    'damaged in one bit',
    'the file is damaged',
    async ({ state }) => {
      const bytes = await readFile(state)
      bytes[20_000]! ^= 1
      await writeFile(state, bytes)
    },
  ],
  ['something else', 'the file has n of m bytes', async ({ state }) => writeFile(state, 'no state')],
  // llama.cpp would take it and answer nonsense: the shape is the same.
  ['made by other weights', 'the model file has changed', async ({ model }) => copyFile(coder, model)],
])('a parked state that is %s is read again and answered right', async (_how, reason, damage) => {
  const bench = await newBench()
  const file = path.join(bench.folder, 'model.gguf')
  await copyFile(guide, file)
  const conversation = bench.newConversation()
  const before = await bench.start(file)
  await ask(before, conversation, 'My name is Ada.')
  await bench.unload(before)
  const [state] = await bench.states()
  await damage({ state: state!, model: file })

  const after = await bench.start(file)
  const { answer, done } = await ask(after, conversation, 'What is my name?')
  expect(answer).toContain('Ada')
  expect(done.reusedTokens).toBe(0)
  expect(await bench.states()).toEqual([])
  expect(bench.texts().map((text) => text.replace(/\d+ of \d+/, 'n of m'))).toEqual([
    `A parked conversation is read again: ${reason}`,
  ])
})

test('a state of a context with another attention is refused', async () => {
  const bench = await newBench()
  const conversation = bench.newConversation()
  const before = await bench.start(guide)
  await ask(before, conversation, 'My name is Ada.')
  await bench.unload(before)
  // Wide heads run with flash attention, which keeps its values in another order.
  const [group] = demoFacts.kvLayerGroups
  const wide = { ...demoFacts, kvLayerGroups: [{ ...group!, keyLength: 64, valueLength: 64 }] }
  const after = await bench.start(guide, { facts: wide })
  const { answer, done } = await ask(after, conversation, 'What is my name?')
  expect(answer).toContain('Ada')
  expect(done.reusedTokens).toBe(0)
})

test('with more conversations than contexts the one that was idle longest is parked, and comes back', async () => {
  const bench = await newBench()
  const model = await bench.start(guide)
  const [one, two, three] = [bench.newConversation(), bench.newConversation(), bench.newConversation()]
  const { done } = await ask(model, one, 'My name is Ada.')
  await ask(model, two, 'My name is Grace.')
  await ask(model, three, 'My name is Linus.')
  expect(model.contexts().map(({ conversationId }) => conversationId)).toEqual([three.id, two.id])
  const back = await ask(model, one, 'What is my name?')
  expect(back.answer).toContain('Ada')
  expect(back.done.reusedTokens).toBe(done.usedTokens)
})

test('what was idle for a while is on disk, so that a crash loses little', async () => {
  const bench = await newBench()
  const conversation = bench.newConversation()
  const before = await bench.start(guide, { parkAfterIdleMs: 20 })
  const { done } = await ask(before, conversation, 'My name is Ada.')
  await expect.poll(() => before.contexts()[0]?.isParked, { timeout: 20_000 }).toBe(true)
  process.kill(before.processId!, 'SIGKILL')
  await new Promise((resolve) => before.onExit(resolve))
  const after = await bench.start(guide)
  const { answer, done: returned } = await ask(after, conversation, 'What is my name?')
  expect(answer).toContain('Ada')
  expect(returned.reusedTokens).toBe(done.usedTokens)
})

test('a conversation that cannot be parked is told of, its model leaves, and it is read again', async () => {
  const bench = await newBench({ isOn: true, budgetBytes: 1000 })
  const conversation = bench.newConversation()
  const before = await bench.start(guide)
  await ask(before, conversation, 'My name is Ada.')
  await bench.unload(before)
  expect(bench.texts()).toEqual([
    expect.stringMatching(
      /^A conversation could not be parked: its .* do not fit into the disk budget of 0.98 KB$/,
    ),
  ])
  const after = await bench.start(guide)
  const { answer, done } = await ask(after, conversation, 'What is my name?')
  expect(answer).toContain('Ada')
  expect(done.reusedTokens).toBe(0)
})

test('a context grows with its conversation, also in mid-answer, and the text is that of a large one', async () => {
  const bench = await newBench()
  const questions = ['My name is Ada.', 'How do I pin a model?', 'What is a KV cache?', 'What is my name?']
  const large = await bench.start(guide)
  const small = await bench.start(guide, { contextTokens: 256, limitTokens: 1024 })
  const [one, two] = [bench.newConversation(), bench.newConversation()]
  const sizes: number[] = []
  while (two.messages.length < 40 && sizes.at(-1) !== 1024) {
    const question = questions[(two.messages.length / 2) % questions.length]!
    const wanted = await ask(large, one, question)
    const got = await ask(small, two, question)
    expect(got.answer).toBe(wanted.answer)
    expect(got.done.reusedTokens).toBe(wanted.done.reusedTokens)
    sizes.push(small.contexts()[0]!.contextTokens)
  }
  expect([...new Set(sizes)]).toEqual([256, 512, 1024])
  expect(bench.events.map(({ kind, text }) => [kind, text])).toEqual([
    ['grown', expect.stringMatching(/^Context grown from 256 tokens to 512 tokens: its conversation needs /)],
    [
      'grown',
      expect.stringMatching(/^Context grown from 512 tokens to 1,024 tokens: its conversation needs /),
    ],
  ])
  expect(await bench.states()).toEqual([])
})

test('growing asks for room for both sizes, and without it the answer ends as the context is full', async () => {
  const bench = await newBench()
  const asked: number[] = []
  const model: ResidentModel = await bench.start(guide, {
    contextTokens: 256,
    limitTokens: 1024,
    resize(footprint) {
      const bytes = totalBytes(footprint)
      const held = totalBytes(model.footprint())
      if (bytes > held) asked.push(bytes - held)
      return bytes <= held
    },
  })
  const conversation = bench.newConversation()
  const turns: Done[] = []
  const fill = async () => {
    for (;;) turns.push((await ask(model, conversation, 'How do I pin a model?')).done)
  }
  await expect(fill()).rejects.toMatchObject({ code: 'CONTEXT_FULL' })
  expect(turns.at(-1)).toMatchObject({ stopReason: 'context-full', usedTokens: 255 })
  expect(model.contexts()[0]!.contextTokens).toBe(256)
  // The new size on top of what is held: at least its KV cache.
  expect(Math.min(...asked)).toBeGreaterThan(512 * 1280)
})

test('a KV budget holds over all contexts: idle ones make way for one that grows', async () => {
  const bench = await newBench()
  const model = await bench.start(guide, {
    contextTokens: 256,
    limitTokens: 1024,
    kvBudgetBytes: 768 * 1280,
  })
  const [one, two] = [bench.newConversation(), bench.newConversation()]
  const { done } = await ask(model, one, 'My name is Ada.')
  while ((model.contexts().at(-1)?.contextTokens ?? 0) <= 256) await ask(model, two, 'How do I pin a model?')
  expect(model.contexts().map(({ contextTokens }) => contextTokens)).toEqual([256, 512])
  const fill = async () => {
    for (;;) await ask(model, two, 'How do I pin a model?')
  }
  await expect(fill()).rejects.toMatchObject({ code: 'CONTEXT_FULL' })
  const kvBytes = model.contexts().reduce((sum, context) => sum + context.kvBytes, 0)
  expect(kvBytes).toBeLessThanOrEqual(768 * 1280)
  expect((await ask(model, one, 'What is my name?')).done.reusedTokens).toBe(done.usedTokens)
})

test('what is idle is given back when asked: the last one shrinks, others are parked', async () => {
  const bench = await newBench()
  const model = await bench.start(guide)
  const [one, two] = [bench.newConversation(), bench.newConversation()]
  const { done } = await ask(model, one, 'My name is Ada.')
  await ask(model, two, 'My name is Grace.')
  const [first, second] = model.contexts()
  expect(model.idleKv().map(({ id, kind }) => [id, kind])).toEqual([
    [first!.id, 'park'],
    [second!.id, 'shrink'],
  ])
  const held = totalBytes(model.footprint())
  const shrunk = await model.giveBack(second!.id)
  expect(shrunk).toBeGreaterThanOrEqual(768 * 1280)
  expect(totalBytes(model.footprint())).toBe(held - shrunk)
  const parked = await model.giveBack(first!.id)
  expect(totalBytes(model.footprint())).toBe(held - shrunk - parked)
  expect(model.contexts()).toMatchObject([{ conversationId: two.id, contextTokens: 256 }])
  expect(model.idleKv()).toEqual([])
  expect(await model.giveBack('context 99')).toBe(0)

  const back = await ask(model, one, 'What is my name?')
  expect(back.answer).toContain('Ada')
  expect(back.done.reusedTokens).toBe(done.usedTokens)
  expect((await ask(model, two, 'What is my name?')).answer).toContain('Grace')
})
