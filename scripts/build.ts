import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** The repository. */
export const rootFolder = path.join(import.meta.dirname, '..')

/** Builds the app when `out/` is missing or older than a source; exits with the build's code when it fails. */
export function buildIfNeeded(): void {
  if (!isStale()) return
  console.log('Building Plenum …')
  const status = build()
  if (status !== 0) process.exit(status)
}

/** Builds the app; the exit status. */
export function build(): number {
  const require = createRequire(import.meta.url)
  const program = path.join(
    path.dirname(require.resolve('electron-vite/package.json')),
    'bin',
    'electron-vite.js',
  )
  const { status } = spawnSync(process.execPath, [program, 'build', '--logLevel', 'warn'], {
    cwd: rootFolder,
    stdio: 'inherit',
  })
  return status ?? 1
}

function isStale(): boolean {
  // The page is built last, so a build that broke off leaves it old.
  const built = path.join(rootFolder, 'out', 'renderer', 'index.html')
  if (!existsSync(built)) return true
  const builtAt = statSync(built).mtimeMs
  const single = ['electron.vite.config.ts', 'package.json', 'package-lock.json']
  const sources = readdirSync(path.join(rootFolder, 'src'), { recursive: true, encoding: 'utf8' })
  return [...single, ...sources.map((file) => path.join('src', file))].some(
    (file) => statSync(path.join(rootFolder, file)).mtimeMs > builtAt,
  )
}
