import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ChatWrapper, Llama, LlamaModel, Token } from 'node-llama-cpp'
import { Gemma4ChatWrapper, getLlama, HarmonyChatWrapper, JinjaTemplateChatWrapper } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../contract/backend.ts'
import { splitThoughts } from '../../contract/thoughts.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { llamaFile, tinyShape } from '../../testing/shapes.ts'
import { alignTokens } from './align.ts'
import { AnswerText } from './answer-text.ts'
import { alignTokenizerOf, renderPrompt, thoughtFormatOf } from './chat.ts'
import { markToken, partsOfAnswer, ThoughtText } from './thought-text.ts'

const commandTemplate = `{% for m in messages %}{% if m.role == 'user' %}<|turn>user {{ m.content }}<turn|>{% elif m.role == 'assistant' %}<|turn>model {% if m.reasoning_content %}<|START_THINKING|>{{ m.reasoning_content }}<|END_THINKING|>{% endif %}{{ m.content }}<turn|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|turn>model {% endif %}`

/** How models of three makers write a thought and an answer: what their tokens are, special ones as text. */
const formats: Readonly<Record<string, { chat: ChatWrapper; wrote: string; after?: string }>> = {
  'gpt-oss': {
    chat: new HarmonyChatWrapper({
      ...{ keepOnlyLastThought: false, todayDate: null, cuttingKnowledgeDate: null },
    }),
    wrote:
      '<|channel|>analysis<|message|>The user greets.\n\nSo "<|end|" it is.<|end|><|start|>assistant<|channel|>final<|message|>Hello! 👋\n\nHow are you?',
  },
  'Gemma 4': {
    chat: new Gemma4ChatWrapper({ keepOnlyLastThought: false }),
    wrote: '<|channel>thought\nThe user greets.\n\nSo "<|end|" it is.\n<channel|>Hello! 👋\n\nHow are you?',
  },
  'Command R': {
    chat: new JinjaTemplateChatWrapper({ template: commandTemplate, keepOnlyLastThought: false }),
    wrote:
      '<|START_THINKING|>The user greets.\n\nSo "<|end|" it is.<|END_THINKING|>Hello! 👋\n\nHow are you?',
  },
}

const state: { llama?: Llama; model?: LlamaModel } = {}
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-thoughts-'))

beforeAll(async () => {
  const file = path.join(folder, 'marks.gguf')
  writeGgufFile(
    file,
    llamaFile(tinyShape, {
      vocabulary: 400,
      specialTokens: [
        ...['<|channel|>', '<|message|>', '<|start|>', '<|end|>', '<|return|>', '<|call|>'],
        ...['<|channel>', '<channel|>', '<|turn>', '<turn|>', '<|think|>'],
        ...['<|START_THINKING|>', '<|END_THINKING|>'],
      ],
    }),
  )
  state.llama = await getLlama({ gpu: false, build: 'never', progressLogs: false })
  state.model = await state.llama.loadModel({ modelPath: file, gpuLayers: 0, vocabOnly: true })
})
afterAll(async () => {
  await state.llama?.dispose()
  rmSync(folder, { recursive: true })
})

/** What is seen of an answer, as its tokens come. */
function show(chat: ChatWrapper, tokens: readonly Token[]): string[] {
  const model = state.model!
  const format = thoughtFormatOf(model, chat)!
  const text = new AnswerText<Token>({
    decode: (open, after) => model.detokenize(open, false, after),
    stopTexts: [],
    markOf: (token) => format.tokenTexts.get(token) ?? null,
  })
  const thoughts = new ThoughtText(format, { isThinking: false })
  const seen = tokens.map((token) => thoughts.push(text.push(token).text))
  return [...seen, thoughts.push(text.flush()) + thoughts.flush()]
}

describe.each(Object.entries(formats))('an answer as %s writes it', (_, { chat, wrote }) => {
  test('is seen as a thought and what is said, at each moment a beginning of that', () => {
    const model = state.model!
    const pieces = show(chat, model.tokenize(wrote, true))
    const whole = pieces.join('')
    expect(splitThoughts(whole, { isGrowing: false }).map(({ kind, text }) => [kind, text])).toEqual([
      ['thought', 'The user greets.\n\nSo "<|end|" it is.'],
      ['answer', 'Hello! 👋\n\nHow are you?'],
    ])
    const frames = pieces.map((_piece, index) =>
      splitThoughts(pieces.slice(0, index + 1).join(''), { isGrowing: true }),
    )
    const said = frames.map((parts) => parts.find(({ kind }) => kind === 'answer')?.text ?? '')
    expect(said.filter((text) => !'Hello! 👋\n\nHow are you?'.startsWith(text.trim()))).toEqual([])
    expect(whole).not.toMatch(/[\uFDD0\uFDD1]|analysis|final|channel/)
  })

  test('is not read again when the conversation goes on', () => {
    const model = state.model!
    const question: ChatMessage = { role: 'user', text: 'Hi' }
    const begun = renderPrompt(model, chat, { messages: [question] }).tokens
    const held = [...begun, ...model.tokenize(wrote, true)]
    const answer = show(chat, model.tokenize(wrote, true)).join('')
    const { tokens } = renderPrompt(model, chat, {
      messages: [question, { role: 'assistant', text: answer }, { role: 'user', text: 'Fine' }],
    })
    const { kept } = alignTokens(held, tokens, alignTokenizerOf(model))
    expect(kept).toBe(held.length)
  })

  test('goes on within the thought that it was cut in', () => {
    const model = state.model!
    const tokens = model.tokenize(wrote, true)
    const cut = model.tokenize(wrote.slice(0, wrote.indexOf('greets')), true)
    const { tokens: open } = renderPrompt(model, chat, {
      messages: [
        { role: 'user', text: 'Hi' },
        { role: 'assistant', text: show(chat, cut).join('') },
      ],
      continues: true,
    })
    const begun = renderPrompt(model, chat, { messages: [{ role: 'user', text: 'Hi' }] }).tokens
    expect(model.detokenize(open, true)).toBe(
      model.detokenize([...begun, ...tokens.slice(0, cut.length)], true),
    )
  })
})

test('marks that a text shows are left as they are', () => {
  const template = commandTemplate
    .replace('<|START_THINKING|>', '<think>')
    .replace('<|END_THINKING|>', '</think>')
  const chat = new JinjaTemplateChatWrapper({ template })
  expect(thoughtFormatOf(state.model!, chat)).toBeNull()
})

test('a special token that is no mark is not seen, and a thought may come after what was said', () => {
  const format = { prefix: markToken('<a>'), suffix: markToken('<b>'), silent: [], tokenTexts: new Map() }
  const text = new ThoughtText(format, { isThinking: false })
  const whole =
    text.push(
      `One.${markToken('<c>')}${markToken('<b>')} Two.${markToken('<a>')}Hm${markToken('<b>')}Three.`,
    ) + text.flush()
  expect(whole).toBe('One. Two.\n<think>\nHm\n</think>\n\nThree.')
  expect(partsOfAnswer(whole)).toEqual([
    { kind: 'said', text: 'One. Two.' },
    { kind: 'thought', text: 'Hm', isEnded: true },
    { kind: 'said', text: 'Three.' },
  ])
})
