import { expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import {
  cgroupPaths,
  defaultReserveBytes,
  linuxReading,
  macReading,
  otherBytes,
  otherInPoolBytes,
  plainReading,
} from './capacity.ts'

// Constructed, as all inputs here that name no source: a machine with 24 GB, in the form of https://docs.kernel.org/filesystems/proc.html.
const meminfo = `MemTotal:       24684092 kB
MemFree:        21854060 kB
MemAvailable:   23053508 kB
Buffers:           10624 kB
Cached:          1502908 kB
SwapTotal:             0 kB
`

test('reads total and available memory of a Linux machine', () => {
  expect(linuxReading(meminfo)).toEqual({ totalBytes: 24684092 * 1024, availableBytes: 23053508 * 1024 })
})

test('takes free memory for available on kernels that do not say', () => {
  expect(linuxReading('MemTotal:  1000 kB\nMemFree:  400 kB\n')).toEqual({
    totalBytes: 1024000,
    availableBytes: 409600,
  })
})

test('has no reading when the text is something else', () => {
  expect([
    linuxReading(''),
    linuxReading('MemTotal: lots'),
    macReading(8 * GB, 'vm_stat: not found'),
  ]).toEqual([null, null, null])
})

test('takes the limit of a control group for the machine, and its file cache for available', () => {
  const group = {
    limit: '4294967296\n',
    usage: '3221225472\n',
    stat: `anon 1073741824\nfile 2147483648\ninactive_file 1610612736\nactive_file 536870912\n`,
  }
  expect(linuxReading(meminfo, [group])).toEqual({ totalBytes: 4 * GB, availableBytes: 3 * GB })
})

test('a container with a memory limit has that for its memory', () => {
  // Recorded in a container with `--memory 256m`: https://github.com/shirou/gopsutil/issues/1416. What it uses is constructed.
  const small = { limit: '268435456\n', usage: '67108864\n', stat: 'inactive_file 0\nactive_file 0\n' }
  expect(linuxReading(meminfo, [small])).toEqual({ totalBytes: 256 * MB, availableBytes: 192 * MB })
  // Recorded in a container with 4 GB and cgroup v1: https://github.com/docker-java/docker-java/issues/1864 (comment of 2022-05-05).
  const v1 = {
    limit: '4294967296\n',
    usage: '144052224\n',
    stat: 'active_file 28385280\ninactive_file 13197312\ntotal_active_file 28385280\ntotal_inactive_file 13197312\n',
  }
  expect(linuxReading(meminfo, [v1])).toEqual({
    totalBytes: 4 * GB,
    availableBytes: 4 * GB - 144052224 + 28385280 + 13197312,
  })
})

test('takes the tightest of nested control groups for each figure', () => {
  const groups = [
    { limit: 'max\n', usage: '1073741824\n', stat: null },
    { limit: String(8 * GB), usage: String(7 * GB), stat: null },
    { limit: String(4 * GB), usage: String(1 * GB), stat: null },
    { limit: null, usage: null, stat: null },
  ]
  expect(linuxReading(meminfo, groups)).toEqual({ totalBytes: 4 * GB, availableBytes: 1 * GB })
})

test('knows the number that cgroup v1 writes for no limit, and its sums over the hierarchy', () => {
  // The kernel's own: 2^63 less a page (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html).
  const unlimited = { limit: '9223372036854771712\n', usage: '1342177280\n', stat: 'inactive_file 4096\n' }
  expect(linuxReading(meminfo, [unlimited])).toEqual(linuxReading(meminfo))
  const limited = {
    limit: String(2 * GB),
    usage: String(2 * GB),
    stat: `inactive_file 0\nactive_file 0\ntotal_inactive_file ${GB / 2}\ntotal_active_file ${GB / 2}\n`,
  }
  expect(linuxReading(meminfo, [limited])).toEqual({ totalBytes: 2 * GB, availableBytes: 1 * GB })
})

test('finds the control groups of a process from its own to the root', () => {
  expect(cgroupPaths('0::/user.slice/user-1000.slice/app.scope\n')).toEqual({
    version: 'v2',
    paths: ['/user.slice/user-1000.slice/app.scope', '/user.slice/user-1000.slice', '/user.slice', '/'],
  })
  expect(cgroupPaths('9:name=systemd:/\n4:memory:/jobs/1\n3:cpu,cpuacct:/\n0::/\n')).toEqual({
    version: 'v1',
    paths: ['/jobs/1', '/jobs', '/'],
  })
  expect(cgroupPaths('0::/../other\n').paths).toEqual(['/other', '/'])
  expect(cgroupPaths('')).toEqual({ version: 'v2', paths: ['/'] })
})

test('counts what a Mac can give up as available', () => {
  // Recorded on a Mac with Apple Silicon: https://github.com/HMCL-dev/HMCL/pull/4876. The size of its memory is constructed.
  const vmStat = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                3857.
Pages active:                            446206.
Pages inactive:                          443760.
Pages speculative:                         1075.
Pages throttled:                              0.
Pages wired down:                        181483.
Pages purgeable:                          17340.
"Translation faults":                8667427138.
Pages copy-on-write:                  156847509.
`
  expect(macReading(24 * GB, vmStat)).toEqual({
    totalBytes: 24 * GB,
    availableBytes: (3857 + 443760 + 1075 + 17340) * 16384,
  })
})

test('believes Windows, which counts its standby list as free', () => {
  expect(plainReading(32 * GB, 20 * GB)).toEqual({ totalBytes: 32 * GB, availableBytes: 20 * GB })
})

test('counts neither our own private memory nor mapped weights as other programs', () => {
  const reading = { totalBytes: 32 * GB, availableBytes: 20 * GB }
  expect(otherBytes(reading, 5 * GB)).toBe(7 * GB)
  expect(otherBytes(reading, 13 * GB)).toBe(0)
})

test('reserves a sixteenth, at least 512 MB, at most 8 GB, never more than half', () => {
  const pools = [512 * GB, 128 * GB, 64 * GB, 8 * GB, 4 * GB, 1 * GB, 512 * MB, 0]
  expect(pools.map(defaultReserveBytes)).toEqual([
    ...[8 * GB, 8 * GB, 4 * GB, 512 * MB, 512 * MB, 512 * MB, 256 * MB, 0],
  ])
})

test('other programs count inside a slice only as far as they exceed the rest of the machine', () => {
  const slice = (other: number, poolBytes: number) =>
    otherInPoolBytes({ totalBytes: 32 * GB, otherBytes: other, poolBytes })
  expect([slice(5 * GB, 4 * GB), slice(28 * GB, 4 * GB), slice(30 * GB, 4 * GB)]).toEqual([0, 0, 2 * GB])
  expect([slice(5 * GB, 32 * GB), slice(5 * GB, 64 * GB)]).toEqual([5 * GB, 5 * GB])
})
