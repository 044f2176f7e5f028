import { expect, test } from 'vitest'
import { draftOf, keptRole, noRole, readLabel, roleText } from './model-roles.ts'

test('a role in a few words', () => {
  expect([
    roleText(noRole),
    roleText({ labels: [{ name: 'code' }, { name: 'math' }], routes: true, verifies: false }),
    roleText({ labels: [], routes: true, verifies: true }),
  ]).toEqual(['None', 'code, math · sorts requests', 'sorts requests · checks answers'])
  expect([keptRole(noRole), keptRole({ ...noRole, routes: true })]).toEqual([
    null,
    { labels: [], routes: true, verifies: false },
  ])
})

test('a label that was typed, and what is wrong with it', () => {
  const read = (name: string, { description = '', examples = '' } = {}) => {
    const found = readLabel({ name, description, examples }, { otherNames: ['chat'] })
    return 'error' in found ? found.error : found.label
  }
  const label = { name: 'code', description: 'Programs', examples: ['Sort a list', 'Add two numbers'] }
  expect(readLabel(draftOf(label), { otherNames: ['chat'] })).toEqual({ label })
  expect([
    read(' code ', { examples: '\n' }),
    read(''),
    read('Chat'),
    read('code!'),
    read('code', { description: 'x'.repeat(501) }),
    read('code', { examples: 'line\n'.repeat(11) }),
    read('code', { examples: 'x'.repeat(1001) }),
  ]).toEqual([
    { name: 'code' },
    'A label has a name',
    'There is a label “Chat” already',
    'The name takes letters, digits, spaces, "-" and "_", at most 32',
    'The description takes at most 500 characters',
    'Takes at most 10 examples',
    'An example takes at most 1,000 characters',
  ])
})
