import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConversationEvent, Turn } from '../../contract/conversation.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { greedy, llamaFile, tinyShape } from '../../testing/shapes.ts'
import { hasAmx } from './processor.ts'
import { startTestHost } from './testing-host.ts'

const judge = 'demo-judge-2.2m-q8_0'
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-load-options-'))
const state: { host?: Awaited<ReturnType<typeof startHost>> } = {}

/** A host without models at first. */
async function startHost() {
  const { host, client } = await startTestHost(folder, { spareQuietMs: 0 })
  await client.settings.set({ spareProcess: false })
  return { host, client }
}

beforeAll(async () => {
  state.host = await startHost()
  await untilPool(({ residents }) => residents.filter((each) => each.state === 'ready').length === 3)
}, 60_000)
afterAll(async () => {
  await state.host?.host[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const client = () => state.host!.client

async function untilPool(holds: (pool: PoolSnapshot) => boolean): Promise<PoolSnapshot> {
  for await (const pool of await client().pool.watch()) if (holds(pool)) return pool
  throw new Error('The pool is no longer watched')
}

/** Loads a model anew; how it came out. */
async function load(id: string, options: LoadOptions) {
  await client().models.unload({ id })
  await client().models.load({ id, options })
  const { residents } = await client().pool.get()
  return residents.find(({ modelId }) => modelId === id)!
}

/** Adds a random model of the library; its id. */
async function addRandom(name: string, shape: Partial<typeof tinyShape>): Promise<string> {
  const file = path.join(folder, `${name}.gguf`)
  writeGgufFile(file, llamaFile({ ...tinyShape, ...shape }, { data: 'random', extra: greedy }))
  const [result] = await client().models.add({ path: file })
  if (result?.kind !== 'added') throw new Error(`"${name}" was not added`)
  return result.model.id
}

async function ask(modelId: string, text: string) {
  const { id } = await client().conversations.create({})
  const turn = (await client().turns.ask({ id, text, modelId })) as Turn
  return turn.answers[0]!
}

test('a q8_0 KV cache takes a little over half, and the answer stays the same', async () => {
  const f16 = await load(judge, { contextTokens: 1024, flashAttention: 'on' })
  const plain = await ask(judge, 'Who are you?')
  const q8 = await load(judge, { contextTokens: 1024, kvType: 'q8_0' })
  expect(q8).toMatchObject({ loadedWith: { kvType: 'q8_0', flashAttention: true }, warnings: [] })
  expect(q8.contexts[0]!.kvBytes).toBe((f16.contexts[0]!.kvBytes * 34) / 64)
  const answer = await ask(judge, 'Who are you?')
  expect([answer.text, answer.state]).toEqual([plain.text, { kind: 'done', stopReason: 'end' }])
})

test('where a q8_0 KV cache cannot be, it is f16 with a warning', async () => {
  const off = await load(judge, { kvType: 'q8_0', flashAttention: 'off' })
  expect(off).toMatchObject({
    loadedWith: { kvType: 'f16', flashAttention: false },
    warnings: ['A q8_0 KV cache needs flash attention, which is switched off: it is f16 instead'],
  })
  const narrow = await addRandom('narrow heads', {})
  expect(await load(narrow, { kvType: 'q8_0' })).toMatchObject({
    loadedWith: { kvType: 'f16' },
    warnings: [
      'A q8_0 KV cache needs heads of a multiple of 32, which this model does not have: it is f16 instead',
    ],
  })
  await client().models.unload({ id: narrow })
})

test('a chat template in place of the file’s own is what the model reads', async () => {
  await load(judge, { contextTokens: 1024 })
  const own = await ask(judge, 'Who are you?')
  const chatTemplate =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\nOnce more: {{ message['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
  const loaded = await load(judge, { contextTokens: 1024, chatTemplate })
  expect(loaded.warnings).toEqual([])
  const other = await ask(judge, 'Who are you?')
  expect(other.stats!.promptTokens).toBeGreaterThan(own.stats!.promptTokens)
  expect(other.state).toMatchObject({ kind: 'done' })
})

test('thinking is switched by the template that knows the switch, and others say that they do not', async () => {
  const { warnings } = await load(judge, { thinking: 'off' })
  expect(warnings).toEqual([
    'Thinking cannot be switched off: the chat template of this model knows no switch',
  ])
  const templateWith = (message: string, end: string) =>
    `{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}${message}<|im_end|>\n{% endfor %}<|im_start|>assistant\n${end}`
  const chatTemplate = templateWith(
    "{% if message['role'] == 'user' and not enable_thinking %} /no_think{% endif %}",
    '',
  )
  const on = await load(judge, { thinking: 'on', chatTemplate })
  const thinking = await ask(judge, 'Who are you?')
  const off = await load(judge, { thinking: 'off', chatTemplate })
  const silent = await ask(judge, 'Who are you?')
  expect([on.warnings, off.warnings]).toEqual([[], []])
  expect(silent.stats!.promptTokens).toBeGreaterThan(thinking.stats!.promptTokens)
  // What comes after the last message is left out by the library: this one has no effect, and says so.
  const atEnd = templateWith('', '{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}')
  expect((await load(judge, { thinking: 'off', chatTemplate: atEnd })).warnings).toEqual(warnings)
})

test('a thought that takes longer than it may is ended, and the answer goes on from there', async () => {
  // A template that begins the thought, as many do.
  const chatTemplate =
    "{% for message in messages %}{% if message['role'] == 'user' %}<|im_start|>user\n{{ message['content'] }}<|im_end|>\n<|im_start|>assistant\n<think>\n{% else %}{{ message['content'].split('</think>')[-1] }}<|im_end|>\n{% endif %}{% endfor %}"
  await load(judge, { chatTemplate })
  const free = await ask(judge, 'Who are you?')
  expect(free.text).not.toContain('</think>')
  const { warnings } = await load(judge, { chatTemplate, thinkingBudgetTokens: 1 })
  expect(warnings).toEqual([])
  const limited = await ask(judge, 'Who are you?')
  const [thought = '', ...answers] = limited.text.split('</think>')
  expect(answers).toHaveLength(1)
  expect(free.text.startsWith(thought.trimEnd())).toBe(true)
  expect(thought.trimEnd().length).toBeLessThan(free.text.length)
  expect(limited.state).toMatchObject({ kind: 'done', stopReason: 'end' })

  // A template that marks no thoughts says so.
  expect((await load(judge, { thinkingBudgetTokens: 4 })).warnings).toEqual([
    'Thinking cannot be limited: the chat template of this model marks no thoughts',
  ])
})

test('how a file is read is told with its reason, and each load keeps how long it took', async () => {
  // With AMX the processor keeps q8_0 weights in another order.
  const usual = hasAmx()
    ? ({
        fileAccess: 'read',
        reason: 'mapped, weights that the processor rearranges would be there twice',
      } as const)
    : ({ fileAccess: 'mmap', reason: 'what is in the system cache is there at once' } as const)
  expect(await load(judge, {})).toMatchObject({
    loadedWith: { fileAccess: usual.fileAccess },
    fileAccessReason: usual.reason,
  })
  const direct = await load(judge, { fileAccess: 'direct' })
  expect([direct.loadedWith?.fileAccess, direct.fileAccessReason]).toEqual(['direct', undefined])
  const [latest, before] = await client().models.history({ id: judge })
  expect(latest).toMatchObject({ loadedWith: { fileAccess: 'direct' } })
  expect(before).toMatchObject({ loadedWith: { fileAccess: usual.fileAccess } })
  expect(latest?.reading?.bytes).toBeGreaterThan(2e6)
  expect(latest?.reading?.ms).toBeGreaterThan(0)
})

test('a second model loads while the first answers, which goes on meanwhile', async () => {
  // Random weights rarely end an answer by themselves.
  const writer = await addRandom('writer', {
    ...{ layers: 8, embedding: 256, feedForward: 512, contextTokens: 8192, vocabulary: 2000 },
  })
  await load(writer, { contextTokens: 8192 })
  await client().models.unload({ id: judge })
  const { id } = await client().conversations.create({})
  const events = await client().conversations.watch({ id })
  const turn = await client().turns.send({ conversationId: id, text: 'Write on.', modelId: writer })
  await nextText(events)
  const loading = { isOver: false }
  const loaded = client()
    .models.load({ id: judge })
    .finally(() => (loading.isOver = true))
  let frames = 0
  for (;;) {
    await nextText(events)
    if (loading.isOver) break
    frames++
  }
  await loaded
  expect(frames).toBeGreaterThan(2)
  const [answer] = (await client().conversations.get({ id })).turns[0]!.answers
  expect(answer?.state).toEqual({ kind: 'writing' })
  await client().turns.stop({ turnId: turn.id })
  await client().models.unload({ id: writer, force: true })
})

test('a process that is kept ready is shown, taken by the next load, and gone when it is not wanted', async () => {
  await client().models.unload({ id: judge })
  await client().settings.set({ spareProcess: true })
  const { spare } = await untilPool((pool) => pool.spare !== undefined)
  expect(spare?.bytes).toBeGreaterThan(10 * 2 ** 20)
  await client().models.load({ id: judge })
  const { residents } = await client().pool.get()
  expect(residents.find(({ modelId }) => modelId === judge)?.processId).toBe(spare?.processId)
  const next = await untilPool((pool) => pool.spare !== undefined)
  expect(next.spare?.processId).not.toBe(spare?.processId)
  await client().settings.set({ spareProcess: false })
  await untilPool((pool) => pool.spare === undefined)
  await expect.poll(() => isAlive(next.spare!.processId!)).toBe(false)
})

async function nextText(events: AsyncIterator<ConversationEvent>): Promise<void> {
  for (;;) {
    const result = await events.next()
    if (result.done === true) throw new Error('The conversation is no longer watched')
    if (result.value.kind === 'text') return
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
