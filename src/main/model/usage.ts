import { readFile } from 'node:fs/promises'
import type { Allocation, ProcessUsage } from '../../contract/backend.ts'

/** The weights of this process, as far as they are mapped from files. */
export interface MappedWeights {
  readonly paths: readonly string[]
  /** As llama.cpp holds them: what the processor reads, and what was offloaded from the same mapping. */
  readonly allocated: Allocation
}

/** Before a model is loaded, and of one that was read into memory. */
export const nothingMapped: MappedWeights = { paths: [], allocated: { hostBytes: 0, deviceBytes: 0 } }

/**
 * Memory of this process. On Linux, exact, from `/proc/self/smaps`: private is what is anonymous, mapped is what is resident of the model's
 * files (Node's own code is shared by all processes and counted in none). Elsewhere by `estimateUsage`.
 */
export async function readUsage(options: {
  readonly weights: MappedWeights
  readonly deviceBytes: number
}): Promise<ProcessUsage> {
  const { weights, deviceBytes } = options
  if (process.platform !== 'linux')
    return { ...estimateUsage(process.memoryUsage.rss(), weights.allocated), deviceBytes }
  return { ...sumMappings(await readFile('/proc/self/smaps', 'latin1'), weights.paths), deviceBytes }
}

/**
 * Splits a resident set (macOS, Windows), which counts mapped pages too. Approximate: mapped weights are taken to be resident as a whole, so
 * what is private comes out too small, at worst 0, while some of them are paged out; and it comes out too large by the code that
 * processes share. Weights that were offloaded were read through the same mapping (on Metal they stay there), and are told as the device's.
 */
export function estimateUsage(
  rssBytes: number,
  mapped: Allocation,
): { privateBytes: number; mappedBytes: number } {
  return {
    privateBytes: Math.max(0, rssBytes - mapped.hostBytes - mapped.deviceBytes),
    mappedBytes: Math.min(rssBytes, mapped.hostBytes),
  }
}

/** Sums the mappings of an smaps file (https://docs.kernel.org/filesystems/proc.html). Sizes there are in kB. */
export function sumMappings(
  smaps: string,
  modelPaths: readonly string[],
): { privateBytes: number; mappedBytes: number } {
  // The file is read as latin1, and the kernel writes a path's bytes as they are, but for a new line.
  const paths = new Set(
    modelPaths.map((path) => Buffer.from(path.replaceAll('\n', '\\012')).toString('latin1')),
  )
  let privateKb = 0
  let mappedKb = 0
  let isModel = false
  for (const line of smaps.split('\n')) {
    const field = /^(Rss|Anonymous): +(\d+) kB$/.exec(line)
    if (!field) {
      // A mapping's first line: address, permissions, offset, device, inode, path.
      const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line)
      if (mapping) isModel = paths.has(mapping[1] ?? '')
    } else if (field[1] === 'Anonymous') {
      privateKb += Number(field[2])
      if (isModel) mappedKb -= Number(field[2])
    } else if (isModel) {
      mappedKb += Number(field[2])
    }
  }
  return { privateBytes: privateKb * 1024, mappedBytes: mappedKb * 1024 }
}
