import { expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import { linuxReading } from './capacity.ts'
import {
  macDeviceBytes,
  nvidiaSmiBytes,
  strixHaloBytes,
  strixHaloReading,
  unifiedNvidiaBytes,
} from './device-capacity.ts'

test('a GB10 tells no memory of its own: the system is all there is', () => {
  // Recorded on a DGX Spark, driver 580.173.02: https://github.com/XuehaiPan/nvitop/pull/208 (comment of 2026-08-07);
  // the lines of /proc/meminfo are from the same comment.
  const carveOutBytes = nvidiaSmiBytes('[N/A], [N/A], [N/A], 0 %, 11.17 W, 35')
  const system = linuxReading('MemTotal:       127600748 kB\nMemAvailable:   118566368 kB\n')
  expect(carveOutBytes).toBeNull()
  expect(system).toEqual({ totalBytes: 127600748 * 1024, availableBytes: 118566368 * 1024 })
  const systemBytes = 127600748 * 1024
  expect(unifiedNvidiaBytes({ budgetBytes: null, systemBytes, carveOutBytes })).toBe(systemBytes)
  // Constructed: other forms in which drivers say so.
  for (const text of ['[N/A]', 'Not Supported', '[Insufficient Permissions]', '', 'No devices were found'])
    expect(nvidiaSmiBytes(text)).toBeNull()
})

test('an RTX Spark with a small carve-out can use what its driver says', () => {
  // Recorded on an RTX Spark N1X with Windows: https://github.com/unslothai/unsloth/pull/11208 (nvidia-smi 8128 MiB, CUDA
  // and llama.cpp 46477 MiB, system RAM 54.2 GiB).
  const carveOutBytes = nvidiaSmiBytes('8128 MiB\n')
  expect(carveOutBytes).toBe(8128 * MB)
  const sources = { budgetBytes: 46477 * MB, systemBytes: Math.round(54.2 * GB), carveOutBytes }
  expect(unifiedNvidiaBytes(sources)).toBe(46477 * MB)
  // Constructed: the same where the system has less left than the driver promises.
  expect(unifiedNvidiaBytes({ ...sources, systemBytes: 39 * GB })).toBe(39 * GB)
})

test('an RTX Spark with a large carve-out can use no more than that, whatever its driver says', () => {
  // Recorded on an RTX Spark N1X, driver 616.30: https://github.com/openclaw/openclaw-windows-node/issues/1242 (comment of
  // 2026-09-04: carve-out 40896 MiB, llama.cpp 51480 MiB, physical RAM 23836626944 bytes).
  const carveOutBytes = nvidiaSmiBytes('40896 MiB')
  const sources = { budgetBytes: 51480 * MB, systemBytes: 23836626944, carveOutBytes }
  expect(unifiedNvidiaBytes(sources)).toBe(40896 * MB)
})

test('a Strix Halo with a small carve-out uses mapped memory', () => {
  // Recorded on an ASUS ROG Flow Z13 with 128 GB: https://github.com/noamsto/nix-amd-ai/issues/42 (comment of 2026-08-27;
  // ROCm says 98304 MiB). Used VRAM and the system's figures are constructed.
  const card = { vramTotalBytes: 4294967296, gttTotalBytes: 103079215104, vramUsedBytes: 268435456 }
  const system = { totalBytes: 123 * GB, availableBytes: 110 * GB }
  expect(strixHaloBytes(card, system.totalBytes)).toBe(98304 * MB)
  expect(strixHaloReading(system, card)).toEqual({ totalBytes: 127 * GB, availableBytes: 113.75 * GB })
})

test('a Strix Halo with a large carve-out uses that, and never more than there is', () => {
  // Recorded on a machine with 128 GB: https://github.com/ROCm/legacy-rocm-build/issues/5444 (comment of 2026-03-18: 30.97 GB for
  // the system, of which the card may map 4058844 pages). The carve-out and the use of it are constructed from what is missing.
  const card = { vramTotalBytes: 96 * GB, gttTotalBytes: 4058844 * 4096, vramUsedBytes: 100 * GB }
  const system = { totalBytes: 30.97 * GB, availableBytes: 25 * GB }
  expect(strixHaloBytes(card, system.totalBytes)).toBe(96 * GB)
  expect(strixHaloReading(system, card)).toEqual({ totalBytes: 126.97 * GB, availableBytes: 25 * GB })
  // Constructed: a limit beyond the system's memory.
  expect(strixHaloBytes({ ...card, vramTotalBytes: GB, gttTotalBytes: 64 * GB }, 31 * GB)).toBe(31 * GB)
})

test('a Mac uses the limit that was set, else what Metal says, else the usual share', () => {
  const totalBytes = 128 * GB
  // Recorded on an M5 Max: https://github.com/antirez/ds4/pull/893 (107.52 GiB untouched, 112.00 GiB with a limit of 114688 MB).
  const metalBytes = 107.52 * GB
  expect(macDeviceBytes({ totalBytes, metalBytes, wiredLimit: '0\n' })).toBe(metalBytes)
  expect(macDeviceBytes({ totalBytes, metalBytes, wiredLimit: '114688\n' })).toBe(112 * GB)
  // Recorded on an M2 Max with 32 GB: https://github.com/ollama/ollama/issues/434 (21845.34 MB).
  const small = macDeviceBytes({ totalBytes: 32 * GB, metalBytes: null, wiredLimit: null })
  expect(small / MB).toBeCloseTo(21845.33, 1)
  // Constructed: a limit beyond the machine, and text that is none.
  expect(macDeviceBytes({ totalBytes, metalBytes: null, wiredLimit: '999999' })).toBe(totalBytes)
  const unknown = { totalBytes: 64 * GB, metalBytes: null, wiredLimit: "sysctl: unknown oid 'iogpu'" }
  expect(macDeviceBytes(unknown)).toBe(48 * GB)
})

test('a discrete card tells its own memory', () => {
  // Recorded on a machine with RTX 4090s: https://github.com/RLinf/RLinf/issues/255 (24564MiB in the table; here as
  // https://docs.nvidia.com/deploy/nvidia-smi has a query's answer). The second, smaller card is constructed.
  expect(nvidiaSmiBytes('24564 MiB\n')).toBe(24564 * MB)
  expect(nvidiaSmiBytes('24564 MiB\n8192 MiB\n')).toBe(24564 * MB)
})
