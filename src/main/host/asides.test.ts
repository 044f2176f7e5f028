import { expect, onTestFinished, test } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import { kvCacheBytes } from '../core/footprint.ts'
import type { LoadSettings, ResidentModel, ResidentModelOptions } from './resident-model.ts'
import { ask, demoFacts, demoFiles, startTestModel, type TestConversation } from './testing-demo-model.ts'

const routing = 'You sort requests. Reply with one label: chat, code, math, memory.'
const checking = 'You check answers. Reply PASS or FAIL with one reason.'
const labels = ['chat', 'code', 'math', 'memory']

async function startLoaded(
  file: string,
  options: Partial<ResidentModelOptions> = {},
): Promise<ResidentModel> {
  const model = startTestModel(file, options)
  onTestFinished(() => model[Symbol.asyncDispose]())
  await model.load()
  return model
}

function routed(text: string): ChatMessage[] {
  return [
    { role: 'system', text: routing },
    { role: 'user', text },
  ]
}

/** What it answers by itself, on the side. */
async function say(
  model: ResidentModel,
  messages: readonly ChatMessage[],
  continues = false,
): Promise<string> {
  let text = ''
  for await (const event of model.generate(null, messages, { continues }))
    if (event.kind === 'text') text += event.text
  return text
}

function likeliest(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities))
}

test('chooses as it answers by itself, and reads what all requests share once', async () => {
  const model = await startLoaded(demoFiles.judge)
  const requests = [
    'What is 7 plus 5?',
    'Write a function that adds two numbers.',
    'What is a KV cache?',
    'Hello!',
  ]
  const chosen = []
  for (const request of requests) {
    const { probabilities, coveredShare, ...figures } = await model.choose(null, routed(request), labels)
    const sum = probabilities.reduce((total, each) => total + each, 0)
    expect(sum).toBeCloseTo(1)
    expect(coveredShare).toBeGreaterThan(0.9)
    expect(labels[likeliest(probabilities)]).toBe(await say(model, routed(request)))
    chosen.push({ label: labels[likeliest(probabilities)], figures })
  }
  expect(chosen.map(({ label }) => label)).toEqual(['math', 'code', 'memory', 'chat'])
  expect(chosen[0]?.figures).toMatchObject({ reusedTokens: 0 })
  const { promptTokens = 0, reusedTokens = 0, usedTokens = 0 } = chosen[1]?.figures ?? {}
  // The system prompt and the beginning of the question.
  expect(reusedTokens).toBeGreaterThan(promptTokens / 2)
  expect(usedTokens).toBe(promptTokens - 1)
  expect(model.contexts()).toMatchObject([
    { conversationId: null, usedTokens: 0 },
    { conversationId: null, isAside: true, isParked: false },
  ])
})

test('goes on from a chosen beginning: a verdict, and then its reason', async () => {
  const model = await startLoaded(demoFiles.judge)
  const messages: ChatMessage[] = [
    { role: 'system', text: checking },
    { role: 'user', text: 'Question: What is 7 plus 5?\nAnswer: def add(a, b):' },
  ]
  const { probabilities } = await model.choose(null, messages, ['PASS', 'FAIL'])
  const verdict = ['PASS', 'FAIL'][likeliest(probabilities)]!
  const begun: ChatMessage[] = [...messages, { role: 'assistant', text: `${verdict}:` }]
  expect(`${verdict}:${await say(model, begun, true)}`).toBe(await say(model, messages))
  // The options follow what is there of the answer.
  const reasons = await model.choose(null, begun, ['the answer fits', 'the answer does not fit'], {
    continues: true,
  })
  expect(likeliest(reasons.probabilities)).toBe(verdict === 'PASS' ? 0 : 1)
})

test('an aside neither takes the context of a conversation nor counts as one', async () => {
  const model = await startLoaded(demoFiles.judge, { contextTokens: 256, limitTokens: 1024 })
  const conversations: TestConversation[] = ['one', 'two'].map((id) => ({ id, messages: [] }))
  for (const conversation of conversations) await ask(model, conversation, 'My name is Ada.')
  for (const conversation of conversations) {
    await model.choose(null, routed('Hello!'), labels)
    const { done } = await ask(model, conversation, 'Hello!')
    expect(done.reusedTokens).toBeGreaterThan(10)
  }
  expect(model.contexts().map(({ conversationId, isAside }) => conversationId ?? isAside)).toEqual([
    ...['one', 'two'],
    true,
  ])
  // It is the first that can be given back, and comes again.
  const [aside] = model.idleKv().filter(({ lastUsedAt }) => lastUsedAt === 0)
  expect(aside).toMatchObject({ kind: 'shrink' })
  expect(await model.giveBack(aside!.id)).toBeGreaterThan(0)
  expect(model.contexts().some(({ isAside }) => isAside)).toBe(false)
  await model.choose(null, routed('Hello!'), labels)
  expect(model.contexts().some(({ isAside }) => isAside)).toBe(true)
})

test('keeps to the KV budget: idle conversations give back what they do not use', async () => {
  const kvBudgetBytes = kvCacheBytes(demoFacts, 2 * 1024)
  const model = await startLoaded(demoFiles.judge, { contextTokens: 1024, kvBudgetBytes })
  const conversations: TestConversation[] = ['one', 'two'].map((id) => ({ id, messages: [] }))
  for (const conversation of conversations) await ask(model, conversation, 'My name is Ada.')
  const kvBytes = () => model.contexts().reduce((sum, context) => sum + context.kvBytes, 0)
  expect(kvBytes()).toBe(kvBudgetBytes)
  const { probabilities } = await model.choose(null, routed('What is 7 plus 5?'), labels)
  expect(labels[likeliest(probabilities)]).toBe('math')
  expect(kvBytes()).toBeLessThanOrEqual(kvBudgetBytes)
  for (const conversation of conversations)
    expect((await ask(model, conversation, 'Hello!')).done.reusedTokens).toBeGreaterThan(10)
})

test('without any room but for one context, an aside has that one and the conversation comes back after it', async () => {
  const one = await startLoaded(demoFiles.judge, { contextTokens: 256 })
  const bytes = footprintBytes(one.footprint())
  const model = await startLoaded(demoFiles.judge, {
    contextTokens: 256,
    resize: (footprint) => footprintBytes(footprint) < bytes * 1.02,
    kvBudgetBytes: kvCacheBytes(demoFacts, 256),
  })
  const conversation: TestConversation = { id: 'one', messages: [] }
  await ask(model, conversation, 'My name is Ada.')
  const { probabilities } = await model.choose(null, routed('Hello!'), labels)
  expect(labels[likeliest(probabilities)]).toBe('chat')
  expect((await ask(model, conversation, 'What is my name?')).answer).toContain('Ada')
})

test('grows for a question that is too long for it', async () => {
  const model = await startLoaded(demoFiles.judge, { contextTokens: 256, limitTokens: 1024 })
  const long = `${'My name is Ada. '.repeat(60)}What is 7 plus 5?`
  const { promptTokens } = await model.choose(null, routed(long), labels)
  expect(promptTokens).toBeGreaterThan(256)
  const [, aside] = model.contexts()
  expect(aside).toMatchObject({ isAside: true, usedTokens: promptTokens - 1 })
  await expect(model.choose(null, routed(long.repeat(4)), labels)).rejects.toMatchObject({
    code: 'CONTEXT_FULL',
  })
})

test('is cancelled within a batch and answers afterwards', async () => {
  const model = await startLoaded(demoFiles.judge, { contextTokens: 1024, load: small })
  const long = routed('My name is Ada. '.repeat(110))
  for (const isEarly of [true, false]) {
    const stop = new AbortController()
    const choosing = model.choose(null, long, labels, { signal: stop.signal })
    if (!isEarly)
      await expect.poll(() => model.contexts().some(({ isAside, isBusy }) => isAside && isBusy)).toBe(true)
    stop.abort(new Error('no longer wanted'))
    await expect(choosing).rejects.toThrow('no longer wanted')
  }
  // What was read before is kept: less than all of it, so it did stop.
  const { reusedTokens, promptTokens } = await model.choose(null, long, labels)
  expect(reusedTokens).toBeLessThan(promptTokens - 1)
})

const small: LoadSettings = {
  ...{ kvType: 'f16', batchTokens: 16, fileAccess: 'mmap', flashAttention: false },
  ...{ chatTemplate: null, thinking: null },
}

test('refuses options that are empty or the same', async () => {
  const model = await startLoaded(demoFiles.judge)
  for (const options of [
    ['chat', ' chat'],
    ['chat', ''],
  ])
    await expect(model.choose(null, routed('Hello!'), options)).rejects.toMatchObject({ code: 'BAD_INPUT' })
})
