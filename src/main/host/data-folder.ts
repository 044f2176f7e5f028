import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../contract/errors.ts'

/**
 * Where Plenum keeps its data when nobody says otherwise: the folder that Electron calls `userData`, so that the
 * desktop app and the headless host of one user share library and conversations.
 */
export function defaultDataFolder(
  machine: {
    readonly platform?: NodeJS.Platform
    readonly env?: NodeJS.ProcessEnv
    readonly home?: string
  } = {},
): string {
  const { platform = process.platform, env = process.env, home = homedir() } = machine
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Plenum')
  if (platform === 'win32')
    return path.join(env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'Plenum')
  // An empty or relative value is no value (XDG Base Directory Specification).
  const config = env['XDG_CONFIG_HOME'] ?? ''
  return path.join(path.isAbsolute(config) ? config : path.join(home, '.config'), 'Plenum')
}

/**
 * Takes a data folder for this process, making it when it is not there; throws `BAD_INPUT` while another host has it.
 * The lock is the operating system's (SQLite's file lock), so it is gone with its process, however that ended.
 */
export function lockDataFolder(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('BAD_INPUT', `Cannot use the data folder "${folder}": ${reason}`, { cause })
  }
  const holderFile = path.join(folder, 'host.pid')
  const lock = openLock(path.join(folder, 'host.lock'), folder, holderFile)
  writeFileSync(holderFile, `${String(process.pid)}\n`)
  return {
    [Symbol.dispose]() {
      if (!lock.isOpen) return
      rmSync(holderFile, { force: true })
      lock.close()
    },
  }
}

function openLock(file: string, folder: string, holderFile: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock?.close()
    if (!isBusy(cause)) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new AppError('BAD_INPUT', `Cannot use the data folder "${folder}": ${reason}`, { cause })
    }
    throw new AppError(
      'BAD_INPUT',
      `Cannot use the data folder "${folder}": another Plenum${describeHolder(holderFile)} has it open`,
      {
        details: { help: 'Use that one, end it, or choose another folder with --data-dir', path: folder },
        cause,
      },
    )
  }
}

/** SQLITE_BUSY: https://sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

function describeHolder(holderFile: string): string {
  try {
    return ` (process ${readFileSync(holderFile, 'utf8').trim()})`
  } catch {
    // It has the lock but has not written its number yet: the sentence is true without it.
    return ''
  }
}
