import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { predictionError, type Footprint } from '../../contract/memory.ts'
import { formatError } from '../ui/format.ts'
import { compareDomains, compareParts, compareTotal, predictionBasis } from './footprint-comparison.ts'
import { footprintOf, residentOf } from './testing-pool.ts'

/** As the host measures: the KV cache is arithmetic. */
const measured: Footprint = footprintOf(
  { weights: 40, kvCache: 2, compute: 1, runtime: 0.5 },
  { source: 'measured' },
).map((part) => (part.part === 'kvCache' ? { ...part, source: 'predicted' } : part))
const predicted = footprintOf(
  { weights: 40, kvCache: 2, compute: 0.75, runtime: 0.625 },
  { source: 'predicted' },
)
const loaded = residentOf('a', 0, {
  ...{ predicted, measured, predictionError: predictionError(predicted, measured) },
  footprint: footprintOf({ weights: 40, kvCache: 4, compute: 2, runtime: 0.5 }, { source: 'measured' }),
})

test('puts predicted, measured and error of each part side by side, and none for what is only computed', () => {
  expect(
    compareParts(loaded).map(({ part, predictedBytes, measuredBytes, error, isComputed, nowBytes }) => [
      ...[part, (predictedBytes ?? 0) / GB, (measuredBytes ?? 0) / GB],
      ...[error === null ? null : formatError(error), isComputed, nowBytes / GB],
    ]),
  ).toEqual([
    ['weights', 40, 40, '0.0 %', false, 40],
    ['kvCache', 2, 2, null, true, 4],
    ['compute', 0.75, 1, '−25 %', false, 2],
    ['runtime', 0.625, 0.5, '+25 %', false, 0.5],
  ])
  const total = compareTotal(loaded)
  expect(
    [total.predictedBytes, total.measuredBytes, total.nowBytes].map((bytes) => (bytes ?? 0) / GB),
  ).toEqual([43.375, 43.5, 46.5])
  expect([formatError(total.error ?? 1), total.isComputed]).toEqual(['−0.3 %', false])
  expect(compareDomains(loaded)).toEqual([])
})

test('shows nothing as measured before it was, and no error where the load was another one than predicted', () => {
  const loading = { ...loaded, measured: [], predictionError: null, footprint: predicted }
  expect(compareTotal(loading)).toEqual({
    predictedBytes: 43.375 * GB,
    ...{ measuredBytes: null, error: null, isComputed: false, nowBytes: 43.375 * GB },
  })
  const otherKvType = compareParts({ ...loaded, predictionError: null })
  expect(otherKvType.every(({ error, measuredBytes }) => error === null && measuredBytes !== null)).toBe(true)
})

test('adds up each domain of a split pool, the card first', () => {
  const inBoth = (weights: readonly [number, number], source: 'predicted' | 'measured') => [
    ...footprintOf({ weights: weights[0], compute: 1 }, { domain: 'vram', source }),
    ...footprintOf({ weights: weights[1], runtime: 1 }, { domain: 'ram', source }),
  ]
  const split = {
    ...{ predicted: inBoth([19, 3], 'predicted'), measured: inBoth([19, 4], 'measured') },
    ...{ predictionError: -0.04, footprint: inBoth([19, 4], 'measured') },
  }
  expect(compareDomains(split).map(({ domain, error }) => [domain, formatError(error ?? 1)])).toEqual([
    ['vram', '0.0 %'],
    ['ram', '−20 %'],
  ])
  expect(compareParts(split).map(({ part, domain }) => `${part} ${domain}`)).toEqual([
    'weights vram',
    'weights ram',
    'compute vram',
    'runtime ram',
  ])
})

test('says in words whether anything was learned', () => {
  const learned = footprintOf({ weights: 1 }, { source: 'learned' })
  expect(
    [[], predicted, learned].map((footprint) => predictionBasis({ predicted: footprint })?.slice(0, 26)),
  ).toEqual([undefined, 'The prediction is from the', 'The prediction was learned'])
})
