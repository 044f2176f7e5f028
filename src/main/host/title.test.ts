import { expect, test } from 'vitest'
import { titleFrom } from './title.ts'

test.each([
  ['Hello', 'Hello'],
  ['Good morning!', 'Good morning!'],
  ['\n\n  First   line \n second', 'First line'],
  ['   ', 'New conversation'],
  ['```\n```', 'New conversation'],
  [
    'Please explain to me how the memory pool decides, which model has to leave first',
    'Please explain to me how the memory pool decides, which…',
  ],
  ['汉'.repeat(80), `${'汉'.repeat(60)}…`],
  ['👩‍👩‍👧'.repeat(70), `${'👩‍👩‍👧'.repeat(60)}…`],
  // Greetings
  ['Hi, how do I sort a list?', 'How do I sort a list?'],
  ['Hello Guide! what is a KV cache', 'What is a KV cache'],
  ['Hey there\n\nWrite a haiku', 'Write a haiku'],
  ['High memory use: why?', 'High memory use: why?'],
  ['Dear Sir, my invoice is wrong', 'My invoice is wrong'],
  ['Hidden files', 'Hidden files'],
  // Markdown
  ['# Plan for **today**', 'Plan for today'],
  ['> - quoted `code` and _more_', 'quoted code and more'],
  ['snake_case_name and 2*3*4', 'snake_case_name and 2*3*4'],
  ['---\nAfter the rule', 'After the rule'],
  ['See [the manual](https://example.org/m "M") first', 'See the manual first'],
  ['![a cat](cat.png)', 'a cat'],
  // Code and addresses
  ['```ts\nconst a = 1\n```\nWhy does this fail?', 'Why does this fail?'],
  ['```python\nprint("hi")\n```', 'print("hi")'],
  ['~~~\n``` inside\n~~~\nAfter', 'After'],
  [
    `Summarise https://www.example.org/${'a'.repeat(80)} in three points`,
    'Summarise example.org in three points',
  ],
  ['https://example.org/a?b=c', 'example.org'],
  ['https://[broken', 'https://[broken'],
])('titles %j as %j', (text, title) => {
  expect(titleFrom(text)).toBe(title)
})

test('a text that never ends takes no time to speak of', () => {
  expect(titleFrom('x*'.repeat(1_000_000))).toHaveLength(61)
  expect(titleFrom(`${'[a'.repeat(2000)} ${'`'.repeat(1_000_000)}`)).toMatch(/^\[a/)
})
