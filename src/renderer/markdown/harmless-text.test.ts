import { expect, test } from 'vitest'
import { harmlessText } from './harmless-text.ts'
import { isTangled } from './markdown-limits.ts'
import { splitPieces } from './plain-text.tsx'

test('shows what turns text around and what controls terminals, and mends halves of characters', () => {
  expect(harmlessText('a\u202Eb\u2066c \0\u001B[31m\u009F\r\nd\rz \uD800! 👩‍👩‍👧 \tx')).toBe(
    'a⟨U+202E⟩b⟨U+2066⟩c ␀␛[31m⟨U+009F⟩\nd\nz \uFFFD! 👩‍👩‍👧 \tx',
  )
})

test('leaves scripts of all kinds alone, and takes down towers of accents', () => {
  const fine = 'Ångström, tiếng Việt, हिन्दी, العَرَبِيَّة, 日本語, e\u0301\u0323'
  expect([harmlessText(fine), harmlessText(`Z${'\u0300'.repeat(500)}!`)]).toEqual([
    fine,
    `Z${'\u0300'.repeat(8)}!`,
  ])
})

test('tells text that is made to keep the page busy from what people write', () => {
  const tangled = [
    '['.repeat(5000),
    '>'.repeat(500),
    '*a **b '.repeat(5000),
    `${' '.repeat(200)}- x`,
    'x'.repeat(60_000),
    '- '.repeat(200),
  ]
  const plain = [
    '- a\n'.repeat(1000),
    '| a | b |\n'.repeat(500),
    '> > quote',
    'word '.repeat(5000),
    '[a](https://b.example) '.repeat(300),
  ]
  expect([tangled.map(isTangled), plain.map(isTangled)]).toEqual([
    tangled.map(() => true),
    plain.map(() => false),
  ])
})

test('cuts text at lines, at spaces, or at whole characters', () => {
  expect([
    splitPieces('ab\ncd\nef', 4),
    splitPieces('abc def ghi', 5),
    splitPieces('😀😀😀', 3),
    splitPieces('', 5),
  ]).toEqual([['ab', 'cd', 'ef'], ['abc ', 'def ', 'ghi'], ['😀', '😀', '😀'], ['']])
})
