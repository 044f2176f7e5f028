import { fileURLToPath } from 'node:url'
import type { Llama, LlamaModel, Token } from 'node-llama-cpp'
import { getLlama } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AlignTokenizer } from './align.ts'
import { alignTokens } from './align.ts'
import { alignTokenizerOf, renderPrompt, resolveChat } from './chat.ts'

describe('with tokens that are words', () => {
  /** Token n is the nth piece; pieces in angle brackets are special. */
  const pieces = ['', 'a', 'b', 'ab', 'abc', 'c', 'bc', '<end>', 'd']
  const toTokens = (...names: string[]) => names.map((name) => pieces.indexOf(name))
  const tokenizer: AlignTokenizer<number> = {
    detokenize: (tokens) => tokens.map((token) => pieces[token]).join(''),
    tokenize: (text) => toTokens(...Array.from(text)),
    isSpecial: (token) => pieces[token]?.startsWith('<') ?? false,
  }
  const align = (held: number[], prompt: number[]) => alignTokens(held, prompt, tokenizer)

  test('keeps the same tokens and reads the rest', () => {
    expect(align(toTokens('a', 'b'), toTokens('a', 'b', 'c'))).toEqual({ kept: 2, rest: toTokens('c') })
  })

  test('reads all when nothing is the same', () => {
    expect(align(toTokens('d', 'b'), toTokens('a', 'b'))).toEqual({ kept: 0, rest: toTokens('a', 'b') })
    expect(align([], toTokens('a', 'b'))).toEqual({ kept: 0, rest: toTokens('a', 'b') })
  })

  test('keeps text that was written in other tokens', () => {
    expect(align(toTokens('d', 'a', 'b', 'c'), toTokens('d', 'abc', '<end>', 'd'))).toEqual({
      kept: 4,
      rest: toTokens('<end>', 'd'),
    })
    expect(align(toTokens('ab', 'c', '<end>', 'd'), toTokens('a', 'bc', '<end>', 'd', 'a'))).toEqual({
      kept: 4,
      rest: toTokens('a'),
    })
  })

  test('keeps up to the last common boundary before the text differs', () => {
    expect(align(toTokens('a', 'b', 'c', 'd', 'd'), toTokens('abc', 'd', 'a'))).toEqual({
      kept: 4,
      rest: toTokens('a'),
    })
    expect(align(toTokens('d', 'ab', 'd'), toTokens('d', 'abc'))).toEqual({ kept: 1, rest: toTokens('abc') })
  })

  test('keeps an answer that was stopped within what is one token of the prompt', () => {
    expect(align(toTokens('d', 'a'), toTokens('d', 'abc', '<end>'))).toEqual({
      kept: 2,
      rest: toTokens('b', 'c', '<end>'),
    })
  })

  test('reads the last token again when all of the prompt is there', () => {
    expect(align(toTokens('a', 'b', 'c'), toTokens('a', 'b'))).toEqual({ kept: 1, rest: toTokens('b') })
    expect(align(toTokens('a', 'b'), toTokens('ab'))).toEqual({ kept: 1, rest: toTokens('b') })
  })

  test('does not take text for a special token', () => {
    const textual: AlignTokenizer<number> = {
      ...tokenizer,
      detokenize: (tokens) => tokens.map(() => '<end>').join(''),
    }
    expect(alignTokens(toTokens('<end>'), toTokens('d'), textual)).toEqual({ kept: 0, rest: toTokens('d') })
  })
})

describe('with the tokenizer of a demo model', () => {
  let llama: Llama
  let model: LlamaModel

  beforeAll(async () => {
    llama = await getLlama({ gpu: false, build: 'never', progressLogs: false })
    const file = new URL('../../../resources/demo-models/demo-guide-2.2m-f16.gguf', import.meta.url)
    model = await llama.loadModel({ modelPath: fileURLToPath(file), gpuLayers: 0, vocabOnly: true })
  })
  afterAll(async () => llama.dispose())

  /** What a model would hold that wrote its answer in the smallest pieces. */
  function heldWith(answer: string): { held: Token[]; prompt: readonly Token[] } {
    const chat = resolveChat(model)
    const { tokens: begun } = renderPrompt(model, chat, { messages: [{ role: 'user', text: 'Hello' }] })
    const written = Array.from(answer).flatMap((character) =>
      model.tokenize(character, false, 'trimLeadingSpace'),
    )
    const { tokens: prompt } = renderPrompt(model, chat, {
      messages: [
        { role: 'user', text: 'Hello' },
        { role: 'assistant', text: answer },
        { role: 'user', text: 'Thank you' },
      ],
    })
    return { held: [...begun, ...written], prompt }
  }

  test('keeps an answer that comes out of the tokenizer in other tokens', () => {
    for (const answer of [
      'The pool shows every model.',
      'Grüße to the models, 世界! 🙂',
      '  two  spaces\n\n\nand lines ',
    ]) {
      const { held, prompt } = heldWith(answer)
      const { kept, rest } = alignTokens(held, prompt, alignTokenizerOf(model))
      expect(prompt.slice(0, held.length)).not.toEqual(held)
      expect(kept).toBe(held.length)
      expect(model.detokenize(rest, true)).toMatch(/^<\|im_end\|>\s*<\|im_start\|>user/)
    }
  })

  test('never takes one broken character for another', () => {
    for (const [written, other] of [
      ['🙂', '🙃'],
      ['🙂 and more', '🙃 and more'],
    ] as const) {
      const { held, prompt } = heldWith(written)
      const { prompt: otherPrompt } = heldWith(other)
      expect(alignTokens(held, prompt, alignTokenizerOf(model)).kept).toBe(held.length)
      const { kept, rest } = alignTokens(held, otherPrompt, alignTokenizerOf(model))
      expect(kept).toBeLessThan(held.length)
      expect(model.detokenize([...held.slice(0, kept), ...rest], true)).toBe(
        model.detokenize(otherPrompt, true),
      )
    }
  })

  test('keeps bytes that are no character, as people saw them', () => {
    const { held } = heldWith('a🙂')
    const broken = [...held.slice(0, -2), ...model.tokenize('z', false, 'trimLeadingSpace')]
    const { prompt } = heldWith('a\uFFFDz')
    expect(alignTokens(broken, prompt, alignTokenizerOf(model)).kept).toBe(broken.length)
  })
})
