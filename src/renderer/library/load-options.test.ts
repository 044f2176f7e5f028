import { expect, test } from 'vitest'
import { withOption } from './load-options.ts'

test('keeps only what is not left to its default', () => {
  const options = { contextTokens: 512, kvType: 'q8_0', bandwidthThrottle: false } as const
  expect([
    withOption(options, { threads: 2, kvType: null }),
    withOption(options, { bandwidthThrottle: null, contextTokens: 0 }),
    withOption({}, { threads: null }),
  ]).toEqual([
    { contextTokens: 512, bandwidthThrottle: false, threads: 2 },
    { contextTokens: 0, kvType: 'q8_0' },
    {},
  ])
})
