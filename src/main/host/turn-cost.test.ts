import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { Attachments } from './attachments.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import type { PromptCounter, Tokenizers, Vocabulary } from './tokenizers.ts'
import { TurnCosts, type ReadingModel } from './turn-cost.ts'

/** A model whose tokens are words, and which holds the first `held` of every conversation. */
class WordModel {
  readonly counted: string[] = []
  /** Messages of each prompt that was counted. */
  readonly paths: number[] = []
  readonly held: number

  constructor(held: number) {
    this.held = held
  }

  async countPrompt(conversationId: string | null, messages: readonly ChatMessage[]) {
    this.paths.push(messages.length)
    const promptTokens = messages.reduce((sum, { text }) => sum + wordsOf(text), 0)
    const heldTokens = conversationId === null ? 0 : this.held
    return Promise.resolve({
      promptTokens,
      reusedTokens: Math.min(heldTokens, promptTokens - 1),
      heldTokens,
      isExact: true,
    })
  }

  heldOf(): string {
    return String(this.held)
  }

  async countTokens(text: string): Promise<number> {
    this.counted.push(text)
    return Promise.resolve(wordsOf(text))
  }
}

function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}

const vocabulary: Vocabulary = {
  ...{ modelId: 'm', name: 'M', paths: [], parkedTokens: () => 0 },
  chat: { chatTemplate: null, thinking: null },
}

function open(
  resident: ReadingModel['resident'],
  contextTokens = 100,
  find: Tokenizers['find'] = noTokenizer,
) {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-turn-cost-'))
  const database = openDatabase(path.join(folder, 'plenum.db'))
  const attachments = new Attachments(database)
  const conversations = new Conversations(database, { attachments })
  onTestFinished(() => {
    conversations[Symbol.dispose]()
    database.close()
    rmSync(folder, { recursive: true })
  })
  const model = () => ({
    resident,
    isComing: false,
    vocabulary,
    contextTokens,
    tokensPerSecond: 10,
    loadingSeconds: 3,
  })
  const costs = new TurnCosts({ attachments, conversations, tokenizers: { find }, model })
  return { attachments, conversations, costs }
}

async function noTokenizer() {
  return Promise.resolve(null)
}

test('counts the path, the instructions, the draft and its attachments, less what is held', async () => {
  const model = new WordModel(5)
  const { attachments, conversations, costs } = open(model)
  const { id } = conversations.create({ asking: { instructions: 'Be brief and kind' } })
  const turn = conversations.tree.addTurn(id, { text: 'one two', models: [{ id: 'm', name: 'M' }] })
  conversations.live.append(turn.chosenAnswerId, 'three')
  const file = await attachments.add({ name: 'a.txt', text: 'six seven eight' })
  const draft = { conversationId: id, text: 'four five', modelId: 'm', attachmentIds: [file.id] }
  // 4 of instructions, 2 and 1 of the path, 2 of the draft, 3 of the file with its name and two fences.
  expect(await costs.cost(draft)).toEqual({
    ...{ promptTokens: 15, aloneTokens: 12, reusedTokens: 5, lostTokens: 0, isExact: true },
    ...{ attachmentTokens: [3], contextTokens: 100, readingSeconds: 1, loadingSeconds: null },
  })
  // While only the draft changes, only the draft is counted.
  model.paths.length = 0
  expect(await costs.cost({ ...draft, text: 'other' })).toMatchObject({ promptTokens: 14, aloneTokens: 11 })
  expect({ paths: model.paths, counted: model.counted }).toEqual({ paths: [2], counted: ['six seven eight'] })
  conversations.live.append(turn.chosenAnswerId, ' and more')
  conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
  expect(await costs.cost(draft)).toMatchObject({ promptTokens: 17 })
})

test('a long path is told apart from what the draft needs by itself', async () => {
  const { conversations, costs } = open(new WordModel(0), 10)
  const { id } = conversations.create()
  conversations.tree.addTurn(id, { text: 'word '.repeat(20), models: [{ id: 'm', name: 'M' }] })
  const cost = await costs.cost({ conversationId: id, text: 'a few more', modelId: 'm', attachmentIds: [] })
  expect(cost).toMatchObject({ promptTokens: 23, aloneTokens: 3 })
})

test('without the model in memory it is a guess, and says so', async () => {
  const { attachments, costs } = open(null)
  const file = await attachments.add({ name: 'a.txt', text: 'x'.repeat(360) })
  const cost = await costs.cost({ conversationId: null, text: 'Hi', modelId: 'm', attachmentIds: [file.id] })
  expect(cost).toMatchObject({ isExact: false, attachmentTokens: [100], reusedTokens: 0, loadingSeconds: 3 })
})

test('a guess is never taken for a count, nor what the one of a path for that of another tokenizer', async () => {
  const first: PromptCounter = Object.assign(new WordModel(0), { vocabulary: 'first', heldOf: () => 'first' })
  const other: PromptCounter = Object.assign(new WordModel(0), { vocabulary: 'other', heldOf: () => 'other' })
  other.countTokens = async () => Promise.resolve(7)
  const broken: PromptCounter = Object.assign(new WordModel(0), {
    countTokens: async () => Promise.reject(new Error('It has died')),
  })
  const answers = [null, 'loading', first, broken, other, first] as const
  let asked = 0
  const { attachments, conversations, costs } = open(null, 100, async () =>
    Promise.resolve(answers[asked++] ?? null),
  )
  const { id } = conversations.create()
  conversations.tree.addTurn(id, { text: 'one two three', models: [{ id: 'm', name: 'M' }] })
  const file = await attachments.add({ name: 'a.txt', text: 'x '.repeat(180) })
  const draft = { conversationId: id, text: 'four', modelId: 'm', attachmentIds: [file.id] }
  const found = []
  while (asked < answers.length) {
    const { isExact, isProvisional = false, attachmentTokens } = await costs.cost(draft)
    found.push([isExact, isProvisional, ...attachmentTokens])
  }
  expect(found).toEqual([
    [false, false, 100],
    [false, true, 100],
    [true, false, 180],
    [false, false, 100],
    [true, false, 7],
    [true, false, 180],
  ])
})

test('cuts to what the model counts, never more', async () => {
  const model = new WordModel(0)
  const { attachments, costs } = open(model)
  const file = await attachments.add({ name: 'a.txt', text: 'some words of a line\n'.repeat(2000) })
  const cut = await costs.cut({ id: file.id, modelId: 'm', tokens: 700 })
  const tokens = wordsOf(attachments.text(file.id))
  expect(tokens).toBeLessThanOrEqual(700)
  expect(tokens).toBeGreaterThan(650)
  expect(cut.cutFromCharacters).toBe(file.characters)
})

test('what is not there is told', async () => {
  const { costs } = open(null)
  const draft = { conversationId: null, text: '', modelId: 'm', attachmentIds: ['none'] }
  await expect(costs.cost(draft)).rejects.toThrow('There is no attachment "none"')
})
