import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { Footprint } from '../../contract/memory.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { llamaFile, tinyShape, trapTemplate } from '../../testing/shapes.ts'
import { Arbiter } from '../core/arbiter.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import { AnswerPause } from './answer-pause.ts'
import { hasAmx } from './processor.ts'
import type { ResidentModel, ResidentModelOptions } from './resident-model.ts'
import {
  ask,
  demoFacts,
  demoFiles,
  goOn,
  startTestModel,
  type Done,
  type TestConversation,
} from './testing-demo-model.ts'
import type { Patience } from './watchdog.ts'

const started: ResidentModel[] = []
const state = { folder: '' }

beforeAll(async () => {
  state.folder = await mkdtemp(path.join(tmpdir(), 'plenum-resident-model-'))
})
afterAll(async () => rm(state.folder, { recursive: true }))

afterEach(async () => {
  await Promise.all(started.splice(0).map(async (model) => model[Symbol.asyncDispose]()))
})

function start(file: string, options: Partial<ResidentModelOptions> = {}): ResidentModel {
  const model = startTestModel(file, options)
  started.push(model)
  return model
}

const { guide, coder, judge } = demoFiles

async function startLoaded(
  file: string,
  options: Partial<ResidentModelOptions> = {},
): Promise<ResidentModel> {
  const model = start(file, options)
  await model.load()
  return model
}

function newConversation(id = 'one'): TestConversation {
  return { id, messages: [] }
}

test('remembers a name over several turns, and reads only what is new', async () => {
  const model = await startLoaded(guide)
  const conversation = newConversation()
  const first = await ask(model, conversation, 'My name is Ada.')
  const second = await ask(model, conversation, 'How do I pin a model?')
  const third = await ask(model, conversation, 'What is my name?')

  expect(first.done).toMatchObject({ stopReason: 'end', reusedTokens: 0 })
  expect(third.answer).toContain('Ada')
  // Everything that was read or written stays: only the token that ended the answer was never put into the context.
  expect(second.done.reusedTokens).toBe(first.done.promptTokens + first.done.generatedTokens)
  expect(third.done.reusedTokens).toBe(second.done.promptTokens + second.done.generatedTokens)
  expect(third.done.usedTokens).toBe(third.done.promptTokens + third.done.generatedTokens)
})

test('an answer that was cut goes on as if it had not been, in its context and in a fresh one', async () => {
  const model = await startLoaded(guide, { contextTokens: 512 })
  const question = 'How do I pin a model?'
  const uncut = await ask(model, newConversation('uncut'), question)
  const { generatedTokens } = uncut.done
  expect(generatedTokens).toBeGreaterThan(8)
  for (const maxTokens of [1, Math.floor(generatedTokens / 2), generatedTokens - 1]) {
    const conversation = newConversation(`cut ${String(maxTokens)}`)
    const cut = await ask(model, conversation, question, { sampling: { maxTokens } })
    expect(cut.done.stopReason).toBe('max-tokens')
    for (const id of [conversation.id, `fresh ${conversation.id}`]) {
      const rest = await goOn(model, { id, messages: conversation.messages })
      expect(cut.answer + rest.answer).toBe(uncut.answer)
      expect(rest.done.stopReason).toBe('end')
      if (id === conversation.id) expect(rest.done.reusedTokens).toBeGreaterThanOrEqual(cut.done.promptTokens)
    }
  }
})

test('a second model sees what was said to the first, and each keeps its own context', async () => {
  const [first, second] = await Promise.all([startLoaded(guide), startLoaded(coder)])
  const conversation = newConversation()
  await ask(first, conversation, 'My name is Grace.')
  const other = await ask(second, conversation, 'What is my name?')
  const back = await ask(first, conversation, 'What is my name?')

  expect(other.answer).toContain('Grace')
  expect(other.done.reusedTokens).toBe(0)
  expect(back.answer).toContain('Grace')
  expect(back.done.reusedTokens).toBeGreaterThan(20)
})

test('gives each conversation a context, and takes the one that was idle longest for a third', async () => {
  const model = await startLoaded(guide)
  const [one, two, three] = [newConversation('one'), newConversation('two'), newConversation('three')]
  await ask(model, one, 'My name is Ada.')
  await ask(model, two, 'My name is Grace.')
  expect(model.contexts().map(({ conversationId }) => conversationId)).toEqual(['one', 'two'])
  await ask(model, one, 'Thank you.')
  await ask(model, three, 'My name is Linus.')
  expect(model.contexts().map(({ conversationId }) => conversationId)).toEqual(['one', 'three'])

  const answers = await Promise.all(
    [one, two, three].map(async (each) => ask(model, each, 'What is my name?')),
  )
  expect(answers.map(({ answer }) => /Ada|Grace|Linus/.exec(answer)?.[0])).toEqual(['Ada', 'Grace', 'Linus'])
})

test('stays with one context when there is no room for another', async () => {
  const asked: Footprint[] = []
  const model = await startLoaded(guide, {
    resize(footprint) {
      asked.push(footprint)
      return footprintBytes(footprint) <= footprintBytes(model.footprint())
    },
  })
  const before = footprintBytes(model.footprint())
  await ask(model, newConversation('one'), 'Hello')
  await ask(model, newConversation('two'), 'Hello')
  expect(model.contexts().map(({ conversationId }) => conversationId)).toEqual(['two'])
  const [kvCache] = model.footprint().filter(({ part }) => part === 'kvCache')
  expect(kvCache).toEqual({ part: 'kvCache', domain: 'unified', bytes: 1024 * 1280, source: 'predicted' })
  expect(Math.max(...asked.map(footprintBytes)) - before).toBeGreaterThan(1024 * 1280)
})

test('forgets a conversation and uses its context for the next one', async () => {
  const model = await startLoaded(guide, { liveContexts: 1 })
  const one = newConversation('one')
  await ask(model, one, 'My name is Ada.')
  model.forget('one')
  expect(model.contexts()).toMatchObject([
    { conversationId: null, contextTokens: 1024, usedTokens: 0, kvBytes: 1024 * 1280 },
  ])
  const { done } = await ask(model, one, 'What is my name?')
  expect(done.reusedTokens).toBe(0)
})

test('gives idle contexts back but the last one, and answers on', async () => {
  const reported: Footprint[] = []
  const resize = (footprint: Footprint) => reported.push(footprint) > 0
  const model = await startLoaded(guide, { resize })
  const [one, two] = [newConversation('one'), newConversation('two')]
  // Nobody uses it yet: it could be as small as contexts can be.
  expect(model.idleKv()).toMatchObject([{ kind: 'shrink', tokens: 0, lastUsedAt: 0 }])
  await ask(model, one, 'My name is Ada.')
  await ask(model, two, 'My name is Grace.')
  const [kv] = model.idleKv()
  const [first, second] = model.contexts()
  // The last one stays for a next turn, as small as what it holds.
  const kept = { id: second!.id, kind: 'shrink', tokens: second!.usedTokens }
  expect(model.idleKv()).toMatchObject([{ id: first!.id, kind: 'drop', tokens: first!.usedTokens }, kept])
  model.forget('one')
  expect(model.idleKv()).toMatchObject([{ id: first!.id, kind: 'shrink', tokens: 0, lastUsedAt: 0 }, kept])

  const before = footprintBytes(model.footprint())
  const freed = await model.giveBack(kv?.id ?? '')
  expect(freed).toBeGreaterThanOrEqual(1024 * 1280)
  expect(footprintBytes(model.footprint())).toBe(before - freed)
  expect(reported.at(-1)).toEqual(model.footprint())
  expect(model.contexts().map(({ conversationId }) => conversationId)).toEqual(['two'])
  // What is gone cannot be given back, and the last one only as far as it holds nothing.
  expect(await model.giveBack(kv?.id ?? '')).toBe(0)
  expect(await model.giveBack(second!.id)).toBeGreaterThanOrEqual(768 * 1280)
  expect(model.contexts()).toMatchObject([{ conversationId: 'two', contextTokens: 256 }])
  expect(model.idleKv()).toEqual([])
  expect((await ask(model, two, 'What is my name?')).answer).toContain('Grace')
  expect((await ask(model, one, 'What is my name?')).answer).toContain('Ada')
})

test('stands still at a token until it may go on, and writes the same as without', async () => {
  const model = await startLoaded(guide)
  const question: ChatMessage[] = [{ role: 'user', text: 'How do I pin a model?' }]
  const plain = await ask(model, newConversation('plain'), 'How do I pin a model?')
  const events: GenerateEvent[] = []
  const arrived = Promise.withResolvers<null>()
  const pause = new AnswerPause()
  const answer = (async () => {
    for await (const event of model.generate('paused', question, { pause })) {
      events.push(event)
      if (event.kind === 'text') arrived.resolve(null)
    }
    arrived.resolve(null)
  })()
  await arrived.promise
  await pause.pause()
  // What was under way has come with the reply at the latest.
  await new Promise((resolve) => setImmediate(resolve))
  const before = events.length
  // Other conversations are answered meanwhile, and nothing is written here.
  expect((await ask(model, newConversation('other'), 'My name is Ada.')).answer).not.toBe('')
  expect(events).toHaveLength(before)
  pause.resume()
  await answer
  const text = events.flatMap((event) => (event.kind === 'text' ? [event.text] : [])).join('')
  expect(text).toBe(plain.answer)
})

test('an answer that is stopped while it stands still ends, and its context goes on with the next', async () => {
  const model = await startLoaded(guide, { liveContexts: 1 })
  const stop = new AbortController()
  const pause = new AnswerPause()
  const events: GenerateEvent[] = []
  for await (const event of model.generate('one', [{ role: 'user', text: 'How do I pin a model?' }], {
    ...{ pause, signal: stop.signal },
  })) {
    events.push(event)
    if (events.length > 1) continue
    await pause.pause()
    stop.abort()
  }
  expect(events.at(-1)).toMatchObject({ kind: 'done', stopReason: 'stopped' })
  expect((await ask(model, newConversation('two'), 'My name is Ada.')).answer).not.toBe('')
})

test('background work makes way for an answer of its own model, also where both have to share a context', async () => {
  // Random weights rarely end an answer by themselves: this one is still under way when the other comes.
  const file = path.join(state.folder, 'endless.gguf')
  const shape = { ...tinyShape, layers: 8, embedding: 256, feedForward: 512, contextTokens: 2048 }
  writeGgufFile(file, llamaFile(shape, { data: 'random' }))
  for (const liveContexts of [2, 1]) {
    const model = await startLoaded(file, { liveContexts, contextTokens: 2048 })
    const arbiter = new Arbiter({ now: () => 0, setTimer: () => ({ [Symbol.dispose]: () => undefined }) })
    const order: string[] = []
    const answerTo = async (id: string, background?: AnswerPause) => {
      const enter = async () =>
        arbiter.enter({ ...{ modelId: 'guide', name: 'Guide', runsBeside: false }, background })
      const options = {
        enter,
        sampling: { maxTokens: background ? 400 : 10 },
        ...(background && { pause: background }),
      }
      const events = model.generate(id, [{ role: 'user', text: 'How do I pin a model?' }], options)
      for await (const event of events) if (event.kind !== 'reading') order.push(`${id} ${event.kind}`)
    }
    const background = answerTo('background', new AnswerPause())
    await expect.poll(() => order.length).toBeGreaterThan(0)
    await Promise.all([background, answerTo('answer')])
    const ends = order.filter((each) => each.endsWith('done'))
    expect(ends).toEqual(
      liveContexts === 2 ? ['answer done', 'background done'] : ['background done', 'answer done'],
    )
  }
})

test('stopping an answer that waits for a context lets it go at once, and nobody else', async () => {
  const patience = { silenceMs: 600_000, silenceAfterStopMs: 600_000, stopMs: 300 }
  const model = await startLoaded(guide, { liveContexts: 1, patience })
  const pause = new AnswerPause()
  const first = model.generate('one', [{ role: 'user', text: 'How do I pin a model?' }], { pause })
  await first.next()
  await pause.pause()
  const stop = new AbortController()
  const waiting = ask(model, newConversation('two'), 'Hello', { signal: stop.signal })
  setImmediate(() => stop.abort('no longer wanted'))
  await expect(waiting).rejects.toBe('no longer wanted')
  // Longer than a process may take to stop.
  await new Promise((resolve) => setTimeout(resolve, 600))
  pause.resume()
  const kinds: string[] = []
  for await (const { kind } of first) kinds.push(kind)
  expect(kinds.at(-1)).toBe('done')
})

test('may write several answers at once, and waits for a context when there is no room for one each', async () => {
  const names = ['Ada', 'Grace', 'Linus']
  for (const hasRoom of [true, false]) {
    const model = await startLoaded(guide, { resize: () => hasRoom })
    const conversations = names.map((name) => newConversation(name))
    const greetings = conversations.map(async (each) => ask(model, each, `My name is ${each.id}.`))
    expect((await Promise.all(greetings)).every(({ answer }) => answer !== '')).toBe(true)
    expect(model.contexts()).toHaveLength(hasRoom ? 2 : 1)
    const answers = await Promise.all(conversations.map(async (each) => ask(model, each, 'What is my name?')))
    expect(answers.map(({ answer }) => /Ada|Grace|Linus/.exec(answer)?.[0])).toEqual(names)
  }
})

test('stopping in mid-answer ends it in good order, and what was written stays read', async () => {
  const model = await startLoaded(guide)
  const conversation = newConversation()
  const controller = new AbortController()
  conversation.messages.push({ role: 'user', text: 'How do I pin a model?' })
  let answer = ''
  let done: Done | null = null
  for await (const event of model.generate('one', conversation.messages, { signal: controller.signal })) {
    if (event.kind === 'text') {
      answer += event.text
      controller.abort()
    }
    if (event.kind === 'done') done = event
  }
  expect(done).toMatchObject({ stopReason: 'stopped' })
  expect(answer).not.toBe('')
  conversation.messages.push({ role: 'assistant', text: answer })
  const next = await ask(model, conversation, 'Thank you.')
  // The last token was chosen but not yet read when the answer was stopped.
  expect(next.done.reusedTokens).toBeGreaterThanOrEqual(done!.promptTokens + done!.generatedTokens - 2)
})

test('stopping while it reads ends within one batch, and what was read stays read', async () => {
  const model = await startLoaded(guide, { contextTokens: 8192 })
  const controller = new AbortController()
  const messages: ChatMessage[] = [{ role: 'user', text: 'Tell me about the pool. '.repeat(800) }]
  const events: GenerateEvent[] = []
  for await (const event of model.generate('one', messages, { signal: controller.signal })) {
    events.push(event)
    if (event.kind === 'reading' && event.readTokens > 0) controller.abort()
  }
  const done = events.at(-1)
  expect(done).toMatchObject({ kind: 'done', stopReason: 'stopped', generatedTokens: 0 })
  const promptTokens = done?.kind === 'done' ? done.promptTokens : 0
  expect(promptTokens).toBeGreaterThan(4096)
  const read = done?.kind === 'done' ? done.usedTokens : 0
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(promptTokens)
  const again = model.generate('one', messages, { sampling: { maxTokens: 1 } })
  const [first] = [await again.next()]
  await again.return()
  expect(first.value).toEqual({ kind: 'reading', promptTokens, reusedTokens: read, readTokens: 0 })
})

test('a full context ends the answer, and a conversation that does not fit is refused with the facts', async () => {
  const model = await startLoaded(guide, { contextTokens: 256 })
  const conversation = newConversation()
  const turns: Done[] = []
  const fill = async () => {
    for (;;) {
      const { done } = await ask(model, conversation, 'How do I pin a model?')
      turns.push(done)
    }
  }
  const error: unknown = await fill().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(AppError)
  expect(error).toMatchObject({ code: 'CONTEXT_FULL' })
  expect((error as AppError).message).toMatch(/it has \d+ tokens, the context holds 255/)
  expect(Math.max(...turns.map(({ usedTokens }) => usedTokens))).toBeLessThanOrEqual(255)
  // Nothing was shifted out: each turn began with all that was there.
  for (const [index, { reusedTokens }] of turns.entries()) {
    const before = turns[index - 1]
    if (before) expect(reusedTokens).toBeGreaterThanOrEqual(before.promptTokens + before.generatedTokens - 2)
  }
})

test('an answer that reaches the last cell ends there', async () => {
  const model = await startLoaded(guide, { contextTokens: 256 })
  const question = (words: number): ChatMessage[] => [
    { role: 'user', text: `${'word '.repeat(words)}How do I pin a model?` },
  ]
  // The longest prompt that fits leaves room for a few tokens only.
  for (let words = 150; ; words--) {
    const events: GenerateEvent[] = []
    try {
      for await (const event of model.generate('one', question(words))) events.push(event)
      expect(events.at(-1)).toMatchObject({ kind: 'done', stopReason: 'context-full', usedTokens: 255 })
      return
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'CONTEXT_FULL') throw error
    }
  }
})

test('a process that is killed in mid-answer is a crash; the text so far was delivered', async () => {
  const model = await startLoaded(guide)
  const exits: (AppError | null)[] = []
  model.onExit((crash) => exits.push(crash))
  let text = ''
  const answer = (async () => {
    for await (const event of model.generate('one', [{ role: 'user', text: 'How do I pin a model?' }])) {
      if (event.kind !== 'text') continue
      text += event.text
      process.kill(model.processId!, 'SIGKILL')
    }
  })()
  const waiting = ask(model, newConversation('two'), 'Hello')
  const [error, waitingError]: unknown[] = await Promise.all(
    [answer, waiting].map(async (each) => each.catch((e: unknown) => e)),
  )
  expect(error).toMatchObject({ code: 'MODEL_CRASHED' })
  expect((error as AppError).message).toBe(
    `The process of "${path.basename(guide)}" ended by itself: signal "SIGKILL"`,
  )
  expect(waitingError).toBe(error)
  expect(text).not.toBe('')
  expect(exits).toEqual([error])
})

test('loading can be cancelled, and leaves no process', async () => {
  const model = start(guide)
  const exited = new Promise((resolve) => model.onExit(resolve))
  const controller = new AbortController()
  const progress: number[] = []
  const loading = model.load({
    signal: controller.signal,
    onProgress(bytes) {
      progress.push(bytes)
      controller.abort('changed my mind')
    },
  })
  await expect(loading).rejects.toBe('changed my mind')
  expect(progress.length).toBeGreaterThan(0)
  expect(await exited).toBeNull()
  expect(() => process.kill(model.processId!, 0)).toThrow('ESRCH')
})

test('a file that is no model, and one that is gone, are errors and not crashes', async () => {
  const broken = start(judge, { path: fileURLToPath(import.meta.url) })
  await expect(broken.load()).rejects.toMatchObject({ name: 'AppError', code: 'MODEL_FAILED' })
  const gone = start(judge, { path: '/nowhere/gone.gguf' })
  await expect(gone.load()).rejects.toMatchObject({ name: 'AppError', code: 'NOT_FOUND' })
})

test('the measured footprint adds up to what the system says of the process', async () => {
  const reported: Footprint[] = []
  const model = await startLoaded(judge, {
    resize(footprint) {
      reported.push(footprint)
      return true
    },
  })
  const bytesOf = (part: string) => model.footprint().find((each) => each.part === part)?.bytes ?? 0
  await ask(model, newConversation(), 'Hello')
  await expect.poll(() => reported.length).toBeGreaterThan(0)
  const rollup = await readFile(`/proc/${String(model.processId)}/smaps_rollup`, 'utf8')
  const anonymous = Number(/^Anonymous: +(\d+) kB/m.exec(rollup)?.[1]) * 1024

  const { size } = await stat(judge)
  expect(bytesOf('kvCache')).toBe(1024 * 1280)
  expect(bytesOf('weights')).toBeGreaterThan(size * 0.9)
  // With AMX llama.cpp makes a copy of q8_0 weights, an eighth larger, beside the mapped ones.
  expect(bytesOf('weights')).toBeLessThan((hasAmx() ? 2.125 : 1) * size + 4 * 4096)
  // What is private is the runtime and what of the context was touched; the rest of the context is granted already.
  const contextBytes = bytesOf('kvCache') + bytesOf('compute')
  expect(bytesOf('runtime') + contextBytes).toBeGreaterThan(anonymous - 4 * 2 ** 20)
  expect(bytesOf('runtime')).toBeLessThan(anonymous)
  expect(footprintBytes(model.footprint())).toBe(bytesOf('runtime') + contextBytes + bytesOf('weights'))
})

test('a template that never ends on a real conversation ends the process: after a stop soon, and otherwise later', async () => {
  const file = path.join(state.folder, 'trap.gguf')
  writeGgufFile(file, llamaFile(tinyShape, { data: 'random', chatTemplate: trapTemplate(8) }))
  const facts = {
    ...demoFacts,
    kvLayerGroups: [{ layers: 2, kvHeads: 2, keyLength: 16, valueLength: 16, windowTokens: null }],
  }
  const never = { silenceMs: 600_000, silenceAfterStopMs: 600_000, stopMs: 600_000 }
  async function fourthAnswer(patience: Partial<Patience>, { isStopped }: { isStopped: boolean }) {
    const model = await startLoaded('trap', { path: file, facts, patience: { ...never, ...patience } })
    const conversation = newConversation()
    for (const text of ['One', 'Two', 'Three'])
      await ask(model, conversation, text, { sampling: { maxTokens: 3 } })
    const stop = new AbortController()
    const answer = ask(model, conversation, 'Four', { signal: stop.signal })
    setImmediate(() => {
      if (isStopped) stop.abort()
    })
    return answer
  }
  const crash = (seconds: number) => ({
    code: 'MODEL_CRASHED',
    message: `"trap" stopped responding: it gave no sign of life for ${seconds} seconds, so its process was ended`,
  })
  await expect(fourthAnswer({ silenceMs: 3000 }, { isStopped: false })).rejects.toMatchObject(crash(3))
  await expect(fourthAnswer({ silenceAfterStopMs: 2000 }, { isStopped: true })).rejects.toMatchObject(
    crash(2),
  )
})

test('a KV type that the backend refuses is f16 instead, with a warning, and the model answers', async () => {
  // Heads of 16 numbers, where q8_0 keeps 32 together: core would not have asked for it.
  const file = path.join(state.folder, 'narrow.gguf')
  writeGgufFile(file, llamaFile(tinyShape, { data: 'random' }))
  const facts = {
    ...demoFacts,
    kvLayerGroups: [{ layers: 2, kvHeads: 2, keyLength: 16, valueLength: 16, windowTokens: null }],
  }
  const load = { batchTokens: 512, fileAccess: 'mmap', chatTemplate: null, thinking: null } as const
  for (const flashAttention of [true, false]) {
    const settings = { ...load, kvType: 'q8_0', flashAttention } as const
    const model = await startLoaded('narrow', { path: file, facts, contextTokens: 512, load: settings })
    expect([model.loadedWith.kvType, model.warnings]).toEqual([
      'f16',
      ['This model does not run with a q8_0 KV cache here: it is f16 instead'],
    ])
    expect(model.contexts()[0]?.kvBytes).toBe(512 * 2 * 2 * 2 * 16 * 2)
    const { done } = await ask(model, newConversation(), 'Hello', { sampling: { maxTokens: 3 } })
    expect(done.generatedTokens).toBeGreaterThan(0)
  }
})
