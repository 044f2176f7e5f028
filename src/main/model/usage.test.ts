import { expect, test } from 'vitest'
import { estimateUsage, nothingMapped, parseCounters, readFilePages, readUsage } from './usage.ts'

test('tells what is private from what is mapped, by counters of the kernel', () => {
  const status = `Name:	node
VmRSS:	 1234568 kB
RssAnon:	   45056 kB
RssFile:	 1189512 kB
RssShmem:	       0 kB
`
  expect(parseCounters(status)).toEqual({ anonymousBytes: 45056 * 1024, fileBytes: 1189512 * 1024 })
  expect(parseCounters('')).toEqual({ anonymousBytes: 0, fileBytes: 0 })
})

test.runIf(process.platform === 'linux')(
  'counts no more than the model files, and not the program',
  async () => {
    const allocated = { hostBytes: 0, deviceBytes: 0 }
    const usage = async (fileBytes: number, otherFileBytes: number) =>
      (await readUsage({ weights: { fileBytes, otherFileBytes, allocated }, deviceBytes: 0 })).mappedBytes
    const program = await readFilePages()
    expect(program).toBeGreaterThan(2 ** 20)
    expect(await usage(4096, 0)).toBe(4096)
    expect(await usage(2 ** 40, 2 ** 40)).toBe(0)
    expect((await readUsage({ weights: nothingMapped, deviceBytes: 5 })).mappedBytes).toBe(0)
  },
)

test('takes mapped weights out of a resident set, once', () => {
  expect(estimateUsage(1500, { hostBytes: 1000, deviceBytes: 0 })).toEqual({
    privateBytes: 500,
    mappedBytes: 1000,
  })
  // Offloaded weights are the device's, though the process has their pages.
  expect(estimateUsage(1500, { hostBytes: 200, deviceBytes: 800 })).toEqual({
    privateBytes: 500,
    mappedBytes: 200,
  })
  expect(estimateUsage(1500, { hostBytes: 0, deviceBytes: 0 })).toEqual({
    privateBytes: 1500,
    mappedBytes: 0,
  })
})

test('is never below zero when mapped weights are not all resident', () => {
  expect(estimateUsage(600, { hostBytes: 1000, deviceBytes: 0 })).toEqual({
    privateBytes: 0,
    mappedBytes: 600,
  })
})
