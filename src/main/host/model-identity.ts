import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'

/** What tells that a model's files are those that they were. */
export interface ModelIdentity {
  /** Equal for equal files, and for them only as far as sizes, dates and samples of the content tell. */
  readonly text: string
  /** Whether the files still have the sizes and dates that they had. */
  isUnchanged(): Promise<boolean>
}

/** The header and the tensor names of most models are within this. */
const headBytes = 1 << 20
const samples = 64
const sampleBytes = 16 << 10

/**
 * Reads what tells a model's files from others: size, times of change, and a digest of the beginning and of samples all over. Other
 * weights of the same shape differ in it, also when sizes and dates were kept.
 */
export async function readModelIdentity(paths: readonly string[]): Promise<ModelIdentity> {
  const stamp = await stampOf(paths)
  const hash = createHash('sha1')
  for (const path of paths) await addSamples(hash, path)
  return {
    text: `${stamp} ${hash.digest('hex')}`,
    isUnchanged: async () => {
      try {
        return (await stampOf(paths)) === stamp
      } catch {
        // Gone: no longer what it was.
        return false
      }
    },
  }
}

async function stampOf(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(paths.map(async (path) => stat(path, { bigint: true })))
  // The change time cannot be set back, as the modification time can.
  return stats
    .map(({ size, mtimeNs, ctimeNs }) => `${String(size)}@${String(mtimeNs)}/${String(ctimeNs)}`)
    .join(' ')
}

async function addSamples(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  await using handle = await open(path)
  const { size } = await handle.stat()
  const buffer = Buffer.allocUnsafe(headBytes)
  const addAt = async (position: number, bytes: number) => {
    const { bytesRead } = await handle.read(buffer, 0, bytes, position)
    hash.update(buffer.subarray(0, bytesRead))
  }
  await addAt(0, headBytes)
  for (let index = 0; index < samples; index++)
    await addAt(Math.floor((Math.max(0, size - sampleBytes) * index) / (samples - 1)), sampleBytes)
}
