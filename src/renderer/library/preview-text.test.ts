import { expect, test } from 'vitest'
import { MB } from '../../contract/bytes.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import { contextText, growthText, reliefTexts, shortVerdictText, verdictText } from './preview-text.ts'

const leaver = (name: string) => ({ modelId: name, name, freesBytes: 50 * MB })

test('says who leaves, who is waited for, and both', () => {
  const [coder, judge] = [leaver('Coder'), leaver('Judge')]
  const verdicts: LoadPreview['verdict'][] = [
    { kind: 'fits' },
    { kind: 'evicts', leaving: [coder] },
    { kind: 'evicts', leaving: [coder, judge] },
    { kind: 'waits', leaving: [coder, judge], waitsFor: [coder], remedies: [] },
    { kind: 'waits', leaving: [], waitsFor: [coder, judge], remedies: [] },
  ]
  expect(verdicts.map((verdict) => [verdictText(verdict), shortVerdictText(verdict)])).toEqual([
    ['Nobody has to leave', 'fits'],
    ['Coder (50.0 MB) has to leave', 'Coder leaves'],
    ['Coder (50.0 MB) and Judge (50.0 MB) have to leave', '2 leave'],
    ['It waits until Coder is done, then Coder (50.0 MB) and Judge (50.0 MB) have to leave', 'waits'],
    ['It waits until Coder and Judge are done', 'waits'],
  ])
})

test('names the idle KV caches that are given back, and what that does', () => {
  const step = { modelId: 'a', name: 'Coder', freesBytes: 5 * MB }
  expect(
    reliefTexts({
      kind: 'fits',
      relieves: [
        { ...step, kind: 'shrink' },
        { ...step, kind: 'park' },
        { ...step, kind: 'drop' },
      ],
    }),
  ).toEqual([
    'An idle KV cache of Coder is made smaller, nothing is lost (5.00 MB)',
    'An idle KV cache of Coder goes to disk (5.00 MB)',
    'An idle KV cache of Coder is given up and read again when it is needed (5.00 MB)',
  ])
  expect(
    reliefTexts({
      kind: 'fits',
      relieves: [
        { ...step, kind: 'park' },
        { ...step, kind: 'park' },
        { ...step, name: 'Judge', kind: 'park' },
      ],
    }),
  ).toEqual(['Idle KV caches of Coder and Judge go to disk (15.0 MB)'])
})

test('says what a context grows to, only where it grows', () => {
  const preview = (startContextTokens: number) =>
    ({
      ...{ startContextTokens, contextTokens: 8192, grownBytes: 900 * MB },
    }) as Partial<LoadPreview> as LoadPreview
  expect([4096, 8192].map((begin) => [contextText(preview(begin)), growthText(preview(begin))])).toEqual([
    ['a context of 4,096 tokens, growing to 8,192', 'Grows as it fills, to 900 MB with one conversation'],
    ['a context of 8,192 tokens', null],
  ])
})
