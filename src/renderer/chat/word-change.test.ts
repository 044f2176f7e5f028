import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changeText, wordChange } from './word-change.ts'

test('words that were taken out and put in stand between those that stayed', () => {
  const parts = wordChange('The sum of 2 and 2 is 5.', 'The sum of 2 and 2 is 4, of course.')
  expect(parts.map(({ kind, text }) => [kind, text])).toEqual([
    ['same', 'The sum of 2 and 2 is '],
    ['removed', '5'],
    ['added', '4, of course'],
    ['same', '.'],
  ])
  expect(changeText(parts)).toBe('1 word removed, 3 added')
  // One change rather than a word of each text in turns.
  expect(wordChange('4 times 5 is 20.', 'Hello, I am Guide.').map(({ kind, text }) => [kind, text])).toEqual([
    ['removed', '4 times 5 is 20'],
    ['added', 'Hello, I am Guide'],
    ['same', '.'],
  ])
  expect(changeText(wordChange('Same', 'Same'))).toBe('Nothing was changed')
})

test('without what was put in there is the old text, without what was taken out the new one', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c ', ' ', '\n', '```')).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const parts = wordChange(before, after)
      const without = (kind: string) =>
        parts
          .filter((part) => part.kind !== kind)
          .map((part) => part.text)
          .join('')
      return without('added') === before && without('removed') === after
    }),
  )
})

test('long texts that have nothing in common are compared within a moment', () => {
  const words = (start: number) => Array.from({ length: 20_000 }, (_, at) => String(start + at)).join(' ')
  const started = performance.now()
  const parts = wordChange(words(0), words(1_000_000))
  expect(parts.length).toBeGreaterThan(1)
  expect(performance.now() - started).toBeLessThan(5000)
})
