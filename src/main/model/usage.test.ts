import { expect, test } from 'vitest'
import { estimateUsage, sumMappings } from './usage.ts'

const smaps = `55d0c0000000-55d0c4000000 r-xp 00000000 08:01 1311 /usr/bin/node
Size:              65536 kB
Rss:               30000 kB
Private_Clean:     30000 kB
Anonymous:             0 kB
7f0000000000-7f0040000000 r--s 00000000 08:01 4711                       /models/a model.gguf
Size:            1048576 kB
Rss:             1000000 kB
Anonymous:             0 kB
VmFlags: rd mr me ms sd
7f0050000000-7f0050400000 rw-p 00000000 00:00 0
Rss:                4096 kB
Anonymous:          4000 kB
7f0060000000-7f0060400000 rw-p 00400000 08:01 4711                       /models/a model.gguf
Rss:                 100 kB
Anonymous:            20 kB
7f0070000000-7f0070400000 r--p 00000000 08:01 4712                       /models/a model.gguf.bak
Rss:                 500 kB
Anonymous:             0 kB
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]
Rss:                  64 kB
Anonymous:            64 kB
`

test('tells what is private from what is resident of the model files, and counts no other file', () => {
  expect(sumMappings(smaps, ['/models/a model.gguf'])).toEqual({
    privateBytes: (4000 + 20 + 64) * 1024,
    mappedBytes: (1_000_000 + 80) * 1024,
  })
  expect(sumMappings(smaps, [])).toEqual({ privateBytes: 4084 * 1024, mappedBytes: 0 })
})

test('finds a path with letters that are not ASCII', () => {
  const line = Buffer.from(
    '7f00-7f01 r--s 00000000 08:01 4711 /modèles/日本.gguf\nRss: 8 kB\nAnonymous: 0 kB\n',
  )
  expect(sumMappings(line.toString('latin1'), ['/modèles/日本.gguf']).mappedBytes).toBe(8192)
})

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
