import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findPiece, findTerms, indexText, parseQuery, type Term, type TextRange } from './search-text.ts'

function marked(text: string, ranges: readonly TextRange[]): string {
  return ranges
    .toReversed()
    .reduce(
      (all, { start, end }) => `${all.slice(0, start)}[${all.slice(start, end)}]${all.slice(end)}`,
      text,
    )
}

const find = (text: string, query: string) => marked(text, findTerms(text, parseQuery(query)))

test.each<[string, Term[]]>([
  ['', []],
  ['  ++ -- ', []],
  ['Memory', [{ words: ['memory'], isPrefix: true }]],
  ['memory ', [{ words: ['memory'], isPrefix: false }]],
  [
    'kv-cache Größe',
    [
      { words: ['kv', 'cache'], isPrefix: false },
      { words: ['grosse'], isPrefix: true },
    ],
  ],
  [
    '"kv cache" size',
    [
      { words: ['kv', 'cache'], isPrefix: false },
      { words: ['size'], isPrefix: true },
    ],
  ],
  [
    'size "kv ca',
    [
      { words: ['size'], isPrefix: false },
      { words: ['kv', 'ca'], isPrefix: true },
    ],
  ],
  [
    '“done” NOT OR (x*',
    [
      { words: ['done'], isPrefix: false },
      { words: ['not'], isPrefix: false },
      { words: ['or'], isPrefix: false },
      { words: ['x'], isPrefix: true },
    ],
  ],
  ['内存pool', [{ words: ['内', '存', 'pool'], isPrefix: true }]],
])('reads %j', (query, terms) => {
  expect(parseQuery(query)).toEqual(terms)
})

test('marks words, beginnings of words, phrases, and parts of words of scripts without spaces', () => {
  expect(find('The pool, pools and whirlpool', 'pool ')).toBe('The [pool], pools and whirlpool')
  expect(find('The pool, pools and whirlpool', 'poo')).toBe('The [poo]l, [poo]ls and whirlpool')
  expect(find('KV-Cache und kv\ncache', '"kv cache"')).toBe('[KV-Cache] und [kv\ncache]')
  expect(find('Die Größe, die Grösse, GROSSE', 'große ')).toBe('Die [Größe], die [Grösse], [GROSSE]')
  expect(find('Straße, STRAẞE und Strasse', 'strass')).toBe('[Straß]e, [STRAẞ]E und [Strass]e')
  expect(marked('Maß', findPiece('Maß', 's'))).toBe('Ma[ß]')
  expect(find('統一された内存池です', '内存')).toBe('統一された[内存]池です')
  expect(find('e\u0301te\u0301 été ETE', 'ete')).toBe('[e\u0301te\u0301] [été] [ETE]')
  expect(find('İstanbul 👋 istanbul', 'istanbul')).toBe('[İstanbul] 👋 [istanbul]')
  expect(find('ﬁle', 'file')).toBe('ﬁle')
})

test('finds a piece of text as it stands, whatever the case, accents and line ends', () => {
  const piece = (text: string, wanted: string) => marked(text, findPiece(text, wanted))
  expect(piece('a.b(c) A.B(C)', '.b(')).toBe('a[.b(]c) A[.B(]C)')
  expect(piece('Ein Käse\nBrot', 'kase b')).toBe('Ein [Käse\nB]rot')
  expect(piece('abc', '  ')).toBe('abc')
})

test('a huge text is searched to its end', () => {
  const text = `${'é '.repeat(500_000)}needle`
  expect(findTerms(text, parseQuery('needle'))).toEqual([{ start: 1_000_000, end: 1_000_006 }])
})

test('whatever is typed and whatever the text, places lie in the text and in order', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string())
  fc.assert(
    fc.property(texts, texts, (text, query) => {
      for (const ranges of [findTerms(text, parseQuery(query)), findPiece(text, query)]) {
        let last = 0
        for (const { start, end } of ranges) {
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          expect(end).toBeLessThanOrEqual(text.length)
          last = start
        }
      }
      expect(indexText(text).replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
    }),
  )
})
