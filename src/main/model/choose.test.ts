import { expect, test } from 'vitest'
import { weighOptions, type Spelling } from './choose.ts'

/** Each letter is a token. */
function spell(...options: readonly string[]): Spelling<number>[] {
  return options.map((text, option) => ({ option, tokens: [...Buffer.from(text)] }))
}

/** A model that says these letters after these beginnings; what it was asked. */
function modelThatSays(next: Readonly<Record<string, Readonly<Record<string, number>>>>) {
  const asked: string[] = []
  const look = async (path: readonly number[]) => {
    const text = String.fromCharCode(...path)
    asked.push(text)
    const entries = Object.entries(next[text] ?? {})
    return Promise.resolve(new Map(entries.map(([letter, share]) => [letter.charCodeAt(0), share])))
  }
  return { asked, look }
}

test('options of different beginnings are weighed by one look', async () => {
  const { asked, look } = modelThatSays({ '': { c: 0.6, m: 0.2, x: 0.2 } })
  const { probabilities, coveredShare } = await weighOptions(spell('code', 'math'), look)
  expect([probabilities.map((each) => Number(each.toFixed(6))), coveredShare]).toEqual([
    [0.75, 0.25],
    expect.closeTo(0.8),
  ])
  expect(asked).toEqual([''])
})

test('several spellings of an option count together', async () => {
  const { look } = modelThatSays({ '': { a: 0.2, A: 0.4, b: 0.4 } })
  const spellings = [...spell('a', 'b'), { option: 0, tokens: [65] }]
  const { probabilities } = await weighOptions(spellings, look)
  expect(probabilities[0]).toBeCloseTo(0.6)
})

test('options that begin alike are told apart where they differ, and what they must share is not asked for', async () => {
  const { asked, look } = modelThatSays({
    '': { q: 0.5, z: 0.5 },
    'qwen-': { '8': 0.3, '3': 0.1 },
  })
  const { probabilities } = await weighOptions(spell('qwen-8b', 'qwen-30b', 'z'), look)
  expect(probabilities.map((each) => Number(each.toFixed(6)))).toEqual([0.375, 0.125, 0.5])
  expect(asked).toEqual(['', 'qwen-'])
})

test('an option that another one goes on from has what is left', async () => {
  const { look } = modelThatSays({ '': { c: 1 }, code: { r: 0.25, '.': 0.7 } })
  const { probabilities } = await weighOptions(spell('code', 'coder'), look)
  expect(probabilities).toEqual([0.75, 0.25])
})

test('options that the model never says share equally', async () => {
  const { look } = modelThatSays({ '': { x: 1 } })
  expect(await weighOptions(spell('a', 'b'), look)).toEqual({ probabilities: [0.5, 0.5], coveredShare: 0 })
})
