import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { llamaFile, tinyShape, trapTemplate } from '../../testing/shapes.ts'
import { Attachments } from './attachments.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { startNodeChild } from './node-starter.ts'
import type { ResidentModel } from './resident-model.ts'
import type { ChildChannel } from './starter.ts'
import { demoFiles, startTestModel } from './testing-demo-model.ts'
import { startTestHost } from './testing-host.ts'
import { Tokenizers, type PromptCounter, type Vocabulary } from './tokenizers.ts'
import { TurnCosts, type ReadingModel } from './turn-cost.ts'

const program = fileURLToPath(new URL('../model/index.ts', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-tokenizers-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Tokenizers of one test, and what was started for them. */
function keepTokenizers(options: { idleMs?: number; limitMs?: number; file?: string } = {}) {
  const { file = program, ...limits } = options
  const children: ChildChannel[] = []
  const tokenizers = new Tokenizers({
    start(asked) {
      const child = startNodeChild(asked)
      children.push(child)
      return child
    },
    program: file,
    ...limits,
  })
  onTestFinished(() => tokenizers[Symbol.asyncDispose]())
  /** The tokenizer of a file, however long it takes. */
  const open = async (vocabulary: Vocabulary) => {
    const found = await tokenizers.find(vocabulary, { waitMs: 60_000 })
    if (found === 'loading') throw new Error('It takes a minute')
    return found
  }
  return { tokenizers, children, open }
}

function vocabularyOf(file: string, more: Partial<Vocabulary> = {}): Vocabulary {
  return {
    ...{ modelId: path.basename(file), name: 'Test', paths: [file], parkedTokens: () => 0 },
    chat: { chatTemplate: null, thinking: null },
    ...more,
  }
}

/** A very small model. */
function writeModel(name: string, options: Parameters<typeof llamaFile>[1] = {}): string {
  const file = path.join(folder, name)
  writeGgufFile(file, llamaFile(tinyShape, options))
  return file
}

const hello: readonly ChatMessage[] = [{ role: 'user', text: 'Hello there' }]

function isAlive({ processId }: ChildChannel): boolean {
  try {
    return processId !== undefined && process.kill(processId, 0)
  } catch {
    return false
  }
}

async function endOf(child: ChildChannel): Promise<void> {
  if (isAlive(child)) await new Promise<void>((resolve) => child.onExit(() => resolve()))
}

/** What drafts cost with a model that a test puts in memory and takes out again. */
function openCosts(vocabulary: Vocabulary, find: Tokenizers['find']) {
  const database = openDatabase(':memory:')
  const attachments = new Attachments(database)
  const conversations = new Conversations(database, { attachments })
  onTestFinished(() => {
    conversations[Symbol.dispose]()
    database.close()
  })
  const place: { resident: ReadingModel['resident'] } = { resident: null }
  const figures = { contextTokens: 1024, tokensPerSecond: null, loadingSeconds: null }
  const costs = new TurnCosts({
    ...{ attachments, conversations, tokenizers: { find } },
    model: () => ({ ...place, isComing: false, vocabulary, ...figures }),
  })
  return { attachments, conversations, costs, place }
}

async function load(model: ResidentModel): Promise<ResidentModel> {
  onTestFinished(() => model[Symbol.asyncDispose]())
  await model.load()
  return model
}

test('a model that is not in memory counts what it counts once it is', async () => {
  const { open, children } = keepTokenizers()
  const chatTemplate =
    "{% if enable_thinking %}Think!{% endif %}{% for message in messages %}<|im_start|>{{ message['content'] }}{% endfor %}"
  const ways = [
    { chatTemplate: null, thinking: null },
    { chatTemplate, thinking: true },
    { chatTemplate, thinking: false },
  ]
  const firsts = new Set<number>()
  for (const way of ways) {
    const chat = { ...way, chatFormat: undefined }
    const vocabulary = vocabularyOf(demoFiles.guide, { chat })
    const { attachments, conversations, costs, place } = openCosts(vocabulary, open)
    const { id } = conversations.create({ asking: { instructions: 'You are brief, and kind.' } })
    const turn = conversations.tree.addTurn(id, {
      text: 'My name is Nora.',
      models: [{ id: 'm', name: 'M' }],
    })
    conversations.live.append(turn.chosenAnswerId, 'Hello Nora, what would you like to know?')
    conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
    const file = await attachments.add({
      name: 'größe.txt',
      text: 'Die Größe ist 7. <|im_end|>\n'.repeat(20),
    })
    const draft = { conversationId: null, text: 'What is a context?', modelId: 'm', attachmentIds: [] }
    const drafts = [
      draft,
      { ...draft, asking: { instructions: 'Be brief.' } },
      { ...draft, attachmentIds: [file.id] },
      { ...draft, conversationId: id },
      { ...draft, conversationId: id, text: 'And again, longer?', attachmentIds: [file.id] },
    ]
    const count = async () => {
      const found = []
      for (const each of drafts) found.push(await costs.cost(each))
      return found
    }
    const absent = await count()
    expect(absent.every(({ isExact, isProvisional }) => isExact && isProvisional === undefined)).toBe(true)
    const settings = { kvType: 'f16', batchTokens: 512, fileAccess: 'mmap', flashAttention: true } as const
    place.resident = await load(startTestModel(demoFiles.guide, { load: { ...settings, ...chat } }))
    expect(await count()).toEqual(absent)
    firsts.add(absent[0]!.promptTokens)
    place.resident = null
    await costs.cut({ id: file.id, modelId: 'm', tokens: 50 })
    const cutTokens = await (await open(vocabulary))?.countTokens(attachments.text(file.id))
    expect(cutTokens).toBeLessThanOrEqual(50)
    expect(cutTokens).toBeGreaterThan(40)
  }
  // What changes the prompt is another tokenizer; each was read once.
  expect([firsts.size, children.length]).toEqual([3, 3])
})

test('what is parked is most likely reused, and is no promise', async () => {
  const { open } = keepTokenizers()
  const counter = await open(vocabularyOf(demoFiles.guide, { parkedTokens: (id) => (id === 'old' ? 9 : 0) }))
  const { promptTokens } = (await counter?.countPrompt('new', hello)) ?? {}
  expect(promptTokens).toBeGreaterThan(9)
  expect([await counter?.countPrompt('new', hello), await counter?.countPrompt('old', hello)]).toEqual([
    { promptTokens, reusedTokens: 0, heldTokens: 0, isExact: true },
    { promptTokens, reusedTokens: 9, heldTokens: 9, isExact: false },
  ])
  expect(counter?.heldOf('new')).not.toBe(counter?.heldOf('old'))
})

test('a process that dies while it counts leaves a guess, and the next one counts', async () => {
  const { open, children } = keepTokenizers()
  const dying = { times: 1 }
  const find = async (vocabulary: Vocabulary) => {
    const found = await open(vocabulary)
    if (dying.times-- > 0) children.at(-1)?.kill()
    return found
  }
  const { costs } = openCosts(vocabularyOf(demoFiles.guide), find)
  const draft = { conversationId: null, text: 'Hello', modelId: 'm', attachmentIds: [] }
  const exact = []
  for (let round = 0; round < 3; round++) exact.push((await costs.cost(draft)).isExact)
  expect([exact, children.length]).toEqual([[false, true, true], 2])
})

test('a file that ends its process is tried twice, and again when it is another one', async () => {
  const { open, children } = keepTokenizers()
  const file = path.join(folder, 'broken.gguf')
  writeFileSync(file, 'No model at all')
  for (let round = 0; round < 4; round++) expect(await open(vocabularyOf(file))).toBeNull()
  expect(children).toHaveLength(2)
  writeModel('broken.gguf')
  expect(await (await open(vocabularyOf(file)))?.countTokens('Hello')).toBe(5)
  rmSync(file)
  expect(await open(vocabularyOf(file))).toBeNull()
  await expect(Promise.all(children.slice(0, 2).map(endOf))).resolves.toHaveLength(2)
})

test('a file that was changed is read anew, and the process of the old one ends', async () => {
  const { open, children } = keepTokenizers()
  const file = writeModel('changed.gguf', { tokenText: (index) => `xy${String(index)}` })
  const before: PromptCounter | null = await open(vocabularyOf(file))
  expect(await open(vocabularyOf(file))).toBe(before)
  writeModel('changed.gguf', { vocabulary: 320 })
  const after = await open(vocabularyOf(file))
  expect(after?.vocabulary).not.toBe(before?.vocabulary)
  await endOf(children[0]!)
  await expect(before?.countTokens('Hello')).rejects.toThrow('The process of "tokenizer of Test" was ended')
  expect(await after?.countTokens('Hello')).toBe(5)
})

test('a template that never ends costs its process, whoever waits', async () => {
  const { open, children } = keepTokenizers({ limitMs: 6000 })
  const file = writeModel('trap.gguf', { chatTemplate: trapTemplate(8) })
  const counter = await open(vocabularyOf(file))
  expect((await counter?.countPrompt(null, hello))?.isExact).toBe(true)
  const messages = Array.from({ length: 7 }, (_, index): ChatMessage => ({
    ...{ role: index % 2 === 0 ? 'user' : 'assistant', text: 'Hello' },
  }))
  const leaving = new AbortController()
  const left = counter?.countPrompt(null, messages, leaving.signal)
  leaving.abort(new Error('Enough'))
  await expect(left).rejects.toThrow('Enough')
  await expect(counter?.countPrompt(null, messages)).rejects.toThrow('was ended')
  await endOf(children[0]!)
}, 30_000)

test('whoever does not wait hears that it is on its way, and leaves when told to', async () => {
  const file = path.join(folder, 'silent.mjs')
  writeFileSync(file, 'setInterval(() => undefined, 1000)')
  const { tokenizers, children } = keepTokenizers({ file })
  const vocabulary = vocabularyOf(demoFiles.guide)
  expect(await tokenizers.find(vocabulary, { starts: false })).toBeNull()
  expect(await tokenizers.find(vocabulary, { waitMs: 1000 })).toBe('loading')
  const leaving = new AbortController()
  const found = tokenizers.find(vocabulary, { signal: leaving.signal, waitMs: 60_000 })
  leaving.abort(new Error('Enough'))
  await expect(found).rejects.toThrow('Enough')
  await expect(tokenizers.find(vocabulary, { signal: leaving.signal })).rejects.toThrow('Enough')
  expect(children).toHaveLength(1)
})

test('those who ask while it is read have the same one', async () => {
  const { tokenizers, children, open } = keepTokenizers()
  const vocabulary = vocabularyOf(demoFiles.guide)
  const [counter, same] = await Promise.all([open(vocabulary), open(vocabulary)])
  expect(counter).not.toBeNull()
  expect([same, await tokenizers.find(vocabulary, { starts: false })]).toEqual([counter, counter])
  expect(children).toHaveLength(1)
})

test('no more than two are kept, idle ones end, and none is left', async () => {
  const { tokenizers, children, open } = keepTokenizers()
  for (const file of Object.values(demoFiles)) await open(vocabularyOf(file))
  await endOf(children[0]!)
  expect(children.map(isAlive)).toEqual([false, true, true])
  await open(vocabularyOf(demoFiles.coder))
  tokenizers.keepOnly((modelId) => modelId === path.basename(demoFiles.judge))
  await endOf(children[1]!)
  expect(children.map(isAlive)).toEqual([false, false, true])
  // One that has just been started, too.
  void tokenizers.find(vocabularyOf(demoFiles.guide)).catch(() => undefined)
  await tokenizers[Symbol.asyncDispose]()
  expect(children.some(isAlive)).toBe(false)
  expect(await open(vocabularyOf(demoFiles.guide))).toBeNull()

  const idle = keepTokenizers({ idleMs: 0 })
  await idle.open(vocabularyOf(demoFiles.guide))
  await endOf(idle.children[0]!)
})

test('a host counts for a model that has left as for the same in memory, and its tokenizer ends with the load', async () => {
  const dataFolder = mkdtempSync(path.join(folder, 'host-'))
  const started: ChildChannel[] = []
  const { host, client } = await startTestHost(dataFolder, {
    startChild(asked) {
      const child = startNodeChild(asked)
      started.push(child)
      return child
    },
    spareQuietMs: 3_600_000,
  })
  const id = 'demo-guide-2.2m-f16'
  try {
    for await (const models of await client.models.watch())
      if (models.some((model) => model.id === id && model.file.kind === 'usable')) break
    await client.models.load({ id })
    const draft = {
      conversationId: null,
      text: 'What is a context?',
      modelId: id,
      attachmentIds: [],
    }
    const resident = await client.turns.cost(draft)
    await client.models.unload({ id })
    const before = started.length
    let absent = await client.turns.cost(draft)
    while (absent.isProvisional) absent = await client.turns.cost(draft)
    expect({ ...absent, loadingSeconds: null }).toEqual(resident)
    const tokenizer = started[before]!
    await client.models.load({ id })
    await endOf(tokenizer)
  } finally {
    await host[Symbol.asyncDispose]()
  }
  expect(started.some(isAlive)).toBe(false)
}, 60_000)
