import { expect, onTestFinished, test } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { kvCacheBytes } from '../core/footprint.ts'
import type { ResidentModel, ResidentModelOptions } from './resident-model.ts'
import { ask, demoFacts, demoFiles, startTestModel, type TestConversation } from './testing-demo-model.ts'

async function startLoaded(options: Partial<ResidentModelOptions> = {}): Promise<ResidentModel> {
  const model = startTestModel(demoFiles.guide, options)
  onTestFinished(() => model[Symbol.asyncDispose]())
  await model.load()
  return model
}

const spoken: ChatMessage[] = [
  { role: 'user', text: 'My name is Ada.' },
  { role: 'assistant', text: 'Nice to meet you, Ada.' },
]

test('takes no context of another conversation, and is the first to be given back', async () => {
  const model = await startLoaded({ contextTokens: 256, limitTokens: 1024 })
  const one: TestConversation = { id: 'one', messages: [] }
  const two: TestConversation = { id: 'two', messages: [] }
  await ask(model, one, 'My name is Ada.')
  expect(await model.warm('ahead', spoken)).toMatchObject({ reusedTokens: 0 })
  const conversations = () => model.contexts().map(({ conversationId }) => conversationId)
  expect(conversations()).toEqual(['one', 'ahead'])
  // What was read ahead goes first, though it was read last.
  await ask(model, two, 'My name is Grace.')
  expect(conversations()).toEqual(['one', 'two'])
  expect(await model.warm('ahead', spoken)).toBeNull()
  expect(conversations()).toEqual(['one', 'two'])
  expect(await model.warm('two', [...two.messages])).toMatchObject({
    promptTokens: expect.any(Number) as number,
  })
})

test('grows only into room that nobody has to give up', async () => {
  const kvBudgetBytes = kvCacheBytes(demoFacts, 512)
  const model = await startLoaded({ contextTokens: 256, limitTokens: 1024, kvBudgetBytes })
  const one: TestConversation = { id: 'one', messages: [] }
  await ask(model, one, 'My name is Ada.')
  const long: ChatMessage[] = [{ role: 'user', text: 'My name is Ada. '.repeat(60) }, spoken[1]!]
  await expect(model.warm('ahead', long)).rejects.toMatchObject({ code: 'CONTEXT_FULL' })
  expect(model.contexts().map(({ contextTokens }) => contextTokens)).toEqual([256, 256])
  expect((await ask(model, one, 'What is my name?')).done.reusedTokens).toBeGreaterThan(10)
})

test('makes way within a batch for whoever asks for a context, and keeps what it has read', async () => {
  const model = await startLoaded({
    contextTokens: 1024,
    load: {
      ...{ kvType: 'f16', batchTokens: 16, fileAccess: 'mmap', flashAttention: false },
      ...{ chatTemplate: null, thinking: null },
    },
  })
  const long: ChatMessage[] = [{ role: 'user', text: 'My name is Ada. '.repeat(100) }, spoken[1]!]
  const ahead = model.warm('one', long).catch((error: unknown) => {
    // Before it has begun to read.
    expect(error).toMatchObject({ name: 'AbortError' })
    return null
  })
  await expect.poll(() => model.contexts().some(({ isBusy }) => isBusy)).toBe(true)
  const { done } = await ask(model, { id: 'one', messages: [...long] }, 'What is my name?')
  const read = await ahead
  expect(read?.readTokens ?? 0).toBeLessThan(read?.promptTokens ?? 1)
  expect(done.reusedTokens).toBe(read?.usedTokens ?? 0)
})
