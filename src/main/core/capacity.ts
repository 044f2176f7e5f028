import { GB, MB } from '../../contract/bytes.ts'

/** Memory of a machine at one moment, in bytes. `availableBytes`: what programs could still take, caches given up. */
export type MachineReading = { readonly totalBytes: number; readonly availableBytes: number }

/** What the kernel tells of memory control groups (cgroup v1 or v2), as text; null where there is no such file. */
export type CgroupText = {
  /** `memory.max` or `memory.limit_in_bytes`. */
  readonly limit: string | null
  /** `memory.current` or `memory.usage_in_bytes`. */
  readonly usage: string | null
  /** `memory.stat`. */
  readonly stat: string | null
}

/** Reserve when none is set: a sixteenth of the pool, at least 512 MB and at most 8 GB, never more than half the pool. */
export function defaultReserveBytes(poolBytes: number): number {
  const sixteenth = Math.min(Math.max(poolBytes / 16, 512 * MB), 8 * GB)
  return Math.floor(Math.min(sixteenth, poolBytes / 2))
}

/**
 * Memory of a Linux machine: `MemTotal` and `MemAvailable`, or what the tightest control group leaves of them. What a
 * group uses counts without its file cache, which the kernel gives up first, mapped weights among it. Groups go from
 * the process's own to the root. Null when the text is not that of `/proc/meminfo`.
 */
export function linuxReading(meminfo: string, groups: readonly CgroupText[] = []): MachineReading | null {
  const memTotal = meminfoBytes(meminfo, 'MemTotal')
  // Kernels before 3.14 have no MemAvailable.
  const memAvailable = meminfoBytes(meminfo, 'MemAvailable') ?? meminfoBytes(meminfo, 'MemFree')
  if (memTotal === null || memAvailable === null) return null
  let reading: MachineReading = { totalBytes: memTotal, availableBytes: Math.min(memTotal, memAvailable) }
  for (const group of groups) {
    const limit = wholeNumber(group.limit)
    // cgroup v1 writes "no limit" as a number near 2^63, v2 as "max".
    if (limit === null || limit >= memTotal) continue
    const used = (wholeNumber(group.usage) ?? 0) - fileCacheBytes(group.stat)
    reading = {
      totalBytes: Math.min(reading.totalBytes, limit),
      availableBytes: Math.min(reading.availableBytes, Math.max(0, limit - Math.max(0, used))),
    }
  }
  return reading
}

/**
 * Memory of a Mac from the text of `vm_stat`: free, inactive, speculative and purgeable pages can be had. Free pages
 * alone are next to nothing on a Mac that has run for a while. Null when the text is not that of `vm_stat`.
 */
export function macReading(totalBytes: number, vmStat: string): MachineReading | null {
  const pageBytes = wholeNumber(/page size of (\d+) bytes/.exec(vmStat)?.[1] ?? null)
  if (pageBytes === null) return null
  const pages = ['free', 'inactive', 'speculative', 'purgeable'].map((kind) =>
    wholeNumber(new RegExp(`^Pages ${kind}:\\s+(\\d+)\\.`, 'm').exec(vmStat)?.[1] ?? null),
  )
  const [free] = pages
  if (free === null || free === undefined) return null
  const availableBytes = pages.reduce<number>((sum, count) => sum + (count ?? 0), 0) * pageBytes
  return { totalBytes, availableBytes: Math.min(totalBytes, availableBytes) }
}

/** Memory of a machine whose system says what is free with caches counted as free, as Windows does. */
export function plainReading(totalBytes: number, freeBytes: number): MachineReading {
  return { totalBytes, availableBytes: Math.min(totalBytes, Math.max(0, freeBytes)) }
}

/**
 * What other programs hold: total − available − what we hold privately. Mapped weights are not in it: the system
 * counts them as available.
 */
export function otherBytes(reading: MachineReading, ourPrivateBytes: number): number {
  return Math.max(0, reading.totalBytes - reading.availableBytes - ourPrivateBytes)
}

/**
 * What other programs hold inside of a pool that is a slice of the machine: only as far as they need more than
 * the rest of the machine.
 */
export function otherInPoolBytes(machine: {
  readonly totalBytes: number
  readonly otherBytes: number
  readonly poolBytes: number
}): number {
  return Math.max(0, machine.otherBytes - Math.max(0, machine.totalBytes - machine.poolBytes))
}

/** Paths of the control groups of a process, its own first and the root last, from `/proc/self/cgroup`. `v1`: the memory controller has a hierarchy of its own. */
export function cgroupPaths(text: string): {
  readonly version: 'v1' | 'v2'
  readonly paths: readonly string[]
} {
  const lines = text.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
  const v1 = lines.find((match) => match?.[1]?.split(',').includes('memory'))
  const own = v1?.[2] ?? lines.find((match) => match?.[1] === '')?.[2] ?? '/'
  const names = own.split('/').filter((name) => name !== '' && name !== '..')
  const paths = names.map((_, index) => `/${names.slice(0, names.length - index).join('/')}`)
  return { version: v1 ? 'v1' : 'v2', paths: [...paths, '/'] }
}

function meminfoBytes(meminfo: string, field: string): number | null {
  const kilobytes = wholeNumber(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? null)
  return kilobytes === null ? null : kilobytes * 1024
}

/** cgroup v1 has the sums of the hierarchy under `total_`. */
function fileCacheBytes(stat: string | null): number {
  const field = (name: string): number | null =>
    wholeNumber(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat ?? '')?.[1] ?? null)
  return ['inactive_file', 'active_file'].reduce(
    (sum, name) => sum + (field(`total_${name}`) ?? field(name) ?? 0),
    0,
  )
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\s*\d+\s*$/.test(text) ? Number(text) : null
}
