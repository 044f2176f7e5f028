import { expect, test } from 'vitest'
import { matchText } from './match-text.ts'

function marked(text: string, query: string): string | null {
  const match = matchText(text, query)
  return (
    match &&
    text
      .split('')
      .map((letter, at) => (match.marks.includes(at) ? `[${letter}]` : letter))
      .join('')
  )
}

test('the letters that begin words are meant before others', () => {
  expect(marked('New conversation', 'nc')).toBe('[N]ew [c]onversation')
  expect(marked('Open the settings', 'set')).toBe('Open the [s][e][t]tings')
  expect(marked('Unload Coder', 'coder')).toBe('Unload [C][o][d][e][r]')
})

test('words are found in any order, and each of them has to be there', () => {
  expect(marked('Load Qwen3 Coder 30B', 'coder load')).toBe('[L][o][a][d] Qwen3 [C][o][d][e][r] 30B')
  expect(matchText('Load Coder', 'load judge')).toBeNull()
  expect(matchText('Load', 'loaded')).toBeNull()
  // Letters from the midst of other words are no match.
  expect(matchText('Choose the model of the next turn', 'coder')).toBeNull()
  expect(marked('Open the conversation', 'cnv')).toBe('Open the [c]o[n][v]ersation')
})

test('accents and case do not matter, and indexes stay those of the text', () => {
  expect(marked('Été à Paris', 'ete')).toBe('[É][t][é] à Paris')
  expect(marked('İstanbul', 'ist')).toBe('[İ][s][t]anbul')
})

test('whole words beat scattered letters, and nothing typed matches everything alike', () => {
  const score = (text: string, query: string) => matchText(text, query)?.score ?? -Infinity
  expect(score('Pin Guide', 'pin')).toBeGreaterThan(score('Open the library in a new place', 'pin'))
  expect(score('Open the library', 'lib')).toBeGreaterThan(score('Load Guide in background', 'lib'))
  expect(matchText('Anything', '  ')?.marks).toEqual([])
})
