import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { promisify } from 'node:util'
import {
  cgroupPaths,
  linuxReading,
  macReading,
  plainReading,
  type CgroupText,
  type MachineReading,
} from '../core/capacity.ts'
import { strixHaloReading } from '../core/device-capacity.ts'
import { readStrixHalo } from './device-memory.ts'

const run = promisify(execFile)

/** Longer than `vm_stat` ever takes. */
const vmStatTimeoutMs = 2000

/** Where each version of the control groups keeps its memory figures. */
const cgroupFiles = {
  v1: {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    stat: 'memory.stat',
  },
  v2: { root: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current', stat: 'memory.stat' },
} as const

/**
 * Reads the machine's memory now: what there is for programs, and what they could still take. On Linux inside of a
 * container or a systemd slice with a limit, that limit is the machine. Where the system's own figures cannot be read,
 * Node's serve.
 */
export async function readMachineMemory(): Promise<MachineReading> {
  const reading =
    process.platform === 'linux' ? await readLinux() : process.platform === 'darwin' ? await readMac() : null
  return reading ?? plainReading(os.totalmem(), os.freemem())
}

async function readLinux(): Promise<MachineReading | null> {
  const [meminfo, cgroup] = await Promise.all([readText('/proc/meminfo'), readText('/proc/self/cgroup')])
  if (meminfo === null) return null
  const { version, paths } = cgroupPaths(cgroup ?? '')
  const { root, limit, usage, stat } = cgroupFiles[version]
  const groups = await Promise.all(
    paths.map(async (path): Promise<CgroupText> => {
      // A container often does not see its own path below the root that it was given: such files are not there.
      const folder = path === '/' ? root : `${root}${path}`
      const texts = await Promise.all([limit, usage, stat].map((file) => readText(`${folder}/${file}`)))
      return { limit: texts[0] ?? null, usage: texts[1] ?? null, stat: texts[2] ?? null }
    }),
  )
  const reading = linuxReading(meminfo, groups)
  const card = await readStrixHalo()
  // Inside of a control group with a limit, that limit is all there is.
  const isLimited = reading?.totalBytes !== linuxReading(meminfo)?.totalBytes
  return reading && card && !isLimited ? strixHaloReading(reading, card) : reading
}

async function readMac(): Promise<MachineReading | null> {
  try {
    const { stdout } = await run('/usr/bin/vm_stat', { timeout: vmStatTimeoutMs })
    return macReading(os.totalmem(), stdout)
  } catch {
    // A sandbox may forbid starting programs; free pages are then all there is to know.
    return null
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'latin1')
  } catch {
    return null
  }
}
