import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { greedySampling } from '../../contract/sampling.ts'
import type { GgufFile } from '../../testing/gguf-file.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { gemma3File, lfm2File, llamaFile, mambaFile, tinyShape } from '../../testing/shapes.ts'
import type { ModelContext } from './context.ts'
import type { OpenedLlama } from './llama.ts'
import { openLlama } from './llama.ts'
import { LoadedModel } from './loaded-model.ts'

const state: { folder: string; opened?: OpenedLlama; models: Map<string, Promise<LoadedModel>> } = {
  folder: '',
  models: new Map(),
}

beforeAll(async () => {
  vi.stubEnv('PLENUM_DEVICE', 'cpu')
  state.folder = await mkdtemp(path.join(tmpdir(), 'plenum-context-'))
  state.opened = await openLlama()
})
afterAll(async () => {
  await state.opened?.llama.dispose()
  await rm(state.folder, { recursive: true })
})

const random = { data: 'random', contextTokens: 1024 } as const
const small = {
  layers: 6,
  embedding: 64,
  feedForward: 128,
  heads: 4,
  kvHeads: 2,
  headLength: 16,
  vocabulary: 4000,
}
/**
 * Kinds of memory: attention to all that was read, to a window of it, to a window with all of it kept, a state that only goes forward, and
 * such a state beside attention.
 */
const files: Record<string, GgufFile> = {
  attention: llamaFile({ ...tinyShape, layers: 6, vocabulary: 4000 }, random),
  window: gemma3File(random, { ...small, windowTokens: 64 }),
  'full window': gemma3File(random, { ...small, windowTokens: 64 }),
  recurrent: mambaFile({ ...random, layers: 2, vocabulary: 4000 }, { embedding: 64 }),
  hybrid: lfm2File({ ...small, contextTokens: 1024 }, random),
}
/** These can go back to wherever they were. */
const goBackAnywhere = ['attention', 'full window']

/** A model of its own kind, loaded once: llama.cpp hangs when it ends with many of them. */
async function load(name: string): Promise<LoadedModel> {
  const loaded = state.models.get(name) ?? loadFile(name)
  state.models.set(name, loaded)
  return loaded
}

async function loadFile(name: string): Promise<LoadedModel> {
  const file = path.join(state.folder, `${name}.gguf`)
  writeGgufFile(file, files[name]!)
  return LoadedModel.load(state.opened!, {
    path: file,
    fileBytes: 0,
    threads: 1,
    gpuLayers: 0,
    flashAttention: false,
    fullWindowCache: name === 'full window',
    onProgress: () => undefined,
  })
}

type Done = Extract<GenerateEvent, { kind: 'done' }>

async function answer(
  context: ModelContext,
  messages: readonly ChatMessage[],
  maxTokens = 24,
): Promise<{ text: string; done: Done }> {
  let text = ''
  for await (const event of context.generate({ messages, sampling: { ...greedySampling, maxTokens } })) {
    if (event.kind === 'text') text += event.text
    if (event.kind === 'done') return { text, done: event }
  }
  throw new Error('The answer has no end')
}

const first: ChatMessage[] = [
  { role: 'user', text: 'A question that is a few dozen tokens long, one for each letter.' },
]

for (const name of Object.keys(files)) {
  test(`${name}: what a context keeps answers as if all had been read afresh`, async () => {
    const model = await load(name)
    const kept = await model.openContext('kept', { contextTokens: 512 })
    const fresh = await model.openContext('fresh', { contextTokens: 512 })
    const one = await answer(kept, first)
    const second: ChatMessage[] = [
      ...first,
      { role: 'assistant', text: one.text },
      { role: 'user', text: 'And more?' },
    ]
    const two = await answer(kept, second)
    // Going on needs no going back, whatever the layers are.
    expect(two.done.reusedTokens).toBeGreaterThanOrEqual(one.done.promptTokens + one.done.generatedTokens - 2)
    await answer(fresh, first)
    expect(two.text).toBe((await answer(fresh, second)).text)

    // The same turn again, and another path after the first answer: both go back.
    const other: ChatMessage[] = [...second.slice(0, 2), { role: 'user', text: 'Or less?' }]
    for (const messages of [second, other, first]) {
      const again = await answer(kept, messages)
      // Afresh, but with the first answer in the tokens in which the model writes it.
      await fresh.clear()
      const begun = await answer(fresh, first)
      const afresh = messages === first ? begun : await answer(fresh, messages)
      expect(again.text).toBe(afresh.text)
      // The checkpoint is where the last answer began.
      if (messages === second) expect(again.done.reusedTokens).toBe(again.done.promptTokens - 1)
      else if (goBackAnywhere.includes(name))
        expect(again.done.reusedTokens).toBeGreaterThan(first[0]!.text.length)
      else if (name !== 'window') expect(again.done.reusedTokens).toBe(0)
    }
    await model.closeContext('kept')
    await model.closeContext('fresh')
  })
}

for (const name of Object.keys(files)) {
  test(`${name}: options are weighed as if all had been read afresh, also where they begin alike`, async () => {
    const model = await load(name)
    const options = ['one thing', 'one other', 'none', 'nothing at all']
    const request = { messages: first, options }
    const fresh = await model.openContext('fresh', { contextTokens: 512 })
    const kept = await model.openContext('kept', { contextTokens: 512 })
    const expected = await fresh.choose(request)
    await kept.choose({ messages: [{ role: 'user', text: 'Something else.' }], options })
    for (let round = 0; round < 2; round++) {
      const chosen = await kept.choose(request)
      const differences = chosen.probabilities.map((each, at) =>
        Math.abs(each - (expected.probabilities[at] ?? 0)),
      )
      expect(Math.max(...differences)).toBeLessThan(1e-3)
      if (round === 1) expect(chosen.reusedTokens).toBe(chosen.promptTokens - 1)
    }
    // An answer after it is as without.
    const { text, done } = await answer(kept, first)
    expect(done.reusedTokens).toBe(done.promptTokens - 1)
    await fresh.clear()
    expect(text).toBe((await answer(fresh, first)).text)
    await model.closeContext('kept')
    await model.closeContext('fresh')
  })
}

for (const name of Object.keys(files)) {
  test(`${name}: what was read ahead is not read again, and answers as if it had been read then`, async () => {
    const model = await load(name)
    const ahead = await model.openContext('ahead', { contextTokens: 512 })
    const fresh = await model.openContext('fresh', { contextTokens: 512 })
    const spoken: ChatMessage[] = [...first, { role: 'assistant', text: 'An answer of somebody else.' }]
    const read = await ahead.read(spoken)
    expect(read).toMatchObject({
      reusedTokens: 0,
      readTokens: read.promptTokens,
      usedTokens: read.promptTokens,
    })
    expect(await ahead.read(spoken)).toMatchObject({ readTokens: 0, reusedTokens: read.promptTokens })
    const next: ChatMessage[] = [...spoken, { role: 'user', text: 'And more?' }]
    const { text, done } = await answer(ahead, next)
    expect(done.reusedTokens).toBe(read.promptTokens)
    expect(text).toBe((await answer(fresh, next)).text)
    // An answer of its own needs no reading but of its end.
    const own: ChatMessage[] = [...next, { role: 'assistant', text }]
    expect((await ahead.read(own)).readTokens).toBeLessThan(40)

    // Stopped, it keeps what it has read.
    await ahead.clear()
    const long: ChatMessage[] = [{ role: 'user', text: 'word '.repeat(80) }, ...spoken.slice(1)]
    const reading = ahead.read(long)
    ahead.stop()
    const stopped = await reading
    expect(stopped.readTokens).toBeLessThan(stopped.promptTokens)
    expect(stopped.usedTokens).toBe(stopped.readTokens)
    await model.closeContext('ahead')
    await model.closeContext('fresh')
  })
}

for (const name of Object.keys(files)) {
  test(`${name}: a state on disk goes on as if the model had never left, also in a larger context`, async () => {
    const model = await load(name)
    const kept = await model.openContext('kept', { contextTokens: 512 })
    const one = await answer(kept, first)
    const second: ChatMessage[] = [
      ...first,
      { role: 'assistant', text: one.text },
      { role: 'user', text: 'And more?' },
    ]
    const file = path.join(state.folder, `${name}.kv`)
    const saved = await kept.save(file)
    expect(saved).toEqual({ tokens: one.done.usedTokens, bytes: (await stat(file)).size })
    const two = await answer(kept, second)

    for (const contextTokens of [512, 1024]) {
      const returned = await model.openContext(`returned ${String(contextTokens)}`, { contextTokens })
      expect(await returned.restore(file)).toEqual({ tokens: saved.tokens })
      const again = await answer(returned, second)
      expect(again.text).toBe(two.text)
      expect(again.done.reusedTokens).toBe(saved.tokens)
      await model.closeContext(`returned ${String(contextTokens)}`)
    }
    await model.closeContext('kept')
  })

  test(`${name}: a context that grows and shrinks between turns and in mid-answer gives the same text`, async () => {
    const model = await load(name)
    const roomy = await model.openContext('roomy', { contextTokens: 1024 })
    const elastic = await model.openContext('elastic', { contextTokens: 256 })
    const wanted = await answer(roomy, first, 400)
    let text = ''
    let done: Done | null = null
    const sizes: number[] = []
    const request = { messages: first, sampling: { ...greedySampling, maxTokens: 400 }, mayGrow: true }
    for await (const event of elastic.generate(request)) {
      if (event.kind === 'full') {
        await elastic.resize(elastic.contextTokens + 256, { path: path.join(state.folder, 'moving.kv') })
        sizes.push(elastic.contextTokens)
      }
      if (event.kind === 'text') text += event.text
      if (event.kind === 'done') done = event
    }
    expect(sizes).toEqual([512])
    expect(text).toBe(wanted.text)
    expect(done).toMatchObject({ stopReason: 'max-tokens', generatedTokens: 400 })

    const second: ChatMessage[] = [...first, { role: 'assistant', text }, { role: 'user', text: 'And more?' }]
    await elastic.resize(1024, { path: path.join(state.folder, 'moving.kv') })
    const next = await answer(elastic, second)
    expect(next.text).toBe((await answer(roomy, second)).text)
    expect(next.done.reusedTokens).toBeGreaterThanOrEqual(done!.usedTokens - 1)
    await model.closeContext('roomy')
    await model.closeContext('elastic')
  })
}

for (const name of Object.keys(files)) {
  test(`${name}: is drafted for where it can go back, with the same text`, async () => {
    const model = await load(name)
    const context = await model.openContext('one', { contextTokens: 512 })
    const sampling = { ...greedySampling, maxTokens: 200 }
    const wanted = await answer(context, first, 200)
    let text = ''
    let done: Done | null = null
    const draft = { kind: 'lookup', persists: true } as const
    for await (const event of context.generate({ messages: first, sampling, draft })) {
      if (event.kind === 'text') text += event.text
      if (event.kind === 'done') done = event
    }
    expect(text).toBe(wanted.text)
    expect(done?.usedTokens).toBe(wanted.done.usedTokens)
    // Random weights soon go round in circles.
    if (goBackAnywhere.includes(name)) expect(done?.draft?.acceptedTokens).toBeGreaterThan(0)
    else expect(done?.draft).toBeUndefined()
    await model.closeContext('one')
  })
}

test('a resize that fails leaves everything as it was', async () => {
  const model = await load('attention')
  const context = await model.openContext('one', { contextTokens: 512 })
  const one = await answer(context, first)
  // Nobody can write there.
  const nowhere = path.join(state.folder, 'none', 'moving.kv')
  await expect(context.resize(1024, { path: nowhere })).rejects.toThrow('move to a context of 1024 tokens')
  expect(context.contextTokens).toBe(512)
  const { done } = await answer(context, [
    ...first,
    { role: 'assistant', text: one.text },
    { role: 'user', text: 'And more?' },
  ])
  expect(done.reusedTokens).toBe(one.done.usedTokens)
  await model.closeContext('one')
})

test.runIf(process.platform === 'linux')('a disk that is full is told as such', async () => {
  const model = await load('attention')
  const context = await model.openContext('one', { contextTokens: 512 })
  await answer(context, first)
  await expect(context.save('/dev/full')).rejects.toMatchObject({ code: 'DISK_FULL' })
  await model.closeContext('one')
})
