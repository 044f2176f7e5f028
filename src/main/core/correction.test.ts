import { expect, test } from 'vitest'
import type { Footprint, LoadedWith } from '../../contract/memory.ts'
import { asPrediction, correctFootprint } from './correction.ts'

const loadedWith: LoadedWith = {
  contextTokens: 4096,
  gpuLayers: null,
  kvType: 'f16',
  flashAttention: true,
  batchTokens: 512,
  threads: 1,
  fileAccess: 'mmap',
  fullWindowCache: false,
}
const footprint = (source: 'predicted' | 'learned' | 'measured', bytes: readonly number[]): Footprint =>
  (['weights', 'kvCache', 'compute', 'runtime'] as const).map((part, index) => ({
    part,
    domain: 'unified',
    bytes: bytes[index] ?? 0,
    source,
  }))
const lesson = {
  loadedWith,
  predicted: footprint('predicted', [1000, 100, 50, 80]),
  measured: footprint('measured', [1010, 100, 55, 110]),
}

test('leaves a prediction as it is before anything was learned', () => {
  const predicted = footprint('predicted', [1000, 200, 60, 80])
  expect(correctFootprint(predicted, { loadedWith, lesson: undefined })).toBe(predicted)
})

test('tells what the same load has taken, whatever its threads', () => {
  const predicted = footprint('predicted', [1000, 100, 50, 80])
  expect(correctFootprint(predicted, { loadedWith: { ...loadedWith, threads: 8 }, lesson })).toBe(
    lesson.measured,
  )
})

test('is a prediction all the same: what an earlier load has taken is learned, not measured', () => {
  expect([asPrediction(lesson.measured), asPrediction(lesson.predicted)]).toEqual([
    footprint('learned', [1010, 100, 55, 110]),
    lesson.predicted,
  ])
})

test('corrects each part by itself for another context size and KV type', () => {
  const other = { ...loadedWith, contextTokens: 8192, kvType: 'q8_0' } as const
  expect(
    correctFootprint(footprint('predicted', [1000, 110, 100, 80]), { loadedWith: other, lesson }),
  ).toEqual(footprint('learned', [1010, 110, 110, 110]))
})

test('what a draft model has taken is told of the same draft alone', () => {
  const withDraft = (modelId: string) => ({ ...loadedWith, draft: { modelId, name: '', contextTokens: 512 } })
  const part = (bytes: number, source: 'predicted' | 'learned' | 'measured') =>
    ({ part: 'draft', domain: 'unified', bytes, source }) as const
  const before = {
    loadedWith: withDraft('a'),
    predicted: [part(100, 'predicted')],
    measured: [part(110, 'measured')],
  }
  const correct = (other: LoadedWith) =>
    correctFootprint([part(100, 'predicted')], { loadedWith: other, lesson: before })
  expect(correct(withDraft('a'))).toEqual(before.measured)
  expect(correct({ ...withDraft('a'), contextTokens: 8192 })).toEqual([part(110, 'learned')])
  expect(correct(withDraft('b'))).toEqual([part(100, 'predicted')])
})

test('does not take over where the weights were when they go elsewhere', () => {
  const other = { ...loadedWith, fileAccess: 'read' } as const
  const [weights] = correctFootprint(footprint('predicted', [900, 100, 50, 80]), {
    loadedWith: other,
    lesson,
  })
  expect(weights).toEqual({ part: 'weights', domain: 'unified', bytes: 900, source: 'predicted' })
})
