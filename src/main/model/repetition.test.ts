import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RepetitionWatch, type Repetition } from './repetition.ts'

/** Writes a text in pieces as a model does; what is found, and after how many characters. */
function write(text: string, pieceLength = 5): (Repetition & { readonly at: number }) | null {
  const watch = new RepetitionWatch()
  for (let at = 0; at < text.length; at += pieceLength) {
    const found = watch.push(text.slice(at, at + pieceLength))
    if (found) return { ...found, at }
  }
  return null
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n')
}

const answers = fileURLToPath(new URL('../../testing/answers', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
const opening = 'Here is what I found about that, in the order in which it happened.\n\n'
const cities =
  'Berlin Paris Rome Madrid Oslo Vienna Prague Lisbon Dublin Athens Warsaw Sofia Riga Bern'.split(' ')

describe('writes on', () => {
  for (const name of readdirSync(answers))
    test(`answers/${name}`, () => expect(write(readFileSync(path.join(answers, name), 'utf8'))).toBeNull())

  test('all prose and code of this repository', () => {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (file) =>
        /\.(md|ts|tsx|css|json|py)$/.test(file) &&
        !/node_modules|^(out|dist)|\.d\.ts|package-lock/.test(file),
    )
    expect(files.length).toBeGreaterThan(200)
    const found = files.flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8').slice(0, 40_000)
      const repetition = write(text, 64)
      return repetition ? [{ file, ...repetition }] : []
    })
    expect(found).toEqual([])
  })

  const texts: Record<string, string> = {
    'a table with many equal rows': `| Day | Rain |\n| --- | --- |\n${lines(80, () => '| Monday | 0 mm |')}`,
    'rules of a wide table': `|${`${'-'.repeat(120)}|`.repeat(4)}\n${'='.repeat(200)}\n`,
    'a JSON array of equal rows': `[\n${lines(60, () => '  { "name": "unknown", "value": null },')}\n]`,
    'JSON of words alone': `[${lines(40, () => '["unknown", "unknown"],')}]`,
    'zeros in code': `\`\`\`ts\nconst zeros = [${'0, '.repeat(700)}]\n\`\`\``,
    'equal lines of code': `\`\`\`py\n${lines(60, () => '    print("Hello, world!")')}\n\`\`\``,
    'numbered lines of a table of products': lines(
      100,
      (at) => `7 times ${String(at)} is ${String(7 * at)}.`,
    ),
    'a template with new words in each line': lines(14, (at) => {
      const city = cities[at] ?? ''
      return `Take the early train to ${city} and change there for the night train to the coast of the sea.`
    }),
    'a poem with a refrain': lines(8, (at) => {
      const verse = `The ${cities[at] ?? ''} bells ring over hill ${'abcdefgh'.charAt(at)}${cities[at + 2] ?? ''}\nand nobody knows ${cities[at + 4] ?? ''} is near`
      return `${verse}\n\nRow, row, row your boat,\ngently down the stream,\nmerrily, merrily, merrily, merrily,\nlife is but a dream.\n`
    }),
    'a chorus four times at the end': `${opening}${'Let it be known to all of us,\nthat we will sing again tonight,\nand in the morning all of us\nwill see the golden light.\n\n'.repeat(4)}`,
    'a laugh and a scream': `${'ha'.repeat(120)}! ${'A'.repeat(300)}`,
    'a sentence written ten times as asked': 'I will not talk in class.\n'.repeat(10),
    'a word written fifty times as asked': 'buffalo '.repeat(50),
    'deep indentation': `if x:\n${' '.repeat(200)}y`,
  }
  for (const [name, text] of Object.entries(texts))
    test(name, () => expect(write(opening + text + opening)).toBeNull())

  test('words at random, however few there are', () => {
    const words = fc.array(fc.constantFrom(...cities, 'and', 'or', 'to', 'the.'), { maxLength: 600 })
    fc.assert(
      fc.property(words, (each) => write(each.join(' '), 40)?.kind !== 'exact'),
      { numRuns: 50 },
    )
  })
})

describe('stops', () => {
  const exact: Record<string, readonly [unit: string, mostCharacters: number]> = {
    'a phrase': ['and then he said that ', 600],
    'a word': ['no ', 1000],
    'a sentence': ['I am sorry, but I cannot help you with that. ', 600],
    'a paragraph': [
      `${'The history of this town is long, and much of it was never written down. '.repeat(2)}Who knows? `,
      1200,
    ],
    'a long passage': [
      Array.from(
        { length: 150 },
        (_, at) => `word${String.fromCharCode(97 + (at % 26), 97 + (at % 25))}`,
      ).join(' '),
      6000,
    ],
    'empty lines': ['\n', 500],
    'equal lines of code without end': ['x = x + 1;\n', 4000],
    Chinese: ['我很抱歉，我不能帮助你。', 600],
  }
  for (const [name, [unit, mostCharacters]] of Object.entries(exact))
    test(`${name}, over and over`, () => {
      const found = write(opening + unit.repeat(Math.ceil(20_000 / unit.length)))
      expect(found?.at).toBeLessThan(opening.length + unit.length + mostCharacters)
      // It begins with the second time.
      expect(found?.from).toBeGreaterThanOrEqual(opening.length - 2)
      expect(found?.from).toBeLessThanOrEqual(opening.length + 2 * unit.length + 64)
      expect(unit.repeat(3)).toContain(found?.unit)
      if (name === 'a sentence') expect(found?.unit).toBe(unit)
    })

  test('any words without end, and says where they began to repeat', () => {
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'),
      minLength: 2,
      maxLength: 8,
    })
    const unit = fc.array(word, { minLength: 2, maxLength: 40 }).map((words) => `${words.join(' ')}. `)
    fc.assert(
      fc.property(unit, fc.integer({ min: 1, max: 9 }), (each, pieceLength) => {
        const found = write(opening + each.repeat(Math.ceil(6000 / each.length)), pieceLength)
        return (
          found !== null &&
          found.from >= opening.length &&
          found.from <= opening.length + 2 * each.length + 64
        )
      }),
      { numRuns: 100 },
    )
  })

  test('the same few sentences with small changes, in another order each time', () => {
    const sentences = [
      'The most important thing is to keep the house warm in the winter, and to be careful.',
      'It is important to keep the house warm in the winter and to be careful with the fire.',
      'You should be careful with the fire in the house, and keep it warm in the winter.',
    ]
    const adverbs = ['really', 'always', 'surely', 'really']
    const text = Array.from({ length: 60 }, (_, at) => {
      const sentence = sentences[(at * 7 + Math.floor(at / 3)) % 3] ?? ''
      return sentence.replace(' to ', ` to ${adverbs[(at * 5) % 4] ?? ''} `)
    }).join(' ')
    const found = write(opening + text)
    expect(found?.kind).toBe('near')
    expect(found?.at).toBeLessThan(3000)
  })

  test('a numbered list of the same', () => {
    const text = lines(
      60,
      (at) => `${String(at + 1)}. Make sure that the model is loaded before you ask it anything.`,
    )
    const found = write(opening + text)
    expect(found).toMatchObject({
      kind: 'near',
      unit: '2. Make sure that the model is loaded before you ask it anything.',
    })
  })
})
