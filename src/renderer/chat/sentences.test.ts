import { expect, test } from 'vitest'
import { spokenSentences } from './sentences.ts'

test('reads out whole sentences only while the answer grows', () => {
  const text = 'The pool is **shared**. It holds `weights` and [more](https://example.org). And then'
  expect([
    spokenSentences(text, { isGrowing: true }),
    spokenSentences(text, { isGrowing: false }).at(-1),
  ]).toEqual([['The pool is shared.', 'It holds weights and more.'], 'And then'])
})

test('names code blocks once they are whole, and reads lists and tables by line', () => {
  const text = 'Here:\n\n```ts\nfoo. Bar. Baz\n```\n\n- one\n- two\n\n| a | b |\n| --- | --- |\n| 1 | 2 |'
  expect(spokenSentences(text, { isGrowing: false })).toEqual([
    'Here:',
    'Code block, ts.',
    'one',
    'two',
    'a  b',
    '1  2',
  ])
  expect(spokenSentences('Here:\n\n```ts\nfoo', { isGrowing: true })).toEqual(['Here:'])
})

test('what was read out never changes while text is added', () => {
  const text = 'First one. Second!\n\n- third\n- fourth item. More\n\n```ts\nx\n```\n\nLast.'
  const whole = spokenSentences(text, { isGrowing: false })
  for (let length = 1; length <= text.length; length++) {
    const spoken = spokenSentences(text.slice(0, length), { isGrowing: true })
    expect(spoken).toEqual(whole.slice(0, spoken.length))
  }
})
