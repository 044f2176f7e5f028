import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import type { GgufFile } from '../../testing/gguf-file.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { gemma3File, llamaFile, mambaFile, tinyShape } from '../../testing/shapes.ts'
import type { ModelContext } from './context.ts'
import type { OpenedLlama } from './llama.ts'
import { openLlama } from './llama.ts'
import { LoadedModel } from './loaded-model.ts'

const state: { folder: string; opened?: OpenedLlama } = { folder: '' }

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
/** Three kinds of memory: attention to all that was read, to a window of it, and a state that only goes forward. */
const files: Record<string, GgufFile> = {
  attention: llamaFile({ ...tinyShape, layers: 6, vocabulary: 4000 }, random),
  window: gemma3File(random, { ...small, windowTokens: 64 }),
  recurrent: mambaFile({ ...random, layers: 2, vocabulary: 4000 }, { embedding: 64 }),
}

async function load(name: string): Promise<LoadedModel> {
  const file = path.join(state.folder, `${name}.gguf`)
  writeGgufFile(file, files[name]!)
  return LoadedModel.load(state.opened!, {
    path: file,
    modelPaths: [file],
    threads: 1,
    gpuLayers: 0,
    flashAttention: false,
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
  for await (const event of context.generate({ messages, maxTokens, temperature: 0, seed: null })) {
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
      if (name === 'recurrent') expect(again.done.reusedTokens).toBe(0)
      if (name === 'attention') expect(again.done.reusedTokens).toBeGreaterThan(first[0]!.text.length)
    }
    await model.closeContext('kept')
    await model.closeContext('fresh')
  })
}
