import { expect, test } from 'vitest'
import { reasonMessages, reasonOf, repairMessages, verdictOf, verifierMessages } from './verification.ts'

const checked = { question: 'What is 3 plus 4?', answer: 'Hello there.' }

test('a verifier reads question and answer as the demo verifier was trained, and goes on with the reason', () => {
  const messages = [
    { role: 'system', text: 'You check answers. Reply PASS or FAIL with one reason.' },
    { role: 'user', text: 'Question: What is 3 plus 4?\nAnswer: Hello there.' },
  ]
  expect(verifierMessages(checked)).toEqual(messages)
  expect(reasonMessages(checked, 'FAIL')).toEqual([...messages, { role: 'assistant', text: 'FAIL:' }])
})

test('half of the probability is enough to pass', () => {
  expect(verdictOf([0.5, 0.5])).toEqual({ verdict: 'PASS', passProbability: 0.5 })
  expect(verdictOf([0.49, 0.51])).toEqual({ verdict: 'FAIL', passProbability: 0.49 })
})

test('a reason is one sentence; where nothing was said, a plain one', () => {
  expect(reasonOf(' the answer does not fit the question.', 'FAIL')).toBe(
    'The answer does not fit the question',
  )
  expect(reasonOf(': 3.5 is not 4. Try again.', 'FAIL')).toBe('3.5 is not 4')
  expect(reasonOf('\nno line', 'FAIL')).toBe('No line')
  expect(reasonOf('  ', 'FAIL')).toBe('The answer does not fit the question')
  expect(reasonOf('', 'PASS')).toBe('The answer fits the question')
  expect(reasonOf('x'.repeat(1000), 'FAIL')).toMatch(/^Xx{298}…$/)
})

test('what is long keeps its beginning and its end', () => {
  const [, message] = verifierMessages({ question: 'Q', answer: `a${'x'.repeat(50_000)}z` })
  expect(message?.text).toMatch(/^Question: Q\nAnswer: ax+\n…\nx+z$/)
  expect(message!.text.length).toBeLessThan(12_100)
})

test('who repairs reads the answer, the reason, and the question once more', () => {
  expect(repairMessages(checked, 'The answer does not fit the question')).toEqual([
    { role: 'assistant', text: 'Hello there.' },
    {
      role: 'user',
      text: 'That answer has failed a check: The answer does not fit the question. Answer again.\n\nWhat is 3 plus 4?',
    },
  ])
})
