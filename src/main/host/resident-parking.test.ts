import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { writeGgufFile, type GgufFile } from '../../testing/gguf-file.ts'
import { gemma3File, lfm2File, mambaFile } from '../../testing/shapes.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import type { ContextEvent } from './live-context.ts'
import { startNodeChild } from './node-starter.ts'
import { Parking, type ParkingLimits } from './parking.ts'
import { createProbe } from './probe.ts'
import type { ResidentModel, ResidentModelOptions } from './resident-model.ts'
import {
  ask,
  demoFacts,
  demoFiles,
  startTestModel,
  type Done,
  type TestConversation,
} from './testing-demo-model.ts'

const { guide, coder } = demoFiles

/** A host's parking and conversations, and models that start over it as over restarts of the host. */
async function newBench(settings: ParkingLimits = { isOn: true, budgetBytes: null }) {
  const limits: { -readonly [Key in keyof ParkingLimits]: ParkingLimits[Key] } = { ...settings }
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
    limits,
    parking: () => new Parking({ database, folder: path.join(folder, 'parked'), limits: () => limits }),
    events,
    texts: () => events.map(({ text }) => text),
    newConversation: (): TestConversation => ({ id: conversations.create({}).id, messages: [] }),
    async states(): Promise<string[]> {
      const files = await readdir(path.join(folder, 'parked'))
      return files.map((file) => path.join(folder, 'parked', file))
    },
    async start(file: string, options: Partial<ResidentModelOptions> = {}): Promise<ResidentModel> {
      const parking = this.parking()
      const model = startTestModel(file, {
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

test('a branch reads nothing again of what it begins with, in memory or parked, and what it was branched from stays', async () => {
  const bench = await newBench()
  const origin = bench.newConversation()
  const before = await bench.start(guide)
  await ask(before, origin, 'My name is Ada.')
  const first = await ask(before, origin, 'How do I pin a model?')
  const branch: TestConversation = { id: bench.newConversation().id, messages: [...origin.messages] }
  const branched = await ask(before, branch, 'What is my name?', { branchOf: origin.id })
  const back = await ask(before, origin, 'What is my name?')
  await bench.unload(before)

  const after = await bench.start(guide)
  const later: TestConversation = { id: bench.newConversation().id, messages: origin.messages.slice(0, 4) }
  const returned = await ask(after, later, 'What is my name?', { branchOf: origin.id })
  const { messages } = bench.newConversation()
  const stranger = await ask(after, { id: 'stranger', messages }, 'What is my name?')
  for (const { answer, done } of [branched, back, returned]) {
    expect(answer).toContain('Ada')
    expect(done.reusedTokens).toBeGreaterThanOrEqual(first.done.usedTokens - 1)
  }
  expect(stranger.answer).not.toContain('Ada')
  expect(before.contexts()).toEqual([])
})

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

const smallShape = {
  ...{ layers: 6, embedding: 64, feedForward: 128, heads: 4, kvHeads: 2, headLength: 16 },
  ...{ vocabulary: 4000, contextTokens: 1024 },
}
const random = { data: 'random', contextTokens: 1024 } as const

test.each<[string, GgufFile, fullWindowCache: boolean]>([
  ['sliding windows', gemma3File(random, { ...smallShape, windowTokens: 64 }), false],
  ['a full sliding-window cache', gemma3File(random, { ...smallShape, windowTokens: 64 }), true],
  ['recurrent layers only', mambaFile({ ...random, layers: 2, vocabulary: 4000 }, { embedding: 64 }), false],
  ['recurrent layers beside attention', lfm2File(smallShape, random), false],
])(
  'a model with %s goes on after it came back as if it had never left',
  async (_what, content, full) => {
    const bench = await newBench()
    const file = path.join(bench.folder, 'model.gguf')
    writeGgufFile(file, content)
    await using probe = createProbe({
      start: startNodeChild,
      file: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
      env: { PLENUM_DEVICE: 'cpu' },
    })
    const inspection = await probe.inspect([file])
    if (inspection.kind !== 'model') throw new Error('It is a projector')
    const load = { kvType: 'f16', flashAttention: false, batchTokens: 512, fileAccess: 'mmap' } as const
    const options = {
      facts: inspection.facts,
      load: { ...load, chatTemplate: null, thinking: null, fullWindowCache: full },
    }
    const [stays, leaves] = [bench.newConversation(), bench.newConversation()]
    const question =
      'A question that is longer than the window is wide, with one token for each of its letters.'
    const before = await bench.start(file, options)
    const { done } = await ask(before, leaves, question, { sampling: { maxTokens: 40 } })
    await ask(before, stays, question, { sampling: { maxTokens: 40 } })
    const wanted = await ask(before, stays, 'And more?', { sampling: { maxTokens: 40 } })
    await bench.unload(before)

    const after = await bench.start(file, options)
    const returned = await ask(after, leaves, 'And more?', { sampling: { maxTokens: 40 } })
    expect(returned.answer).toBe(wanted.answer)
    expect(returned.done.reusedTokens).toBe(done.usedTokens)
    // The other way to make the window is another kind of context: refused, read again, and answered.
    if (!content.metadata.some(({ key }) => key === 'gemma3.attention.sliding_window')) return
    await bench.unload(after)
    const other = await bench.start(file, { ...options, load: { ...options.load, fullWindowCache: !full } })
    expect((await ask(other, leaves, 'And more?', { sampling: { maxTokens: 4 } })).done.reusedTokens).toBe(0)
    expect(bench.texts().at(-1)).toBe('A parked conversation is read again: the context is of another kind')
  },
  60_000,
)

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

test('a conversation that cannot be parked keeps its context until the room is needed all the same', async () => {
  const bench = await newBench({ isOn: true, budgetBytes: 1000 })
  const model = await bench.start(guide)
  const [one, two] = [bench.newConversation(), bench.newConversation()]
  const { done } = await ask(model, one, 'My name is Ada.')
  await ask(model, two, 'My name is Grace.')
  const kinds = () => model.idleKv().map(({ kind }) => kind)
  const [kv] = model.idleKv()
  expect(kinds()).toEqual(['park', 'shrink'])
  expect(await model.giveBack(kv!.id)).toBe(0)
  expect(bench.events).toMatchObject([{ kind: 'parkingFailed' }])
  // Nothing is lost yet, and it is known what giving it back would mean.
  expect([model.contexts().length, kinds()]).toEqual([2, ['drop', 'shrink']])
  expect((await ask(model, one, 'Thank you.')).done.reusedTokens).toBeGreaterThanOrEqual(done.usedTokens - 1)
  await ask(model, two, 'Thank you.')
  expect(await model.giveBack(kv!.id)).toBe(0)
  expect(await model.giveBack(kv!.id)).toBeGreaterThan(0)
  const back = await ask(model, one, 'What is my name?')
  expect([back.answer.includes('Ada'), back.done.reusedTokens]).toEqual([true, 0])
})

test('what was deleted from the disk meanwhile is written again when the model leaves, and nothing is while parking is off', async () => {
  const bench = await newBench()
  const conversation = bench.newConversation()
  const model = await bench.start(guide, { parkAfterIdleMs: 20 })
  const { done } = await ask(model, conversation, 'My name is Ada.')
  await expect.poll(() => model.contexts()[0]?.isParked, { timeout: 20_000 }).toBe(true)
  bench.limits.isOn = false
  await bench.parking().trim()
  expect([await bench.states(), model.contexts()[0]?.isParked]).toEqual([[], false])
  await model.leave(new AbortController().signal)
  expect([await bench.states(), bench.events]).toEqual([[], []])

  bench.limits.isOn = true
  await bench.unload(model)
  const { done: returned } = await ask(await bench.start(guide), conversation, 'What is my name?')
  expect(returned.reusedTokens).toBe(done.usedTokens)
})

test.skipIf(process.platform === 'win32')(
  'a process that hangs while it leaves is waited for no longer than it may take',
  async () => {
    const bench = await newBench()
    const model = await bench.start(guide)
    await ask(model, bench.newConversation(), 'My name is Ada.')
    // What is to be written sets how long it may take, on a slow disk.
    expect(model.leaveLimitMs).toBe(10_000 + Math.round((1024 * 1280) / 50_000))
    process.kill(model.processId!, 'SIGSTOP')
    const limit = new AbortController()
    let hasLeft = false
    const leaving = model.leave(limit.signal).finally(() => (hasLeft = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasLeft).toBe(false)
    limit.abort()
    await leaving
    await model[Symbol.asyncDispose]()
    expect(() => process.kill(model.processId!, 0)).toThrow('ESRCH')
    await expect.poll(() => bench.states()).toEqual([])
  },
)

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

test('while memory is short conversations take turns in one context, a second one at the same time is small, and growing takes what it needs', async () => {
  const bench = await newBench()
  const model = await bench.start(guide, { fitsWithEase: () => false, limitTokens: 2048 })
  const [one, two] = [bench.newConversation(), bench.newConversation()]
  const { done } = await ask(model, one, 'My name is Ada.')
  await ask(model, two, 'My name is Grace.')
  expect(model.contexts()).toMatchObject([{ conversationId: two.id, contextTokens: 1024 }])
  const [back, other] = await Promise.all([
    ask(model, one, 'What is my name?'),
    ask(model, two, 'What is my name?'),
  ])
  expect([back.answer.includes('Ada'), other.answer.includes('Grace')]).toEqual([true, true])
  expect(back.done.reusedTokens).toBe(done.usedTokens)
  expect(model.contexts().map(({ contextTokens }) => contextTokens)).toEqual([1024, 512])
  const small = model.contexts()[1]!.conversationId === one.id ? one : two
  for (let turn = 0; turn < 30 && model.contexts()[1]!.contextTokens === 512; turn++)
    await ask(model, small, 'How do I pin a model?')
  // Not twice as large: the next block and no more.
  expect(model.contexts()[1]!.contextTokens).toBe(768)
}, 60_000)

test('growing asks for room for both sizes, and without it the answer ends as the context is full', async () => {
  const bench = await newBench()
  const asked: number[] = []
  const model: ResidentModel = await bench.start(guide, {
    contextTokens: 256,
    limitTokens: 1024,
    resize(footprint) {
      const bytes = footprintBytes(footprint)
      const held = footprintBytes(model.footprint())
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
  const held = footprintBytes(model.footprint())
  const shrunk = await model.giveBack(second!.id)
  expect(shrunk).toBeGreaterThanOrEqual(768 * 1280)
  expect(footprintBytes(model.footprint())).toBe(held - shrunk)
  const parked = await model.giveBack(first!.id)
  expect(footprintBytes(model.footprint())).toBe(held - shrunk - parked)
  expect(model.contexts()).toMatchObject([{ conversationId: two.id, contextTokens: 256 }])
  expect(model.idleKv()).toEqual([])
  expect(await model.giveBack('context 99')).toBe(0)

  const back = await ask(model, one, 'What is my name?')
  expect(back.answer).toContain('Ada')
  expect(back.done.reusedTokens).toBe(done.usedTokens)
  expect((await ask(model, two, 'What is my name?')).answer).toContain('Grace')
})
