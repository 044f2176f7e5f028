import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { greedySampling, type ResolvedSampling } from '../../contract/sampling.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { llamaFile, tinyShape } from '../../testing/shapes.ts'
import type { AnswerRequest, ModelContext } from './context.ts'
import type { OpenedLlama } from './llama.ts'
import { openLlama } from './llama.ts'
import { LoadedModel } from './loaded-model.ts'

const demoFolder = path.resolve(import.meta.dirname, '../../../resources/demo-models')
const guideFile = path.join(demoFolder, 'demo-guide-2.2m-f16.gguf')
const coderFile = path.join(demoFolder, 'demo-coder-2.2m-f16.gguf')

const state: { folder: string; opened?: OpenedLlama; models: Map<string, Promise<LoadedModel>> } = {
  folder: '',
  models: new Map(),
}

beforeAll(async () => {
  vi.stubEnv('PLENUM_DEVICE', 'cpu')
  state.folder = await mkdtemp(path.join(tmpdir(), 'plenum-drafting-'))
  state.opened = await openLlama()
})
afterAll(async () => {
  await state.opened?.llama.dispose()
  await rm(state.folder, { recursive: true })
})

/** A model and its draft, loaded once. */
async function load(file: string, draft: string): Promise<LoadedModel> {
  const key = `${file} ${draft}`
  const loaded = state.models.get(key) ?? loadPair(file, draft)
  state.models.set(key, loaded)
  return loaded
}

async function loadPair(file: string, draft: string): Promise<LoadedModel> {
  const model = await LoadedModel.load(state.opened!, {
    ...{ path: file, fileBytes: 0, threads: 1, gpuLayers: 0, flashAttention: false },
    draft: { ...draftOptions, path: draft, name: 'Draft' },
    onProgress: () => undefined,
  })
  await model.loadDraft(0)
  return model
}

const draftOptions = { contextTokens: 512, batchTokens: 64, gpuLayers: 0, flashAttention: false }

type Done = Extract<GenerateEvent, { kind: 'done' }>
type Asked = Partial<Omit<AnswerRequest, 'sampling'>> & { readonly sampling?: Partial<ResolvedSampling> }

async function answer(
  context: ModelContext,
  messages: readonly ChatMessage[],
  { sampling, ...how }: Asked = {},
): Promise<{ text: string; done: Done }> {
  let text = ''
  const request = { messages, ...how, sampling: { ...greedySampling, maxTokens: 200, ...sampling } }
  for await (const event of context.generate(request)) {
    if (event.kind === 'full')
      await context.resize(context.contextTokens + 256, { path: path.join(state.folder, 'moving.kv') })
    if (event.kind === 'text') text += event.text
    if (event.kind === 'done') return { text, done: event }
  }
  throw new Error('The answer has no end')
}

const questions = ['Who are you?', 'How do I pin a model?', 'What is a KV cache?']
const ask = (text: string): ChatMessage[] => [{ role: 'user', text }]
/** A question, its answer, and the question again: the answer can be looked up. */
const repeated = (text: string, said: string): ChatMessage[] => [
  ...ask(text),
  { role: 'assistant', text: said },
  ...ask(text),
]

/** The same with a draft and without, in contexts of their own. */
async function both(
  model: LoadedModel,
  draft: NonNullable<AnswerRequest['draft']>,
  messages: ChatMessage[],
  how: Asked = {},
) {
  const one = await model.openContext('plain', { contextTokens: 512 })
  const other = await model.openContext('drafted', { contextTokens: 512 })
  const plain = await answer(one, messages, how)
  const drafted = await answer(other, messages, { ...how, draft })
  await model.closeContext('plain')
  await model.closeContext('drafted')
  return { plain, drafted }
}

const lookup = { kind: 'lookup', persists: true } as const
const byModel = { kind: 'model', persists: true } as const

test('looking up writes the same answers, and finds what was said before', async () => {
  const model = await load(guideFile, guideFile)
  let accepted = 0
  for (const question of questions) {
    const first = await both(model, lookup, ask(question))
    expect(first.drafted.text).toBe(first.plain.text)
    const { plain, drafted } = await both(model, lookup, repeated(question, first.plain.text))
    expect(drafted.text).toBe(plain.text)
    expect(drafted.done).toMatchObject({
      stopReason: plain.done.stopReason,
      generatedTokens: plain.done.generatedTokens,
      usedTokens: plain.done.usedTokens,
    })
    expect(plain.done.draft).toBeUndefined()
    accepted += drafted.done.draft?.acceptedTokens ?? 0
  }
  // Not all of them are answered in the same words again.
  expect(accepted).toBeGreaterThan(10)
})

test('a draft model writes the same answers, with fewer steps of the model', async () => {
  const model = await load(guideFile, coderFile)
  for (const question of questions) {
    const { plain, drafted } = await both(model, byModel, ask(question))
    await expectSame(question, [plain.text, drafted.text])
    if (drafted.text === plain.text) expect(drafted.done.usedTokens).toBe(plain.done.usedTokens)
  }
})

/** Several tokens that are computed at once may round otherwise than one by one: answers of Guide may part where two tokens are about as likely. */
async function expectSame(question: string, answers: readonly [string, string]): Promise<void> {
  if (answers[0] === answers[1]) return
  const program = path.join(import.meta.dirname, 'testing-first-difference.ts')
  const child = fork(program, [guideFile, question, ...answers], { execArgv: [] })
  const [tie] = (await once(child, 'message')) as [{ common: string; likelihoods: readonly number[] }]
  console.log(`"${question}" differs after "${tie.common}": ${tie.likelihoods.join(' against ')}`)
  expect(Math.min(...tie.likelihoods) / Math.max(...tie.likelihoods)).toBeGreaterThan(0.8)
}

test('of what the model itself drafts everything is accepted', async () => {
  const model = await load(guideFile, guideFile)
  const { plain, drafted } = await both(model, byModel, ask('How do I pin a model?'))
  expect(drafted.text).toBe(plain.text)
  const { proposedTokens = 0, acceptedTokens = 0 } = drafted.done.draft ?? {}
  expect(proposedTokens).toBeGreaterThan(plain.done.generatedTokens / 2)
  expect(acceptedTokens).toBe(proposedTokens)
})

test('stop texts, a limit of tokens and the repeat penalty hold as without a draft', async () => {
  const model = await load(guideFile, guideFile)
  const question = ask('How do I pin a model?')
  const whole = (await both(model, byModel, question)).plain.text
  const samplings: Partial<ResolvedSampling>[] = [
    { stopTexts: [whole.slice(20, 24)] },
    ...[1, 2, 3, 5, 8, 13].map((maxTokens) => ({ maxTokens })),
    { repeatPenalty: 1.3 },
  ]
  for (const draft of [byModel, lookup])
    for (const sampling of samplings) {
      const { plain, drafted } = await both(model, draft, repeated('How do I pin a model?', whole), {
        sampling,
      })
      expect([drafted.text, drafted.done.usedTokens, drafted.done.stopReason]).toEqual([
        plain.text,
        plain.done.usedTokens,
        plain.done.stopReason,
      ])
    }
})

test('with a seed the same tokens are drawn as without a draft', async () => {
  const model = await load(guideFile, guideFile)
  const sampling = { temperature: 0.8, seed: 11 }
  const { plain, drafted } = await both(model, byModel, ask('Who are you?'), { sampling })
  expect(drafted.text).toBe(plain.text)
  expect(drafted.done.draft?.proposedTokens).toBeGreaterThan(0)
})

test('an answer that follows a schema is not drafted', async () => {
  const model = await load(guideFile, guideFile)
  const jsonSchema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }
  const { plain, drafted } = await both(model, byModel, ask('Who are you?'), {
    jsonSchema,
    sampling: { maxTokens: 30 },
  })
  expect(drafted.text).toBe(plain.text)
  expect(drafted.done.draft).toBeUndefined()
})

test('a context that grows in mid-answer, and a state that comes back, are drafted on', async () => {
  const file = path.join(state.folder, 'attention.gguf')
  const shape = { ...tinyShape, layers: 4, vocabulary: 4000 }
  writeGgufFile(file, llamaFile(shape, { data: 'random', contextTokens: 1024 }))
  const model = await load(file, file)
  const question = ask('A question that is a few dozen tokens long, one for each letter.')
  for (const draft of [lookup, byModel]) {
    const roomy = await model.openContext('roomy', { contextTokens: 1024 })
    const elastic = await model.openContext('elastic', { contextTokens: 256 })
    const how = { sampling: { maxTokens: 400 } }
    const wanted = await answer(roomy, question, how)
    const grown = await answer(elastic, question, { ...how, draft, mayGrow: true })
    expect(elastic.contextTokens).toBe(512)
    expect(grown.text).toBe(wanted.text)
    expect(grown.done.generatedTokens).toBe(400)

    const kept = path.join(state.folder, 'kept.kv')
    await elastic.save(kept)
    await elastic.clear()
    await elastic.restore(kept)
    const next: ChatMessage[] = [...question, { role: 'assistant', text: grown.text }, ...ask('And more?')]
    const short = { sampling: { maxTokens: 20 } }
    const again = await answer(elastic, next, { ...short, draft, mayGrow: true })
    expect(again.text).toBe((await answer(roomy, next, short)).text)
    expect(again.done.reusedTokens).toBeGreaterThanOrEqual(grown.done.usedTokens - 1)
    await model.closeContext('roomy')
    await model.closeContext('elastic')
  }
})

test('a full context ends an answer where it would without a draft', async () => {
  const model = await load(
    path.join(state.folder, 'attention.gguf'),
    path.join(state.folder, 'attention.gguf'),
  )
  const plain = await model.openContext('plain', { contextTokens: 256 })
  const drafted = await model.openContext('drafted', { contextTokens: 256 })
  const question = ask('A question that is a few dozen tokens long, one for each letter.')
  const wanted = await answer(plain, question, { sampling: { maxTokens: 1000 } })
  expect(wanted.done.stopReason).toBe('context-full')
  for (const draft of [lookup, byModel]) {
    await drafted.clear()
    const full = await answer(drafted, question, { draft, sampling: { maxTokens: 1000 } })
    expect([full.text, full.done.stopReason, full.done.usedTokens]).toEqual([
      wanted.text,
      'context-full',
      wanted.done.usedTokens,
    ])
  }
  await model.closeContext('plain')
  await model.closeContext('drafted')
})

test('a draft model of another vocabulary is refused with both sizes', async () => {
  const file = path.join(state.folder, 'other.gguf')
  writeGgufFile(file, llamaFile({ ...tinyShape, vocabulary: 600 }, { data: 'random', contextTokens: 512 }))
  await expect(load(guideFile, file)).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(/of 600 and 1024 tokens/) as string,
    details: { help: expect.stringContaining('same family') as string },
  })
})

test('while a draft model works on one answer, another goes without', async () => {
  const model = await load(guideFile, guideFile)
  const one = await model.openContext('one', { contextTokens: 512 })
  const other = await model.openContext('other', { contextTokens: 512 })
  const [first, second] = await Promise.all([
    answer(one, ask('Who are you?'), { draft: byModel }),
    answer(other, ask('Who are you?'), { draft: byModel }),
  ])
  expect(second.text).toBe(first.text)
  expect([first, second].filter(({ done }) => done.draft !== undefined)).toHaveLength(1)
  await model.closeContext('one')
  await model.closeContext('other')
})
