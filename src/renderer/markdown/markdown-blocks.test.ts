import { expect, test } from 'vitest'
import { splitBlocks, type MarkdownBlock } from './markdown-blocks.ts'

const split = (text: string) => splitBlocks(text, { isGrowing: false })

test('cuts at blank lines and takes fences out as code', () => {
  expect(split('One\nstill one\n\n\nTwo\n```ts\nconst a = 1\n\nconst b = 2\n```\nThree\n')).toEqual([
    { kind: 'text', text: 'One\nstill one' },
    { kind: 'text', text: 'Two' },
    { kind: 'code', language: 'ts', code: 'const a = 1\n\nconst b = 2', isOpen: false },
    { kind: 'text', text: 'Three' },
  ])
})

test('a fence without its end is an open code block', () => {
  expect(split('```python title="x"\nprint(1)')).toEqual([
    { kind: 'code', language: 'python', code: 'print(1)', isOpen: true },
  ])
})

test('a longer fence holds shorter ones, and the other kind', () => {
  expect(split('````md\n```\n~~~~\n````')).toEqual([
    { kind: 'code', language: 'md', code: '```\n~~~~', isOpen: false },
  ])
})

test('keeps a loose list with its code blocks together', () => {
  const list = '1. First\n\n   ```sh\n   npm ci\n\n   npm start\n   ```\n\n2. Second\n\n   more'
  expect(split(`${list}\n\nAfter`)).toEqual([
    { kind: 'text', text: list },
    { kind: 'text', text: 'After' },
  ])
})

test('keeps indented code together', () => {
  expect(split('    a\n\n    b\n\nText')).toEqual([
    { kind: 'text', text: '    a\n\n    b' },
    { kind: 'text', text: 'Text' },
  ])
})

test('definitions go along with the blocks that name them, and brackets in code define nothing', () => {
  expect([
    split('See [here][1].\n\nOther.\n\n[1]: https://example.org\n[2]: https://unused.example'),
    split('a\n\n```ts\n[key]: 1\n```').length,
  ]).toEqual([
    [
      { kind: 'text', text: 'See [here][1].', definitions: '[1]: https://example.org' },
      { kind: 'text', text: 'Other.' },
    ],
    2,
  ])
})

test('takes formulas on lines of their own out, open and whole', () => {
  expect([
    split('So:\n$$\na = b\n- c\n$$\nand \\[x\\] is in a line.\n\n\\[ y \\]'),
    splitBlocks('So:\n\n$$\na = \\', { isGrowing: true }),
    split('$$ is the price'),
  ]).toEqual([
    [
      { kind: 'text', text: 'So:' },
      { kind: 'formula', source: 'a = b\n- c', isOpen: false },
      { kind: 'text', text: 'and \\[x\\] is in a line.' },
      { kind: 'formula', source: 'y', isOpen: false },
    ],
    [
      { kind: 'text', text: 'So:' },
      { kind: 'formula', source: 'a =', isOpen: true },
    ],
    [{ kind: 'text', text: '$$ is the price' }],
  ])
})

test('takes time in proportion to the text', () => {
  // With a search from each blank line on, these would take hours.
  expect([split('\n'.repeat(1_000_000)).length, split('a\n\n'.repeat(100_000)).length]).toEqual([0, 100_000])
})

test('inline code with three backticks is no fence', () => {
  expect(split('```not a fence``` here')).toEqual([{ kind: 'text', text: '```not a fence``` here' }])
})

test('holds back a line that may become a fence while the text grows', () => {
  expect(
    ['Text\n``', '```ts\nlet a\n``', 'Text\n``'].map((text, index) =>
      splitBlocks(text, { isGrowing: index < 2 }),
    ),
  ).toEqual([
    [{ kind: 'text', text: 'Text' }],
    [{ kind: 'code', language: 'ts', code: 'let a', isOpen: true }],
    [{ kind: 'text', text: 'Text\n``' }],
  ])
})

test('earlier blocks stay the same while text is added', () => {
  const text = 'Intro\n\n- a\n- b\n\nMiddle\n\n```ts\nconst a = 1\n```\n\nEnd of it.'
  const whole = split(text)
  for (let length = 1; length <= text.length; length++) {
    const grown = splitBlocks(text.slice(0, length), { isGrowing: true })
    expect(grown.slice(0, -1)).toEqual(whole.slice(0, Math.max(0, grown.length - 1)))
  }
})

test('blocks that stay while an answer grows do not keep the answers they were cut from', () => {
  const paragraph =
    'Words of a paragraph that is long enough to be cut out of the answer and not to be copied. '.repeat(4)
  const kept: MarkdownBlock[] = []
  const before = usedBytes()
  let text = ''
  for (let count = 1; count <= 600; count++) {
    text += `${paragraph}${String(count)}\n\n`
    // The page keeps each block as it first came.
    kept.push(...splitBlocks(text, { isGrowing: true }).slice(count - 1))
  }
  // 0.2 MB of text; with the answers behind the blocks it would be 66 MB.
  expect(kept).toHaveLength(600)
  expect(usedBytes() - before).toBeLessThan(5e6)
})

/** Bytes of the test's own JavaScript; Node shows its garbage collector here, and the page's types know neither. */
function usedBytes(): number {
  const { gc, process } = globalThis as unknown as {
    readonly gc: () => void
    readonly process: { readonly memoryUsage: () => { readonly heapUsed: number } }
  }
  gc()
  return process.memoryUsage().heapUsed
}
