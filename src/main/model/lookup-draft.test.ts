import { expect, test } from 'vitest'
import { LookupDraft } from './lookup-draft.ts'

/** Letters are tokens. */
function propose(text: string, count: number, draft = new LookupDraft()): string {
  const tokens = draft.propose(
    Array.from(text, (letter) => letter.charCodeAt(0)),
    count,
  )
  return String.fromCharCode(...tokens)
}

test('proposes what followed the same words before, as much as is asked for', () => {
  expect(propose('one two three, one two', 6)).toBe(' three')
  expect(propose('one two three, one two', 3)).toBe(' th')
  expect(propose('one two three, one two', 0)).toBe('')
})

test('proposes nothing for words that are new, or too short to tell', () => {
  expect(propose('one two three', 6)).toBe('')
  expect(propose('ab, ab', 6)).toBe('')
  expect(propose('', 6)).toBe('')
})

test('of several places the one that agrees longest goes before the latest, and that before an earlier one', () => {
  expect(propose('in the house. at the door. in the', 4)).toBe(' hou')
  expect(propose('the house. the door. the', 4)).toBe(' doo')
})

test('goes on with a text that grows, also within what it proposed', () => {
  const draft = new LookupDraft()
  const text = 'a b c d e f g; a b c d e'
  for (let length = 1; length < text.length; length++) propose(text.slice(0, length), 4, draft)
  expect(propose(text, 4, draft)).toBe(' f g')
  expect(propose('xyz xyz xyz', 5, new LookupDraft())).toBe(' xyz')
})
