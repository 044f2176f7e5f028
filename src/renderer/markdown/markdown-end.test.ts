import { expect, test } from 'vitest'
import { settleEnd } from './markdown-end.ts'

const settled = (texts: readonly string[]) => texts.map(settleEnd)

test('ends emphasis, code and strikethrough that have begun', () => {
  expect(
    settled(['a **bold', 'a *it', '**a *b', '~~gone', 'run `npm ci', '``a `b', 'a **bold** b', 'x_y_z']),
  ).toEqual([
    'a **bold**',
    'a *it*',
    '**a *b***',
    '~~gone~~',
    'run `npm ci`',
    '``a `b``',
    'a **bold** b',
    'x_y_z',
  ])
})

test('holds back marks whose meaning the next character decides', () => {
  expect(settled(['a *', 'a **', 'a **b*', 'a `', 'a $', 'a \\', 'a <', 'a [', 'AT&', 'a !'])).toEqual([
    'a ',
    'a ',
    'a **b**',
    'a ',
    'a ',
    'a ',
    'a ',
    'a ',
    'AT',
    'a ',
  ])
})

test('holds back lines that may become a heading, a list, a table or an underline', () => {
  expect(
    settled([
      'a\n-',
      'a\n==',
      'a\n\n#',
      'a\n1',
      '- a\n- ',
      'a\n\n| x | y |',
      'a\n\n| x | y |\n| --',
      'a\n> ',
    ]),
  ).toEqual(['a', 'a', 'a\n', 'a', '- a', 'a\n', 'a\n', 'a'])
  expect(settleEnd('| x | y |\n| --- | --- |\n| **1')).toBe('| x | y |\n| --- | --- |\n| **1**')
})

test('shows the text of a link or an image while its address is written', () => {
  expect(
    settled([
      'see [the do',
      'see [the docs]',
      'see [the docs](https://e',
      '![a cat](https',
      'a[0',
      '<https://exam',
    ]),
  ).toEqual(['see the do', 'see the docs', 'see the docs', 'Image: a cat', 'a[0', 'https://exam'])
})

test('shows a formula that is being written as its source, and leaves prices alone', () => {
  expect(
    settled([
      'so $\\frac{a}{b',
      'so \\(x + 1',
      'so $$x',
      'for $5 and',
      'for $5 and $1',
      'is $x$ and',
      'US$5',
    ]),
  ).toEqual(['so `\\frac{a}{b`', 'so `x + 1`', 'so `x`', 'for $5 and', 'for $5 and $1', 'is $x$ and', 'US$5'])
})

test('code within a list is left as it is', () => {
  expect(settled(['- a\n\n  ```sh\n  echo "**', '- a\n\n  ```sh\n  ls\n  ``', '- a\n\n  ```s'])).toEqual([
    '- a\n\n  ```sh\n  echo "**',
    '- a\n\n  ```sh\n  ls',
    '- a\n',
  ])
})
