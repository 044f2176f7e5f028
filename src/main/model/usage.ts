import { readFile } from 'node:fs/promises'
import type { Allocation, ProcessUsage } from '../../contract/backend.ts'

/** The weights of this process, as far as they are mapped from files. */
export interface MappedWeights {
  /** Size of these files; 0: nothing is mapped. */
  readonly fileBytes: number
  /** Pages of files that this process held before: its program. */
  readonly otherFileBytes: number
  /** As llama.cpp holds them: what the processor reads, and what was offloaded from the same mapping. */
  readonly allocated: Allocation
}

/** Before a model is loaded, and of one that was read into memory. */
export const nothingMapped: MappedWeights = {
  fileBytes: 0,
  otherFileBytes: 0,
  allocated: { hostBytes: 0, deviceBytes: 0 },
}

/**
 * Memory of this process. On Linux from the kernel's counters: private is what is anonymous, mapped is what is resident of files beyond the
 * program, at most the model's files. `/proc/self/smaps` would tell it by file, but takes 40 ms for each GB that is mapped. Elsewhere by
 * `estimateUsage`.
 */
export async function readUsage(options: {
  readonly weights: MappedWeights
  readonly deviceBytes: number
}): Promise<ProcessUsage> {
  const { weights, deviceBytes } = options
  if (process.platform !== 'linux')
    return { ...estimateUsage(process.memoryUsage.rss(), weights.allocated), deviceBytes }
  const { anonymousBytes, fileBytes } = await readCounters()
  const mappedBytes = Math.max(0, Math.min(fileBytes - weights.otherFileBytes, weights.fileBytes))
  return { privateBytes: anonymousBytes, mappedBytes, deviceBytes }
}

/** Pages of files that this process holds, in bytes; 0 where no counter tells. */
export async function readFilePages(): Promise<number> {
  return process.platform === 'linux' ? (await readCounters()).fileBytes : 0
}

async function readCounters(): Promise<{ anonymousBytes: number; fileBytes: number }> {
  return parseCounters(await readFile('/proc/self/status', 'latin1'))
}

/** What `/proc/PID/status` says of resident pages, in bytes (https://docs.kernel.org/filesystems/proc.html). */
export function parseCounters(status: string): { anonymousBytes: number; fileBytes: number } {
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { anonymousBytes: bytesOf('RssAnon'), fileBytes: bytesOf('RssFile') }
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
