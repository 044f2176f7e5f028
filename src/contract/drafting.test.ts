import { expect, test } from 'vitest'
import { canGoBack, differsInVocabulary, draftsFor, fitsAsDraft, sharesVocabulary } from './drafting.ts'
import type { LibraryModel, ModelFacts } from './model.ts'

const facts = {
  vocabularySize: 1000,
  vocabularyFingerprint: 'a',
  weightBytes: 1000,
  recurrentStateBytes: 0,
  kvLayerGroups: [{ layers: 2, kvHeads: 1, keyLength: 8, valueLength: 8, windowTokens: null }],
} as Partial<ModelFacts> as ModelFacts
const windows = facts.kvLayerGroups.map((group) => ({ ...group, windowTokens: 64 }))

test('vocabularies are the same when their tokens are, but for padding', () => {
  const other = { vocabularySize: 1100, vocabularyFingerprint: 'a' }
  expect(sharesVocabulary(facts, other)).toBe(true)
  expect(differsInVocabulary(facts, other)).toBe(false)
  for (const wrong of [
    { ...other, vocabularySize: 1129 },
    { ...other, vocabularyFingerprint: 'b' },
  ]) {
    expect(sharesVocabulary(facts, wrong)).toBe(false)
    expect(differsInVocabulary(facts, wrong)).toBe(true)
  }
  // Nobody has looked yet.
  expect(sharesVocabulary({ vocabularySize: 1000 }, { vocabularySize: 1000 })).toBe(false)
  expect(differsInVocabulary({ vocabularySize: 1000 }, facts)).toBe(false)
})

test('a draft is smaller, of the same vocabulary, and can go back', () => {
  expect(fitsAsDraft({ ...facts, weightBytes: 999 }, facts)).toBe(true)
  expect(fitsAsDraft({ ...facts, weightBytes: 1000 }, facts)).toBe(false)
  expect(fitsAsDraft({ ...facts, weightBytes: 100, vocabularyFingerprint: 'b' }, facts)).toBe(false)
  expect(fitsAsDraft({ ...facts, weightBytes: 100, recurrentStateBytes: 8 }, facts)).toBe(false)
  expect(fitsAsDraft({ ...facts, weightBytes: 100, kvLayerGroups: windows }, facts)).toBe(true)
})

test('recurrent layers cannot go back, windows only when they are kept whole', () => {
  const whole = { fullWindowCache: true }
  const slides = { fullWindowCache: false }
  expect(canGoBack(facts, slides)).toBe(true)
  expect(canGoBack({ ...facts, kvLayerGroups: windows }, slides)).toBe(false)
  expect(canGoBack({ ...facts, kvLayerGroups: windows }, whole)).toBe(true)
  expect(canGoBack({ ...facts, recurrentStateBytes: 8 }, whole)).toBe(false)
})

test('the drafts of a model are those of the library that fit, the smallest first', () => {
  const entry = (id: string, changes: Partial<ModelFacts> | null = {}) =>
    ({
      id,
      file: changes ? { kind: 'usable', facts: { ...facts, ...changes } } : { kind: 'missing' },
    }) as Partial<LibraryModel> as LibraryModel
  const models = [
    entry('large'),
    entry('half', { weightBytes: 500 }),
    entry('gone', null),
    entry('other', { weightBytes: 10, vocabularyFingerprint: 'b' }),
    entry('small', { weightBytes: 100 }),
  ]
  expect(draftsFor(models[0]!, models).map(({ id }) => id)).toEqual(['small', 'half'])
  expect(draftsFor(models[2]!, models)).toEqual([])
})
