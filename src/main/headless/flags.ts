import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { AppError } from '../../contract/errors.ts'
import { hostFlags, readHostFlags } from '../host/host-flags.ts'
import type { HostFlags } from '../host/host-flags.ts'
import { isLoopback } from './addresses.ts'

/** What the command line of the headless host asks for. */
export interface HeadlessFlags extends HostFlags {
  readonly host: string
  /** Null: the usual port, or a free one when another program has it. */
  readonly port: number | null
  readonly modelsFolder?: string
  /** `kept`: the one in the data folder, made at the first start. `none`: everybody on this machine may ask. */
  readonly token:
    { readonly kind: 'kept' } | { readonly kind: 'none' } | { readonly kind: 'given'; readonly token: string }
}

/** The text of `--help`. */
export const headlessHelp = `Plenum, headless: the app in a browser, and its REST API.

Usage: npm run headless -- [flags]
       npm run headless -- check FILE [--json] [--pool-size SIZE] [--reserve SIZE]
                      what a pipeline file would load, with bytes and speeds, and what is wrong with it;
                      needs no running host, loads nothing, ends with 0 where the set fits

  --port NUMBER       port to listen on; 0 takes a free one (default 4780, or a free one when that is taken)
  --host ADDRESS      address to listen on (default 127.0.0.1; 0.0.0.0 for every network of this machine)
  --data-dir FOLDER   conversations, settings and library (default: the desktop app's folder)
  --models FOLDER     where uploaded models go (default: "models" in the data folder)
  --pool-size SIZE    memory that models may share, like 4GB (default: what the machine has)
  --reserve SIZE      part of it that is never given to models, like 512MB
  --token TOKEN       what browsers and scripts must know (default: a random one, kept in the data folder);
                      "none" asks for none, on a loopback address only
  --help              this text
`

/** Reads the command line; null when it asks for help. Throws `BAD_INPUT` with one sentence about what is wrong. */
export function parseHeadlessFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): HeadlessFlags | null {
  const values = parse(args)
  if (values.help === true) return null
  const host = values.host ?? '127.0.0.1'
  if (host === '') throw new AppError('BAD_INPUT', '--host needs an address')
  const models = values.models
  if (models === '') throw new AppError('BAD_INPUT', '--models needs a folder')
  return {
    ...readHostFlags(values, env),
    host,
    port: readPort(values.port),
    ...(models !== undefined && { modelsFolder: path.resolve(models) }),
    token: readToken(values.token, host),
  }
}

/** What `check FILE` asks for. */
export interface CheckFlags extends Pick<HostFlags, 'poolSizeBytes' | 'reserveBytes' | 'device'> {
  readonly file: string
  readonly isJson: boolean
}

/** Reads the command line behind `check`; null when it asks for help. Throws `BAD_INPUT` with one sentence about what is wrong. */
export function parseCheckFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): CheckFlags | null {
  const { values, positionals } = orRefuse(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'pool-size': hostFlags['pool-size'],
        reserve: hostFlags.reserve,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }),
  )
  if (values.help === true) return null
  const [file, ...more] = positionals
  if (file === undefined || file === '' || more.length > 0)
    throw new AppError('BAD_INPUT', 'check takes one file, like "check pipeline.yaml"')
  return { ...readHostFlags(values, env), file: path.resolve(file), isJson: values.json === true }
}

/** The token that a data folder keeps, so that an open browser tab outlives a restart; made at the first call. */
export function keptToken(dataFolder: string): string {
  const file = path.join(dataFolder, 'token')
  try {
    const token = readFileSync(file, 'utf8').trim()
    if (token.length >= 16) return token
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const token = randomBytes(24).toString('base64url')
  mkdirSync(dataFolder, { recursive: true })
  writeFileSync(file, `${token}\n`, { mode: 0o600 })
  return token
}

function parse(args: readonly string[]) {
  return orRefuse(() =>
    parseArgs({
      args: [...args],
      options: {
        ...hostFlags,
        port: { type: 'string' },
        host: { type: 'string' },
        models: { type: 'string' },
        token: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }),
  ).values
}

function orRefuse<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse()
  } catch (cause) {
    // parseArgs follows its first sentence with advice on "--" that fits no flag of ours.
    const reason = cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : String(cause)
    throw new AppError('BAD_INPUT', `${reason}; --help lists the flags`, { cause })
  }
}

function readPort(text: string | undefined): number | null {
  if (text === undefined) return null
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new AppError('BAD_INPUT', `--port "${text}" is no port; it is a number from 0 to 65535`)
  }
  return Number(text)
}

function readToken(text: string | undefined, host: string): HeadlessFlags['token'] {
  if (text === undefined) return { kind: 'kept' }
  if (text === 'none') {
    if (isLoopback(host)) return { kind: 'none' }
    throw new AppError(
      'BAD_INPUT',
      `--token none works on a loopback address only; "${host}" can be reached from other machines`,
    )
  }
  if (!/^[\w.~-]{8,512}$/.test(text)) {
    throw new AppError('BAD_INPUT', '--token must have at least 8 of the characters A-Z a-z 0-9 . _ ~ -')
  }
  return { kind: 'given', token: text }
}
