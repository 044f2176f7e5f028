// @vitest-environment jsdom
import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Markdown } from './markdown.tsx'

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)

const page: { root: Root; box: HTMLElement } = {
  root: createRoot(document.createElement('div')),
  box: document.createElement('div'),
}

function draw(text: string, isGrowing = false): HTMLElement {
  act(() => page.root.render(<Markdown text={text} isGrowing={isGrowing} />))
  return page.box
}

beforeEach(() => {
  page.box = document.createElement('div')
  page.root = createRoot(page.box)
})
afterEach(() => act(() => page.root.unmount()))

test('shows raw HTML as text and makes no element of it', () => {
  const box = draw(
    'Look: <img src=x onerror=alert(1)> and\n\n<script>alert(1)</script>\n\n<iframe src="//a.example">',
  )
  expect({
    made: box.querySelectorAll('img, script, iframe').length,
    isShown: box.textContent.includes('<img src=x onerror=alert(1)>') && box.textContent.includes('<script>'),
  }).toEqual({ made: 0, isShown: true })
})

test('fetches no image: it is a link to it', () => {
  const box = draw('![a cat](https://cats.example/cat.png) and ![](data:image/png;base64,AAAA)')
  const links = [...box.querySelectorAll('a')].map(({ href, textContent }) => [href, textContent])
  expect({ images: box.querySelectorAll('img').length, links, text: box.textContent }).toEqual({
    images: 0,
    links: [['https://cats.example/cat.png', 'Image: a cat']],
    text: 'Image: a cat and Image',
  })
})

test('links lead outside, and only by http, https and mail', () => {
  const box = draw(
    '[a](https://a.example) [b](http://b.example) [c](mailto:c@c.example) ' +
      '[d](javascript:alert(1)) [e](/admin) [f](file:///etc/passwd) [g](data:text/html,x) [h](#top) <javascript:alert(2)>',
  )
  const links = [...box.querySelectorAll('a')].map(({ textContent, target, rel }) => [
    textContent,
    target,
    rel,
  ])
  expect(links).toEqual(['a', 'b', 'c'].map((name) => [name, '_blank', 'noopener noreferrer']))
})

test('code blocks name their language and can be copied, also inside of lists', () => {
  const box = draw('```ts\nconst a = 1\n```\n\n- item\n\n  ```sh\n  ls\n  ```\n')
  const blocks = [...box.querySelectorAll('[role=group]')].map((block) => [
    block.getAttribute('aria-label'),
    block.querySelector('code')?.textContent,
    ...[...block.querySelectorAll('button')].map((button) => button.getAttribute('aria-label')),
  ])
  expect(blocks).toEqual([
    ['Code, ts', 'const a = 1', 'Wrap lines', 'Copy code'],
    ['Code, sh', 'ls', 'Wrap lines', 'Copy code'],
  ])
})

test('what was drawn stays the same element while the answer grows', () => {
  const text = 'First *part*.\n\n```ts\nconst a = 1\nconst b = 2\n```\n\nSecond part, longer.'
  const first = draw(text.slice(0, 20), true).querySelector('p')
  const code = draw(text.slice(0, 32), true).querySelector('code')
  for (let length = 33; length <= text.length; length++) draw(text.slice(0, length), true)
  const box = draw(text)
  expect([box.querySelector('p') === first, box.querySelector('code') === code, code?.textContent]).toEqual([
    true,
    true,
    'const a = 1\nconst b = 2',
  ])
})

test('a very long paragraph is drawn now and then while it grows, and whole at its end', () => {
  vi.useFakeTimers()
  try {
    const long = 'word '.repeat(1000)
    draw(long, true)
    const before = draw(`${long}more`, true).textContent.trim().length
    act(() => {
      vi.advanceTimersByTime(200)
    })
    const after = page.box.textContent.trim().length
    const end = draw(`${long}more text`).textContent.trim().length
    expect([before, after, end]).toEqual([4999, 5004, 5009])
  } finally {
    vi.useRealTimers()
  }
})
