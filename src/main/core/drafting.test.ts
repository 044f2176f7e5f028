import { expect, test } from 'vitest'
import {
  addToRecord,
  chooseDraft,
  chooseDraftModel,
  draftGain,
  draftPays,
  isMuchSmaller,
  type DraftRecord,
} from './drafting.ts'

/** Plain tokens take 10 ms, drafted ones 10 ms ÷ `gain`. */
function record(gain: number, tokens = 100): DraftRecord {
  return {
    ...{ proposedTokens: tokens, acceptedTokens: tokens / 2 },
    ...{ drafted: { tokens, ms: (tokens * 10) / gain }, plain: { tokens, ms: tokens * 10 } },
  }
}

test('a gain is the speed with drafts against that without, once enough was measured', () => {
  expect(draftGain(record(1.5))).toBeCloseTo(1.5)
  expect(draftGain(record(0.5))).toBeCloseTo(0.5)
  expect(draftGain(record(2, 10))).toBeNull()
  expect(draftGain(null)).toBeNull()
  // All was drafted: there is nothing to compare with.
  expect(draftGain({ ...record(2), plain: { tokens: 4, ms: 40 } })).toBeNull()
  // Nothing was accepted: that is known soon.
  const drafted = { tokens: 12, ms: 240 }
  expect(draftGain({ proposedTokens: 48, acceptedTokens: 0, drafted, plain: { tokens: 50, ms: 500 } })).toBe(
    0.5,
  )
  expect([record(1.5), record(1.01), null].map(draftPays)).toEqual([true, false, false])
})

test('what was not measured yet is tried, then the fastest that pays', () => {
  const choose = (lookup: DraftRecord | null, model?: DraftRecord | null) =>
    chooseDraft(
      [
        ...(model === undefined ? [] : [{ kind: 'model', record: model } as const]),
        { kind: 'lookup', record: lookup } as const,
      ],
      { answersWithout: 0 },
    )
  expect(choose(null)).toBe('lookup')
  expect(choose(null, null)).toBe('model')
  expect(choose(null, record(2))).toBe('lookup')
  expect(choose(record(1.2), record(2))).toBe('model')
  expect(choose(record(2), record(1.2))).toBe('lookup')
  expect(choose(record(2), record(0.5))).toBe('lookup')
  expect(choose(record(1), record(0.5))).toBeNull()
  expect(chooseDraft([], { answersWithout: 100 })).toBeNull()
})

test('what does not pay is tried again after a while', () => {
  const candidates = [{ kind: 'lookup', record: record(0.9) } as const]
  expect(chooseDraft(candidates, { answersWithout: 23 })).toBeNull()
  expect(chooseDraft(candidates, { answersWithout: 24 })).toBe('lookup')
})

test('a record adds answers up, and what is old fades', () => {
  const answer = {
    ...({ kind: 'lookup', proposedTokens: 20, acceptedTokens: 12 } as const),
    ...{ drafted: { tokens: 17, ms: 80 }, plain: { tokens: 30, ms: 300 } },
  }
  const one = addToRecord(null, answer)
  expect(addToRecord(one, answer)).toEqual({
    ...{ proposedTokens: 40, acceptedTokens: 24 },
    ...{ drafted: { tokens: 34, ms: 160 }, plain: { tokens: 60, ms: 600 } },
  })
  let faded = record(3, 4000)
  for (let answers = 0; answers < 200; answers++)
    faded = addToRecord(faded, { kind: 'lookup', ...record(0.5, 100) })
  expect(draftGain(faded)).toBeCloseTo(0.5, 1)
})

test('a draft that is loaded by itself is much smaller', () => {
  expect(isMuchSmaller({ weightBytes: 300 }, { weightBytes: 1000 })).toBe(true)
  expect(isMuchSmaller({ weightBytes: 301 }, { weightBytes: 1000 })).toBe(false)
})

test('a draft model is loaded by itself only when it was measured to be worth its memory', () => {
  const choose = (a: DraftRecord | null, b: DraftRecord | null, lookup: DraftRecord | null = null) =>
    chooseDraftModel(
      [
        { model: 'a', record: a },
        { model: 'b', record: b },
      ],
      { lookup },
    )
  expect(choose(null, null)).toBeNull()
  expect(choose(record(1.05), null)).toBeNull()
  expect(choose(record(1.5), record(2))).toBe('b')
  expect(choose(record(1.5), record(2), record(1.9))).toBeNull()
})
