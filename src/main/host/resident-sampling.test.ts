import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { splitThoughts } from '../../contract/thoughts.ts'
import { startNodeChild } from './node-starter.ts'
import { ResidentModel, type AnswerOptions } from './resident-model.ts'
import { ask, demoFiles, startTestModel } from './testing-demo-model.ts'

const state: { model?: ResidentModel; conversations: number } = { conversations: 0 }

beforeAll(async () => {
  state.model = new ResidentModel({
    start: startNodeChild,
    program: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
    env: { PLENUM_DEVICE: 'cpu' },
    name: 'Guide',
    path: fileURLToPath(new URL('../../../resources/demo-models/demo-guide-2.2m-f16.gguf', import.meta.url)),
    facts: {
      kvLayerGroups: [{ layers: 5, kvHeads: 2, keyLength: 32, valueLength: 32, windowTokens: null }],
      ...{ recurrentStateBytes: 0, headCount: 6, embeddingLength: 192, feedForwardLength: 512 },
      ...{ vocabularySize: 1024, experts: null },
    },
    threads: 1,
    gpuLayers: null,
    contextTokens: 256,
    limitTokens: 1024,
    domains: { host: 'unified', device: 'unified' },
    resize: () => true,
  })
  await state.model.load()
})
afterAll(async () => state.model?.[Symbol.asyncDispose]())

function model(): ResidentModel {
  if (!state.model) throw new Error('Not loaded')
  return state.model
}

const question: ChatMessage[] = [{ role: 'user', text: 'What is unified memory?' }]

type Done = Extract<GenerateEvent, { kind: 'done' }>

async function answer(
  options: AnswerOptions,
  { messages = question, conversation = `c${String(state.conversations++)}` } = {},
): Promise<{ text: string; done: Done }> {
  let text = ''
  for await (const event of model().generate(conversation, messages, options)) {
    if (event.kind === 'text') text += event.text
    if (event.kind === 'done') return { text, done: event }
  }
  throw new Error('The answer has no end')
}

test('a fixed seed gives the same answer again, also where the context grew meanwhile; another seed another one', async () => {
  const sampling = { temperature: 4, topK: 0, topP: 1, minP: 0, maxTokens: 300 }
  const conversation = 'seeded'
  const messages: ChatMessage[] = [{ role: 'user', text: 'What is unified memory? '.repeat(24) }]
  const first = await answer({ sampling: { ...sampling, seed: 7 } }, { conversation, messages })
  const [context] = model().contexts()
  const again = await answer({ sampling: { ...sampling, seed: 7 } }, { conversation, messages })
  const other = await answer({ sampling: { ...sampling, seed: 8 } }, { messages })
  const greedy = await answer({ sampling: { maxTokens: 300 } }, { messages })
  expect(again.text).toBe(first.text)
  expect(new Set([first.text, other.text, greedy.text]).size).toBe(3)
  // The first time it grew in mid-answer, the second time not.
  expect(first.done.promptTokens).toBeLessThan(255)
  expect(context?.contextTokens).toBeGreaterThan(256)
})

test('the likeliest token is the same whatever top-k, top-p and min-p say', async () => {
  const usual = await answer({ sampling: { maxTokens: 40 } })
  const wide = await answer({ sampling: { maxTokens: 40, topK: 0, topP: 1, minP: 0, seed: 3 } })
  const narrow = await answer({ sampling: { maxTokens: 40, temperature: 2, topK: 1, seed: 3 } })
  expect([wide.text, narrow.text]).toEqual([usual.text, usual.text])
})

test('an answer ends before a stop text, and after as many tokens as it may have', async () => {
  const whole = await answer({})
  const word = whole.text.split(' ')[3] ?? ''
  const stopped = await answer({ sampling: { stopTexts: ['never written', word] } })
  const short = await answer({ sampling: { maxTokens: 5 } })
  expect(whole.text.startsWith(short.text)).toBe(true)
  expect({
    text: stopped.text,
    stopReason: stopped.done.stopReason,
    tokens: short.done.generatedTokens,
    shortReason: short.done.stopReason,
  }).toEqual({
    text: whole.text.slice(0, whole.text.indexOf(word)),
    stopReason: 'stop-text',
    tokens: 5,
    shortReason: 'max-tokens',
  })
})

test('a strong repeat penalty keeps words from coming up again, as far as its window', async () => {
  const penalized = await answer({ sampling: { repeatPenalty: 5, repeatWindowTokens: 512, maxTokens: 60 } })
  const usual = await answer({ sampling: { maxTokens: 60 } })
  const off = await answer({ sampling: { repeatPenalty: 1, repeatWindowTokens: 512, maxTokens: 60 } })
  expect(off.text).toBe(usual.text)
  expect(penalized.text).not.toBe(usual.text)
})

test('an answer that follows a JSON schema is valid JSON of that form, and ends with it', async () => {
  const jsonSchema = {
    type: 'object',
    properties: {
      kind: { enum: ['question', 'order'] },
      isClear: { type: 'boolean' },
      note: { type: 'string', maxLength: 20 },
    },
  }
  const { text, done } = await answer({ jsonSchema, sampling: { maxTokens: 300 } })
  const value = JSON.parse(text) as { kind: string; isClear: boolean; note: string }
  expect(['question', 'order']).toContain(value.kind)
  expect({ keys: Object.keys(value), isClear: typeof value.isClear, stop: done.stopReason }).toEqual({
    keys: ['kind', 'isClear', 'note'],
    isClear: 'boolean',
    stop: 'end',
  })
  // The same one again is drawn token by token with its seed: the grammar goes on from round to round.
  const seeded = await answer({ jsonSchema, sampling: { temperature: 1.2, seed: 5, maxTokens: 300 } })
  expect(() => void JSON.parse(seeded.text)).not.toThrow()
})

test('a model that thinks first does so freely, and its answer is valid JSON of the form that was asked for', async () => {
  // As thinking models' templates are: the thought is begun for the model, and former ones are left out.
  const chatTemplate =
    "{% for message in messages %}{% if message['role'] == 'user' %}<|im_start|>user\n{{ message['content'] }}<|im_end|>\n<|im_start|>assistant\n<think>\n{% else %}{{ message['content'].split('</think>')[-1] }}<|im_end|>\n{% endif %}{% endfor %}"
  await using thinker = startTestModel(demoFiles.judge, {
    load: {
      ...{ kvType: 'f16', flashAttention: true, batchTokens: 512, fileAccess: 'mmap', thinking: null },
      ...{ chatTemplate, thinkingBudgetTokens: 12 },
    },
  })
  await thinker.load()
  const conversation = { id: 'thinking', messages: [] }
  const { answer: text, done } = await ask(thinker, conversation, 'Is a KV cache memory?', {
    jsonSchema: {
      type: 'object',
      properties: { verdict: { enum: ['PASS', 'FAIL'] }, sure: { type: 'boolean' } },
    },
    sampling: { maxTokens: 200 },
  })
  const parts = splitThoughts(text, { isGrowing: false })
  expect(parts.map(({ kind }) => kind)).toEqual(['thought', 'answer'])
  // What is thought follows no grammar.
  expect(() => void JSON.parse(parts[0]!.text)).toThrow()
  expect(parts[0]!.text.length).toBeGreaterThan(10)
  expect(Object.keys(JSON.parse(parts[1]!.text) as object)).toEqual(['verdict', 'sure'])
  expect(done.stopReason).toBe('end')
})

test('what an answer would read is counted as it is read then, with what is held and what no longer fits', async () => {
  const conversation = 'counted'
  const counted = await model().countPrompt(conversation, question)
  const first = await answer({}, { conversation })
  const later: ChatMessage[] = [
    ...question,
    { role: 'assistant', text: first.text },
    { role: 'user', text: '  And a KV cache? ' },
  ]
  const next = await model().countPrompt(conversation, later)
  const instructed = await model().countPrompt(conversation, [
    { role: 'system', text: 'Be brief.' },
    ...later,
  ])
  const second = await answer({}, { conversation, messages: later })
  // What its context will hold of another conversation is nobody's promise.
  const { promptTokens } = first.done
  expect(counted).toEqual({ promptTokens, reusedTokens: 0, heldTokens: 0, isExact: true })
  expect(next).toEqual({
    promptTokens: second.done.promptTokens,
    reusedTokens: second.done.reusedTokens,
    heldTokens: first.done.usedTokens,
    isExact: true,
  })
  expect(next.reusedTokens).toBeGreaterThan(0)
  expect(instructed.reusedTokens).toBeLessThan(4)
  expect(instructed.heldTokens).toBe(first.done.usedTokens)
})
