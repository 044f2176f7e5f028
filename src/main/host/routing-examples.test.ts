import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from './database.ts'
import { RoutingExamples } from './routing-examples.ts'

function newExamples(): RoutingExamples {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  let time = 0
  return new RoutingExamples(database, { now: () => time++ })
}

test('examples are kept newest first, the same text once, and forgotten', () => {
  const examples = newExamples()
  examples.add({ text: 'Sort this', label: 'chat' })
  examples.add({ text: 'Hello', label: 'chat' })
  examples.add({ text: '  Sort this ', label: 'code' })
  examples.add({ text: '   ', label: 'code' })
  expect(examples.list().map(({ text, label, createdAt }) => [text, label, createdAt])).toEqual([
    ['Sort this', 'code', 2],
    ['Hello', 'chat', 1],
  ])
  examples.forget(examples.list()[0]!.id)
  examples.forget('none')
  expect(examples.list().map(({ text }) => text)).toEqual(['Hello'])
})

test('a long text is cut, and of many examples the oldest go', () => {
  const examples = newExamples()
  for (let number = 0; number < 510; number++)
    examples.add({ text: `${String(number)} ${'x'.repeat(2000)}`, label: 'code' })
  const kept = examples.list()
  expect(kept).toHaveLength(500)
  expect(kept.at(-1)?.text).toHaveLength(1000)
  expect(kept.at(-1)?.text.startsWith('10 ')).toBe(true)
})
