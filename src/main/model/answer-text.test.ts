import { expect, test } from 'vitest'
import { AnswerText } from './answer-text.ts'

/** Tokens are bytes of UTF-8. */
function bytesOf(text: string): number[] {
  return [...Buffer.from(text)]
}

function answerText(stopTexts: string[] = []): AnswerText<number> {
  return new AnswerText<number>({ decode: (tokens) => Buffer.from(tokens).toString(), stopTexts })
}

test('shows whole characters only', () => {
  const text = answerText()
  const shown = bytesOf('é🙂世!').map((byte) => text.push(byte).text)
  expect(shown).toEqual(['', 'é', '', '', '', '🙂', '', '', '世', '!'])
  expect(text.flush()).toBe('')
})

test('shows what is broken after four bytes at most, and at the end', () => {
  const text = answerText()
  const shown = [0xf0, 0xf0, 0xf0, 0xf0, 0x41, 0xc3].map((byte) => text.push(byte).text)
  expect(shown).toEqual(['', '', '', '\uFFFD\uFFFD\uFFFD\uFFFD', 'A', ''])
  expect(text.flush()).toBe('\uFFFD')
})

test('holds back what may become a stop text, and shows it when it does not', () => {
  const text = answerText(['<|end|>', '###'])
  const shown = bytesOf('a<|en b## c').map((byte) => text.push(byte))
  expect(shown.map((each) => each.text)).toEqual(['a', '', '', '', '', '<|en ', 'b', '', '', '## ', 'c'])
  expect(shown.every((each) => each.stopText === null)).toBe(true)
})

test('stops at a stop text and shows nothing of it', () => {
  const text = answerText(['###', '<|end|>'])
  const shown = bytesOf('ab<|end|>').map((byte) => text.push(byte))
  expect(shown.map((each) => each.text).join('')).toBe('ab')
  expect(shown.at(-1)?.stopText).toBe('<|end|>')
  expect(text.flush()).toBe('')
})

test('shows at the end what was held back', () => {
  const text = answerText(['<|end|>'])
  expect(bytesOf('a<|e').map((byte) => text.push(byte).text)).toEqual(['a', '', '', ''])
  expect(text.flush()).toBe('<|e')
})
