import { expect, test } from 'vitest'
import {
  formatAgo,
  formatCount,
  formatDuration,
  formatError,
  formatParameters,
  formatSpeed,
  formatTokens,
} from './format.ts'

test('shortens tokens and keeps round numbers round', () => {
  expect(
    [0, 212, 999, 1000, 1240, 20_000, 12_600, 99_960, 131_072, 999_700, 1_048_576].map(formatTokens),
  ).toEqual(['0', '212', '999', '1k', '1.2k', '20k', '12.6k', '100k', '131k', '1M', '1.05M'])
})

test('writes durations in the unit that people think in', () => {
  expect(
    [0, 12.4, 99.4, 420, 14_800, 59_960, 60_000, 125_000, 3_600_000, 11_400_000].map(formatDuration),
  ).toEqual(['0 ms', '12 ms', '99 ms', '0.4 s', '14.8 s', '1 min', '1 min', '2 min 5 s', '1 h', '3 h 10 min'])
})

test('writes speeds, parameters and counts', () => {
  expect([7.24, 58.3, 1834].map(formatSpeed)).toEqual(['7.2 tok/s', '58 tok/s', '1,834 tok/s'])
  expect([2_200_000, 135e6, 999.9e6, 70.6e9, 8e9, 1e12].map(formatParameters)).toEqual([
    '2.2 M',
    '135 M',
    '1 B',
    '70.6 B',
    '8 B',
    '1 T',
  ])
  expect(formatCount(18_406)).toBe('18,406')
})

test('writes errors with their sign, and no sign where there is none', () => {
  expect([0.0094, -0.0035, 0.0004, -0.0004, -0.123, 0.0996, -11.5].map(formatError)).toEqual([
    '+0.9 %',
    '−0.4 %',
    '0.0 %',
    '0.0 %',
    '−12 %',
    '+10 %',
    '−1,150 %',
  ])
})

test('writes how long ago something was', () => {
  const hour = 3_600_000
  expect([0, 12_000, 59_400, 200_000, 2.9 * hour, 47 * hour, 80 * hour].map(formatAgo)).toEqual([
    'just now',
    '12 s ago',
    '59 s ago',
    '3 min ago',
    '2 h ago',
    '47 h ago',
    '3 days ago',
  ])
})
