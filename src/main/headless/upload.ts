import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { copyFile, constants, link, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { formatBytes, MB } from '../../contract/bytes.ts'
import { AppError } from '../../contract/errors.ts'
import type { AddResult } from '../../contract/model.ts'
import { isSplitPart, sanitizeUploadName, uploadNames } from './upload-name.ts'

/** Left free on the disk beside an upload: for the database, and for other programs. */
const spareBytes = 256 * MB

/**
 * Takes a model that a browser sends, in constant memory: into a `.part` file of the models folder that gets its
 * name when it is whole, then into the library. Nothing is left behind by an upload that breaks off or is refused.
 */
export async function receiveUpload(
  request: IncomingMessage,
  options: {
    readonly name: string
    readonly modelsFolder: string
    readonly add: (file: string) => Promise<readonly AddResult[]>
  },
): Promise<readonly AddResult[]> {
  const { modelsFolder, add } = options
  const name = sanitizeUploadName(options.name)
  if (name === null)
    throw new AppError('BAD_INPUT', `Cannot take "${options.name}": its name does not end in .gguf`)
  const bytes = readLength(request)
  await mkdir(modelsFolder, { recursive: true })
  await checkSpace(modelsFolder, name, bytes)
  const part = path.join(modelsFolder, `.upload-${randomUUID()}.part`)
  try {
    await pipeline(request, createWriteStream(part, { flags: 'wx' }))
    const { size } = await stat(part)
    if (size !== bytes) {
      throw new AppError(
        'BAD_INPUT',
        `Cannot take "${name}": ${String(size)} of ${String(bytes)} bytes arrived`,
      )
    }
    const { file, isNew } = await place(part, name)
    const results = await add(file)
    // A part of a split model is no model before the others are there; anything else that is refused is no use to keep.
    if (isNew && results.every((result) => result.kind === 'refused') && !isSplitPart(name))
      await rm(file, { force: true })
    return results
  } catch (error) {
    throw isNoSpace(error) ? await noSpace(modelsFolder, name, bytes, error) : error
  } finally {
    await rm(part, { force: true })
  }
}

/** Removes what uploads of a host that was killed left in the models folder. */
export async function removeBrokenUploads(
  modelsFolder: string,
  { olderThanMs = 24 * 3_600_000 } = {},
): Promise<void> {
  const names = await readdir(modelsFolder).catch(() => [])
  for (const name of names) {
    if (!/^\.upload-[\da-f-]{36}\.part$/.test(name)) continue
    const file = path.join(modelsFolder, name)
    // A younger one may belong to another host that shares the folder.
    const entry = await stat(file).catch(() => null)
    if (entry && Date.now() - entry.mtimeMs > olderThanMs) await rm(file, { force: true })
  }
}

function readLength(request: IncomingMessage): number {
  const bytes = Number(request.headers['content-length'])
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new AppError('BAD_INPUT', 'Cannot take an upload without its length in the Content-Length header')
  }
  return bytes
}

async function checkSpace(modelsFolder: string, name: string, bytes: number): Promise<void> {
  if (bytes + spareBytes > (await freeSpace(modelsFolder))) throw await noSpace(modelsFolder, name, bytes)
}

async function freeSpace(folder: string): Promise<number> {
  const disk = await statfs(folder)
  return disk.bavail * disk.bsize
}

async function noSpace(folder: string, name: string, bytes: number, cause?: unknown): Promise<AppError> {
  const freeBytes = await freeSpace(folder)
  return new AppError(
    'DISK_FULL',
    `Cannot take "${name}": needs ${formatBytes(bytes)}, ${formatBytes(freeBytes)} is free in "${folder}"`,
    {
      details: {
        neededBytes: bytes + spareBytes,
        freeBytes,
        path: folder,
        help: 'Free some space on that disk, or choose another folder with --models',
      },
      cause,
    },
  )
}

/** Gives a whole upload its name, never another file's. The same file sent again is the one that is there. */
async function place(
  part: string,
  name: string,
): Promise<{ readonly file: string; readonly isNew: boolean }> {
  for (const candidate of uploadNames(name)) {
    const file = path.join(path.dirname(part), candidate)
    if (await hasSameContent(part, file)) return { file, isNew: false }
    try {
      // A hard link fails when the name is taken, which a rename does not.
      await link(part, file)
      return { file, isNew: true }
    } catch (error) {
      if (hasCode(error, 'EEXIST')) continue
      // File systems without hard links (exFAT, some network drives).
      try {
        await copyFile(part, file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
        return { file, isNew: true }
      } catch (copyError) {
        if (!hasCode(copyError, 'EEXIST')) throw copyError
      }
    }
  }
  throw new AppError('BAD_INPUT', `Cannot take "${name}": a file of that name is there`, {
    details: { path: path.join(path.dirname(part), name) },
  })
}

/** Compares two files, megabyte by megabyte; false when the second is not there or of another size. */
async function hasSameContent(part: string, file: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(part), stat(file).catch(() => null)])
  if (!second?.isFile() || first.size !== second.size) return false
  await using a = await open(part)
  await using b = await open(file)
  const [left, right] = [Buffer.alloc(MB), Buffer.alloc(MB)]
  for (let position = 0; position < first.size; position += MB) {
    const [ofA, ofB] = await Promise.all([a.read(left, 0, MB, position), b.read(right, 0, MB, position)])
    if (!left.subarray(0, ofA.bytesRead).equals(right.subarray(0, ofB.bytesRead))) return false
  }
  return true
}

function isNoSpace(error: unknown): boolean {
  return hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
