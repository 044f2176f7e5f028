// @vitest-environment jsdom
import { renderToStaticMarkup } from 'react-dom/server'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Markdown } from './markdown.tsx'

/** The formulas of a text and the text around them. */
function read(text: string): { readonly formulas: readonly string[]; readonly text: string } {
  const box = document.createElement('div')
  box.innerHTML = renderToStaticMarkup(<Markdown text={text} isGrowing={false} />)
  const codes = [...box.querySelectorAll('span > code')]
  const formulas = codes.map(({ textContent }) => textContent)
  for (const code of codes) code.replaceWith('·')
  return { formulas, text: box.textContent }
}

test('reads formulas in all four ways, also in lists, quotes and tables', () => {
  expect(
    read(
      'a $x_1 + y$ b \\(a*b*c\\) c\n\n$$\nE = mc^2\n$$\n\n\\[ a \\]\n\n- in $$z$$\n\n> \\[q\n> = r\\]\n\n| a |\n| - |\n| $t$ |',
    ).formulas,
  ).toEqual(['x_1 + y', 'a*b*c', 'E = mc^2', 'a', 'z', 'q = r', 't'])
})

test('a formula of many lines is one in a list too, whatever its lines begin with', () => {
  const lists = [
    '- one\n\n  $$\n  a = b\n  + c\n  - d\n  $$\n\n  more\n- two',
    '1. one\n   \\[\n   a\n   = b\n   \\]\n2. two',
    '* $$\n  \\begin{aligned}\n  a &= b \\\\\n\n  # c\n  \\end{aligned}\n  $$\n* two',
    '- one\n  - deep\n    \\[\n> a\n1. b\n    \\]\n- two',
    '- one\n$$\nx\n$$\n- two',
  ]
  expect(lists.map((list) => read(list).formulas)).toEqual([
    ['a = b\n+ c\n- d'],
    ['a\n= b'],
    ['\\begin{aligned}\na &= b \\\\\n\n# c\n\\end{aligned}'],
    ['> a\n1. b'],
    ['x'],
  ])
  for (const list of lists) expect(read(list).text).toMatch(/two/)
  // A mark that nothing closes stays text, and the list a list.
  expect(read('- one\n  $$\n  x\n- two')).toEqual({
    formulas: [],
    text: expect.stringContaining('$$') as string,
  })
})

test('prices, variables and escaped dollars are text', () => {
  const texts = [
    'It costs $5 and $10, or US$20 to US$30.',
    '$5-$10 a month; 5$ for one, 10$ for two',
    '$5 for one apple, 10$',
    'echo $HOME/$USER and a$b$c',
    '`$x$` in code',
    '$ x $',
    '~5 and ~10',
  ]
  expect(texts.map(read)).toEqual(texts.map((text) => ({ formulas: [], text: text.replaceAll('`', '') })))
  expect(read('\\$a\\$')).toEqual({ formulas: [], text: '$a$' })
})

test('reads whatever comes, in quotes, lists and tables too, and comes to an end', () => {
  const piece = fc.constantFrom(
    '$',
    '$$',
    '\\(',
    '\\)',
    '\\[',
    '\\]',
    'x',
    ' ',
    '\n',
    '\n> ',
    '\n- ',
    '\n  ',
    '|',
    '\\',
    '`',
    '*',
    '[',
    '](',
    '5',
    '\n\n',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      expect(typeof read(pieces.join('')).text).toBe('string')
    }),
    { numRuns: 400 },
  )
})
