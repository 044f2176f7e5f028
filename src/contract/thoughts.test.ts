import { expect, test } from 'vitest'
import { splitThoughts, withoutThoughts } from './thoughts.ts'

const split = (text: string) =>
  splitThoughts(text, { isGrowing: false }).map(({ kind, text }) => [kind, text])

test('an answer without marks is one part, as it is', () => {
  expect(split('  Plain *text*\n')).toEqual([['answer', '  Plain *text*\n']])
})

test('takes thoughts out, in every way that models mark them', () => {
  expect(
    [
      '<think>\nHm.\n</think>\n\nYes.',
      '[THINK]Hm.[/THINK]Yes.',
      '<thinking>Hm.</thinking>\nYes.',
      '<seed:think>Hm.</seed:think>Yes.',
    ].map(split),
  ).toEqual(
    Array(4).fill([
      ['thought', 'Hm.'],
      ['answer', 'Yes.'],
    ]),
  )
})

test('an answer may think more than once', () => {
  expect(split('<think>a</think>\nOne.\n\n<think>b</think>\nTwo.')).toEqual([
    ['thought', 'a'],
    ['answer', 'One.'],
    ['thought', 'b'],
    ['answer', 'Two.'],
  ])
})

test('a closing mark that nothing opened ends a thought that the template began', () => {
  expect(split('The user wants 4.\n</think>\n\n4')).toEqual([
    ['thought', 'The user wants 4.'],
    ['answer', '4'],
  ])
})

test('marks inside of code or of a sentence are text', () => {
  const texts = [
    'Models write `<think>` and `</think>` around it.',
    '```xml\n<think>\nx\n</think>\n```\nDone.',
  ]
  expect(texts.map(split)).toEqual(texts.map((text) => [['answer', text]]))
})

test('a mark that comes in pieces is never seen', () => {
  const text = '<think>\nHm <b> [x].\n</think>\n\nYes, a < b.'
  const seen = Array.from({ length: text.length }, (_, index) =>
    splitThoughts(text.slice(0, index + 1), { isGrowing: true }),
  )
  expect(seen.flat().filter((part) => /think|<\/|<t/.test(part.text))).toEqual([])
  expect(seen.at(-1)?.map(({ kind, text: shown }) => [kind, shown])).toEqual(split(text))
  expect(seen.map((parts) => parts.find(({ kind }) => kind === 'thought')?.isOpen ?? null)).toEqual(
    Array.from({ length: text.length }, (_, index) => (index < 6 ? null : index < 27)),
  )
})

test('a thought that was cut off is no answer', () => {
  expect([split('<think>\nI was just'), withoutThoughts('<think>\nI was just')]).toEqual([
    [['thought', 'I was just']],
    '',
  ])
})

test('what is copied is what was said', () => {
  expect(withoutThoughts('<think>a</think>\n\nOne.\n\n<think>b</think>\nTwo.')).toBe('One.\n\nTwo.')
})
