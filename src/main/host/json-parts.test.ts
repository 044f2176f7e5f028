import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonParts } from './json-parts.ts'

const parse = (text: string): unknown => JSON.parse(text)

/** The whole text, cut at these places. */
function read(text: string, cuts: readonly number[]) {
  const reader = new JsonParts('list')
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
  const parts = [0, ...places].flatMap((from, index) =>
    reader.push(text.slice(from, places[index] ?? text.length)),
  )
  return {
    parts: parts.map((part) => parse(part)),
    rest: reader.isWhole ? parse(reader.rest) : null,
    hasOthers: reader.hasOthers,
  }
}

const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()))
const cuts = fc.array(fc.nat(), { maxLength: 20 })
const spaces = fc.constantFrom(0, 2)

test('gives the objects of a list at the top, wherever the text is cut', () => {
  fc.assert(
    fc.property(objects, cuts, spaces, (list, places, space) => {
      const text = JSON.stringify(list, null, space)
      expect(read(text, places)).toEqual({ parts: parse(text), rest: [], hasOthers: false })
    }),
  )
})

test('gives the objects under the key, and the rest with an empty list', () => {
  const rests = fc.dictionary(
    fc.string().filter((key) => key !== 'list' && key !== '__proto__'),
    fc.jsonValue(),
  )
  fc.assert(
    fc.property(rests, objects, rests, cuts, (before, list, after, places) => {
      const others = Object.fromEntries(Object.entries(after).filter(([key]) => !(key in before)))
      const text = JSON.stringify({ ...before, list, ...others })
      const result = read(text, places)
      expect(result).toEqual({
        parts: parse(JSON.stringify(list)),
        rest: parse(JSON.stringify({ ...before, list: [], ...others })),
        hasOthers: false,
      })
    }),
  )
})

test('an object without the key is the rest', () => {
  const text = '{"a": "list", "b": [{"list": [1]}], "c": "\\"list\\": ["}'
  expect(read(text, [3, 4, 50])).toEqual({ parts: [], rest: parse(text), hasOthers: false })
})

test('notices what is no list of objects, and what ends too early', () => {
  expect(read('[1, {"a": 2}]', []).hasOthers).toBe(true)
  expect(read('["text"]', [3]).hasOthers).toBe(true)
  for (const text of ['', ' ', '[{"a": 1}', '{"list": [', '"list', '[{"a": "b\\']) {
    const reader = new JsonParts('list')
    reader.push(text)
    expect([text, reader.isWhole]).toEqual([text, false])
  }
})
