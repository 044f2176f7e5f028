import { statSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'

/** What tells that files are the same and unchanged. */
export type FileFacts = {
  /** Sizes and dates of all files: changes when one of them does. */
  readonly stamp: string
  /** Device and number of the first file: the same through links and other names. */
  readonly identity: string
  readonly bytes: number
}

/** Raised when what an inspection finds has changed: then files are inspected again. */
const inspectionVersion = 1

/** The facts of a model's files; null when one of them is not there or cannot be looked at. */
export async function readFileFacts(paths: readonly string[]): Promise<FileFacts | null> {
  try {
    const stats = await Promise.all(paths.map(async (path) => stat(path, { bigint: true })))
    const [first] = stats
    if (first === undefined) return null
    return {
      stamp: [
        `v${String(inspectionVersion)}`,
        ...stats.map((each) => `${String(each.size)}@${String(each.mtimeNs)}`),
      ].join(' '),
      // Some network file systems have no numbers.
      identity: first.ino === 0n ? (paths[0] ?? '') : `${String(first.dev)}:${String(first.ino)}`,
      bytes: stats.reduce((sum, each) => sum + Number(each.size), 0),
    }
  } catch {
    // Gone, or on a disk that is not there: the same to whoever asks.
    return null
  }
}

/** Whether nothing is at a path. What may not be looked at counts as there. */
export function isGone(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** Where a path leads; itself when that cannot be found out. */
export async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}
