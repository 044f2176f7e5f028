import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import path from 'node:path'
import { formatBytes } from '../../contract/bytes.ts'
import { AppError } from '../../contract/errors.ts'

/** An error of one model file: `Cannot read "x.gguf": fact`, with one sentence on what would help. */
export function badModelFile(
  file: string,
  fact: string,
  options: { help?: string; cause?: unknown } = {},
): AppError {
  return new AppError('BAD_MODEL_FILE', `Cannot read "${path.basename(file)}": ${fact}`, {
    details: { path: file, ...(options.help === undefined ? {} : { help: options.help }) },
    cause: options.cause,
  })
}

/** A regular file that is open for reading; owned by whoever opened it. */
export class ModelFile implements Disposable {
  readonly path: string
  readonly bytes: number
  #descriptor: number | null

  /**
   * Opens a regular file with something in it. A folder, a FIFO, a socket, a device, an empty or unreadable
   * file is refused with `BAD_MODEL_FILE`, one that is not there with `NOT_FOUND`; nothing of these blocks.
   */
  constructor(file: string) {
    this.path = file
    // Opening a FIFO waits for a writer: the kind is looked at first, and again on what was opened.
    refuseUnlessRegular(
      file,
      attempt(file, () => statSync(file)),
    )
    const descriptor = attempt(file, () => openSync(file, constants.O_RDONLY | nonBlocking))
    try {
      const opened = attempt(file, () => fstatSync(descriptor))
      refuseUnlessRegular(file, opened)
      if (opened.size === 0)
        throw badModelFile(file, 'it is empty (0 bytes)', { help: 'Download or copy the file again.' })
      this.bytes = opened.size
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
    this.#descriptor = descriptor
  }

  /** Reads up to `buffer.length` bytes from a position; the number that came. */
  read(buffer: Uint8Array, position: number): number {
    const descriptor = this.#descriptor
    if (descriptor === null) throw new Error(`"${this.path}" is closed`)
    return attempt(this.path, () => readSync(descriptor, buffer, 0, buffer.length, position))
  }

  [Symbol.dispose](): void {
    if (this.#descriptor === null) return
    closeSync(this.#descriptor)
    this.#descriptor = null
  }
}

// Windows has no such flag (and no FIFO in its file system).
const nonBlocking = process.platform === 'win32' ? 0 : constants.O_NONBLOCK

type FileKind = Pick<
  ReturnType<typeof fstatSync>,
  'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'
>

function refuseUnlessRegular(file: string, stats: FileKind): void {
  if (stats.isFile()) return
  if (stats.isDirectory())
    throw badModelFile(file, 'it is a folder', {
      help: 'Add the folder itself to get every model in it, or choose a GGUF file.',
    })
  const kind = stats.isFIFO()
    ? 'a named pipe (FIFO)'
    : stats.isSocket()
      ? 'a socket'
      : stats.isBlockDevice() || stats.isCharacterDevice()
        ? 'a device'
        : 'something else'
  throw badModelFile(file, `it is ${kind}, not a regular file`, { help: 'Choose a GGUF file.' })
}

function attempt<T>(file: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw describeSystemError(file, error)
  }
}

function describeSystemError(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new AppError(
        'NOT_FOUND',
        `Cannot read "${path.basename(file)}": there is no file at "${file}"`,
        {
          details: { path: file, help: 'It was moved, renamed or deleted, or its disk is not connected.' },
          cause: error,
        },
      )
    case 'EACCES':
    case 'EPERM':
      return badModelFile(file, 'no permission to read it', {
        help: 'Allow your user account to read the file.',
        cause: error,
      })
    case 'ELOOP':
      return badModelFile(file, 'it is a link that leads back to itself', {
        help: 'Choose the file itself.',
        cause: error,
      })
    case 'ENAMETOOLONG':
      return badModelFile(file, 'its path is too long', {
        help: 'Move it to a folder with a shorter path.',
        cause: error,
      })
    case 'EBUSY':
      return badModelFile(file, 'another program keeps it locked', {
        help: 'Close that program, and try again.',
        cause: error,
      })
    default:
      return badModelFile(file, `the system says "${error.message}"`, {
        help: 'The disk or the file may be damaged.',
        cause: error,
      })
  }
}

/** "4.07 GB", and for exactness the bytes too when the two sizes of a comparison would read the same. */
export function formatUnequalBytes(one: number, other: number): readonly [string, string] {
  const texts = [formatBytes(one), formatBytes(other)] as const
  return texts[0] === texts[1] ? [`${String(one)} bytes`, `${String(other)} bytes`] : texts
}
