import { expect, test } from 'vitest'
import { mergeLabels, routerMessages, type LabelledRequest } from './router-prompt.ts'

const bare = ['chat', 'code', 'math', 'memory'].map((name) => ({ name }))
const contextTokens = 1024
const path: LabelledRequest[] = [
  { text: 'Hello', label: 'chat' },
  { text: 'Write a loop.', label: 'code' },
]

test('labels without descriptions are asked for as the demo router was trained: their names and the message alone', () => {
  const text = 'How do I sort numbers in code?'
  expect(
    routerMessages({ text, labels: bare, path, taught: [{ text, label: 'code' }], contextTokens }),
  ).toEqual([
    { role: 'system', text: 'You sort requests. Reply with one label: chat, code, math, memory.' },
    { role: 'user', text },
  ])
})

test('a message of a few words follows the request before it', () => {
  const messages = routerMessages({ text: 'make it shorter', labels: bare, path, taught: [], contextTokens })
  expect(messages.slice(1)).toEqual([
    { role: 'user', text: 'Write a loop.' },
    { role: 'assistant', text: 'code' },
    { role: 'user', text: 'make it shorter' },
  ])
})

test('descriptions, the examples most like the message, and the path are read where labels have them', () => {
  const labels = [
    {
      name: 'code',
      description: 'writing programs',
      examples: ['Sort a list.', 'Parse a date.', 'Open a file.'],
    },
    { name: 'law', examples: ['Is this contract valid?'] },
  ]
  const messages = routerMessages({
    text: 'Sort these dates and parse a date, please',
    labels,
    path: [{ text: 'May I cancel?', label: 'law' }],
    taught: [{ text: 'Sort the clauses.', label: 'law' }],
    contextTokens,
  })
  expect(messages.map(({ text }) => text)).toEqual([
    'You sort requests. Reply with one label: code, law.\ncode: writing programs',
    ...['Is this contract valid?', 'law', 'Sort the clauses.', 'law'],
    ...['Sort a list.', 'code', 'Parse a date.', 'code'],
    ...['May I cancel?', 'law'],
    'Sort these dates and parse a date, please',
  ])
})

test('examples and earlier requests are left out that the context does not hold, the farthest first', () => {
  const labels = [{ name: 'code', description: 'programs', examples: ['Sort a list.'] }, { name: 'chat' }]
  const read = (contextTokens: number) =>
    routerMessages({ text: 'Sort a table.', labels, path, taught: [], contextTokens }).map(({ text }) => text)
  expect(read(500)).toHaveLength(8)
  expect(read(100)).toEqual([read(500)[0], 'Write a loop.', 'code', 'Sort a table.'])
  expect(read(20)).toEqual([read(500)[0], 'Sort a table.'])
})

test('a long message keeps its beginning and its end', () => {
  const [, message] = routerMessages({
    text: `a${'x'.repeat(5000)}b`,
    labels: bare,
    path: [],
    taught: [],
    contextTokens,
  })
  expect(message?.text).toMatch(/^ax+ … x+b$/)
  expect(message?.text).toHaveLength(1203)
})

test('labels of the same name are one, with the first description and all examples', () => {
  expect(
    mergeLabels([
      { name: 'code', examples: ['a'] },
      { name: 'chat' },
      { name: 'code', description: 'programs', examples: ['a', 'b'] },
    ]),
  ).toEqual([{ name: 'code', description: 'programs', examples: ['a', 'b'] }, { name: 'chat' }])
})
