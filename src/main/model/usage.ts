import { readFile } from 'node:fs/promises'
import type { ProcessUsage } from '../../contract/backend.ts'

/**
 * Memory of this process. On Linux from `/proc/self/smaps`: private is what is anonymous, mapped is what is resident of the model's
 * files (Node's own code is shared by all processes and counted in none). Elsewhere the resident set as a whole is private.
 */
export async function readUsage(options: {
  readonly modelPaths: readonly string[]
  readonly deviceBytes: number
}): Promise<ProcessUsage> {
  const { modelPaths, deviceBytes } = options
  if (process.platform !== 'linux')
    return { privateBytes: process.memoryUsage.rss(), mappedBytes: 0, deviceBytes }
  return { ...sumMappings(await readFile('/proc/self/smaps', 'latin1'), modelPaths), deviceBytes }
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
