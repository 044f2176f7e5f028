import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest, similarity, withExamples } from './route-examples.ts'

const labels = [
  { name: 'chat', probability: 0.98 },
  { name: 'code', probability: 0.02 },
]

test('texts are alike by the words that they share, whatever the numbers are', () => {
  expect(similarity('What is 3 plus 4?', 'what is 17 plus 25')).toBe(1)
  expect(similarity('Sort a list', 'Sort a table')).toBeCloseTo(2 / 3)
  expect(similarity('Hello', 'Goodbye')).toBe(0)
  expect(similarity('', '?')).toBe(0)
})

test('what was taught wins for the same words, has half a say when three quarters alike, and none when half alike', () => {
  const taught = [{ text: 'tidy my inbox folder please', label: 'code' }]
  expect(withExamples(labels, 'Tidy my inbox folder, please!', taught)).toEqual([
    { name: 'chat', probability: 0 },
    { name: 'code', probability: 1 },
  ])
  const alike = withExamples(labels, 'tidy my inbox', taught)
  expect(alike[0]?.probability).toBeCloseTo(0.49)
  expect(withExamples(labels, 'tidy', taught)).toEqual(labels)
  expect(
    withExamples(labels, 'tidy my inbox folder please', [
      { text: 'tidy my inbox folder please', label: 'gone' },
    ]),
  ).toEqual(labels)
})

test('the likest comes first', () => {
  const examples = ['a b', 'a b c', 'x'].map((text) => ({ text, label: 'l' }))
  expect(nearest('a b c', examples).map(({ example }) => example.text)).toEqual(['a b c', 'a b', 'x'])
})

test('probabilities still add up to 1', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'c', '1'), { maxLength: 5 }).map((each) => each.join(' '))
  const taught = fc.array(fc.record({ text: words, label: fc.constantFrom('chat', 'code', 'gone') }))
  fc.assert(
    fc.property(words, taught, (text, examples) => {
      const laid = withExamples(labels, text, examples)
      expect(laid.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1)
      expect(laid.every(({ probability }) => probability >= 0)).toBe(true)
    }),
  )
})
