import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** Where Electron's binary is, or why there is none. */
export type ElectronBinary =
  { readonly kind: 'found'; readonly file: string } | { readonly kind: 'missing'; readonly reason: string }

/** Finds Electron's binary without fetching it. */
export function findElectron(): ElectronBinary {
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH']
  if (override !== undefined && override !== '') return existing(path.resolve(override, 'electron'))
  const folder = packageFolder()
  const pathFile = path.join(folder, 'path.txt')
  if (!existsSync(pathFile)) return { kind: 'missing', reason: 'it was not fetched yet' }
  return existing(path.join(folder, 'dist', readFileSync(pathFile, 'utf8')))
}

/** Finds Electron's binary, fetching it when it is missing: Electron's package comes without. */
export function findOrFetchElectron(): ElectronBinary {
  const found = findElectron()
  if (found.kind === 'found' || process.env['ELECTRON_OVERRIDE_DIST_PATH'] !== undefined) return found
  const { status, stderr } = spawnSync(process.execPath, [path.join(packageFolder(), 'install.js')], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  })
  if (status === 0) return findElectron()
  return { kind: 'missing', reason: `it cannot be downloaded (${reasonOf(stderr)})` }
}

function existing(file: string): ElectronBinary {
  return existsSync(file) ? { kind: 'found', file } : { kind: 'missing', reason: `"${file}" does not exist` }
}

function packageFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('electron/package.json'))
}

/** The first line of a stack trace that says what went wrong. */
function reasonOf(stderr: string): string {
  const line =
    stderr.split('\n').find((text) => /error|failed|ENOTFOUND|ECONN/i.test(text)) ?? stderr.split('\n')[0]
  return (line ?? '').trim().replace(/^(\w*Error: )+/, '')
}
