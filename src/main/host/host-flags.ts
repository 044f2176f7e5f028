import path from 'node:path'
import { parseBytes } from '../../contract/bytes.ts'
import { AppError } from '../../contract/errors.ts'

/** Flags that the desktop app and the headless host share, in the form of node:util's `parseArgs`. */
export const hostFlags = {
  'data-dir': { type: 'string' },
  'pool-size': { type: 'string' },
  reserve: { type: 'string' },
} as const

/** What the shared flags and the environment say about the host. */
export interface HostFlags {
  readonly dataFolder?: string
  readonly poolSizeBytes?: number
  readonly reserveBytes?: number
  /** From PLENUM_DEVICE. */
  readonly device?: 'auto' | 'cpu'
  /** From PLENUM_THREADS: threads of each model. */
  readonly threads?: number
}

/** Reads the shared flags; throws `BAD_INPUT` with a sentence that names the flag and the value. */
export function readHostFlags(
  values: Readonly<Partial<Record<keyof typeof hostFlags, unknown>>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): HostFlags {
  const dataFolder = readText('data-dir', values['data-dir'])
  const poolSizeBytes = readBytes('pool-size', values['pool-size'], { least: 1 })
  const reserveBytes = readBytes('reserve', values.reserve, { least: 0 })
  if (poolSizeBytes !== undefined && reserveBytes !== undefined && reserveBytes >= poolSizeBytes) {
    throw new AppError(
      'BAD_INPUT',
      `--reserve "${String(values.reserve)}" leaves nothing of --pool-size "${String(values['pool-size'])}"`,
    )
  }
  const device = env['PLENUM_DEVICE']
  if (device !== undefined && device !== 'auto' && device !== 'cpu') {
    throw new AppError('BAD_INPUT', `PLENUM_DEVICE "${device}" is neither "auto" nor "cpu"`)
  }
  const threads = env['PLENUM_THREADS']
  if (threads !== undefined && !/^[1-9]\d{0,3}$/.test(threads)) {
    throw new AppError('BAD_INPUT', `PLENUM_THREADS "${threads}" is no number of threads`)
  }
  return {
    ...(dataFolder !== undefined && { dataFolder: path.resolve(dataFolder) }),
    ...(poolSizeBytes !== undefined && { poolSizeBytes }),
    ...(reserveBytes !== undefined && { reserveBytes }),
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads: Number(threads) }),
  }
}

function readText(flag: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw new AppError('BAD_INPUT', `--${flag} needs a value`)
  return value
}

function readBytes(flag: string, value: unknown, { least }: { readonly least: number }): number | undefined {
  const text = readText(flag, value)
  if (text === undefined) return undefined
  const bytes = parseBytes(text)
  if (bytes === null || bytes < least || !Number.isSafeInteger(bytes)) {
    throw new AppError('BAD_INPUT', `--${flag} "${text}" is no size; write it like 4GB or 512MB`)
  }
  return bytes
}
