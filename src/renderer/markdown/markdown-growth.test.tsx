// @vitest-environment jsdom
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, test } from 'vitest'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { AnswerText } from '../chat/answer-text.tsx'
import code from '../../testing/answers/code.txt?raw'
import explanation from '../../testing/answers/explanation.txt?raw'
import multilingual from '../../testing/answers/multilingual.txt?raw'
import thinking from '../../testing/answers/thinking.txt?raw'

// What streams seldom, and changed its look while it did.
const formulas = `Derive it:

1. Begin with the sum:

   $$
   S = a
   + b
   - c

   = d
   $$

   and go on.
2. Then
   \\[
   # x = \\frac{1}{2} \\\\
   y
   \\]
   - a point with $ABC$ and $ma = F$
   - and one with $x_1$

In a shell $HOME/bin and $PATH are variables, $variable is one, and it costs $5 or $10. Of the triangle $ABC$ the side $a$ is known.
`
const recordedAnswers = { explanation, code, thinking, multilingual, formulas }

/** What an answer looks like while it grows and at its end, by its length. */
function draw(text: string, isGrowing: boolean): HTMLElement {
  const box = document.createElement('div')
  box.innerHTML = renderToStaticMarkup(<AnswerText text={text} thoughts={undefined} isGrowing={isGrowing} />)
  return box
}

/** Every beginning of it but those within a word, where nothing can change. */
function beginningsOf(text: string): readonly string[] {
  const characters = Array.from(text)
  return characters
    .map((character, index) =>
      /\w/.test(character) && /\w/.test(characters[index + 1] ?? '') ? -1 : index + 1,
    )
    .filter((length) => length > 0)
    .map((length) => characters.slice(0, length).join(''))
}

/** Text as it is read: thoughts, the bars of code blocks and white space at the ends left out. */
function textOf(box: HTMLElement): string {
  const copy = box.cloneNode(true) as HTMLElement
  for (const bar of copy.querySelectorAll('button, details')) bar.remove()
  return copy.textContent.replace(/\s+/g, ' ').trim()
}

/** The blocks of the answer at its outermost level, by element. */
function blocksOf(box: HTMLElement): readonly string[] {
  return [...box.children].flatMap((part) =>
    part.tagName === 'DETAILS'
      ? ['THOUGHT']
      : [...part.children].flatMap((block) =>
          block.getAttribute('role') === 'group' || block.tagName === 'SPAN'
            ? [block.getAttribute('aria-label') ?? 'FORMULA']
            : [...block.children].map(({ tagName, ariaLabel }) => ariaLabel ?? tagName),
        ),
  )
}

describe.each(Object.entries(recordedAnswers))(
  'the recorded answer "%s", character by character',
  (_, text) => {
    const beginnings = beginningsOf(text)
    const frames = beginnings.map((beginning) => draw(beginning, true))
    const seen = frames.map(textOf)
    const whole = draw(text, false)
    const end = textOf(whole)

    test('shows at each moment the beginning of what it says in the end', () => {
      const wrong = seen.filter((shown) => !end.startsWith(shown))
      expect(wrong.slice(0, 3).map((shown) => `…${shown.slice(-60)}`)).toEqual([])
    })

    test('loses nothing on the way, holds little back, and nothing at its end', () => {
      const lengths = seen.map(({ length }) => length)
      const lost = lengths.filter((length, index) => length < (lengths[index - 1] ?? 0))
      const waits = lengths.map(
        (length, index) =>
          (beginnings[index]?.length ?? 0) - (beginnings[lengths.indexOf(length)]?.length ?? 0),
      )
      const thoughtLength = text.length - withoutThoughts(text).length
      expect({ lost, waits: Math.max(...waits) < 130 + thoughtLength, last: seen.at(-1) }).toEqual({
        lost: [],
        waits: true,
        last: end,
      })
    })

    test('no block becomes another kind of block', () => {
      const kinds = blocksOf(whole)
      const changed = frames
        .map((frame, index) => ({ text: beginnings[index]?.slice(-20), blocks: blocksOf(frame) }))
        .filter(({ blocks }) => blocks.join() !== kinds.slice(0, blocks.length).join())
      expect(changed.slice(0, 3).map(({ text, blocks }) => [text, blocks.at(-1)])).toEqual([])
    })
  },
)

test('links and notes that are defined at the end change no block but their own', () => {
  const text = 'See [the docs][1] and a note[^n].\n\nMore.\n\n```ts\nlet a\n```\n\n'
  const before = draw(text, true)
  const after = draw(`${text}[1]: https://example.org/docs\n[^n]: A note.\n`, false)
  expect([
    [...before.querySelectorAll('p')].map((p) => p.textContent).slice(0, 2),
    [...after.querySelectorAll('a')].map((a) => a.getAttribute('href')),
    [...after.querySelectorAll('p')].map((p) => p.textContent.trim()),
  ]).toEqual([
    ['See [the docs][1] and a note[^n].', 'More.'],
    ['https://example.org/docs'],
    ['See the docs and a note1.', 'Footnotes', 'A note. ↩', 'More.'],
  ])
})
