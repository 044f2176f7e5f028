import { expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import type { FileAccess } from '../../contract/model.ts'
import { chooseFileAccess, type LoadSpeed, type ReadingFacts } from './file-access.ts'

const cpu = { name: 'CPU', isUnified: true }
const choose = (facts: Partial<ReadingFacts>) =>
  chooseFileAccess({ platform: 'linux', device: cpu, isRearranged: false, loads: [], ...facts })
/** A load of 2 GB in so many seconds. */
const load = (fileAccess: FileAccess, seconds: number, bytes = 2 * GB): LoadSpeed => ({
  fileAccess,
  bytes,
  ms: seconds * 1000,
})

test('goes by the platform where nothing was measured', () => {
  const spark = { name: 'CUDA: NVIDIA GB10', isUnified: true }
  const card = { name: 'CUDA: NVIDIA RTX 4090', isUnified: false }
  const metal = { name: 'Metal: Apple M2 Max', isUnified: true }
  const halo = { name: 'Vulkan: AMD Radeon 8060S', isUnified: true }
  const chosen = [
    choose({}),
    choose({ isRearranged: true }),
    choose({ device: spark }),
    choose({ device: card }),
    choose({ device: metal, platform: 'darwin' }),
    choose({ device: halo }),
  ]
  expect(chosen.map(({ fileAccess }) => fileAccess)).toEqual([
    ...['mmap', 'read', 'direct', 'mmap', 'mmap', 'mmap'],
  ])
  expect(new Set(chosen.map(({ reason }) => reason)).size).toBe(4)
})

test('takes the way that was much faster here, and says so', () => {
  const loads = [load('direct', 1), load('mmap', 10), load('mmap', 10)]
  expect(choose({ loads })).toEqual({ fileAccess: 'direct', reason: 'here it read 2.0 GB/s, mmap 0.20 GB/s' })
  // A little faster is no reason, whatever was slowest.
  const even = [load('direct', 1), load('mmap', 1.2), load('read', 4)]
  expect(choose({ loads: even })).toEqual({
    fileAccess: 'mmap',
    reason: 'what is in the system cache is there at once; here it read 1.7 GB/s',
  })
})

test('tries another way once where the usual one was slow, and stays with what was not slower', () => {
  const slow = [load('mmap', 8)]
  expect(choose({ loads: slow })).toEqual({
    fileAccess: 'direct',
    reason: 'tried once, as mmap 0.25 GB/s was slow here',
  })
  expect(choose({ loads: [load('direct', 8), ...slow] }).fileAccess).toBe('read')
  expect(choose({ loads: [load('read', 8), load('direct', 8), ...slow] }).fileAccess).toBe('mmap')
  expect(choose({ loads: [load('mmap', 1)] }).fileAccess).toBe('mmap')
})

test('never maps what would be in memory twice, however fast mapping is', () => {
  const loads = [load('mmap', 0.1), load('read', 8)]
  expect(choose({ isRearranged: true, loads }).fileAccess).toBe('direct')
  expect(choose({ isRearranged: true, loads: [load('direct', 8), ...loads] }).fileAccess).toBe('read')
})

test('counts the median of the newest loads, and no small files', () => {
  const small = Array.from({ length: 9 }, () => load('mmap', 100, 10 * MB))
  expect(choose({ loads: small }).fileAccess).toBe('mmap')
  const old = Array.from({ length: 9 }, () => load('mmap', 100))
  const newer = Array.from({ length: 8 }, () => load('mmap', 1))
  expect(choose({ loads: [...newer, ...old, load('direct', 1)] }).fileAccess).toBe('mmap')
  // One outlier does not count.
  expect(choose({ loads: [load('mmap', 100), load('mmap', 1), load('mmap', 1)] }).fileAccess).toBe('mmap')
})
