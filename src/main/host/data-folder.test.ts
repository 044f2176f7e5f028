import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultDataFolder, lockDataFolder } from './data-folder.ts'

describe('defaultDataFolder', () => {
  it('is the folder that Electron would use on each system', () => {
    const home = path.join(path.sep, 'home', 'ada')
    expect([
      defaultDataFolder({ platform: 'linux', env: {}, home }),
      defaultDataFolder({ platform: 'linux', env: { XDG_CONFIG_HOME: '/cfg' }, home }),
      defaultDataFolder({ platform: 'linux', env: { XDG_CONFIG_HOME: 'relative' }, home }),
      defaultDataFolder({ platform: 'darwin', env: {}, home }),
      defaultDataFolder({ platform: 'win32', env: { APPDATA: '/roaming' }, home }),
    ]).toEqual(
      [
        '/home/ada/.config/Plenum',
        '/cfg/Plenum',
        '/home/ada/.config/Plenum',
        '/home/ada/Library/Application Support/Plenum',
        '/roaming/Plenum',
      ].map((folder) => folder.replaceAll('/', path.sep)),
    )
  })
})

describe('lockDataFolder', () => {
  const place = { folder: '' }
  beforeEach(() => (place.folder = mkdtempSync(path.join(tmpdir(), 'plenum-lock-'))))
  afterEach(() => rmSync(place.folder, { recursive: true }))

  it('keeps a second host out until the first gives the folder back', () => {
    const first = lockDataFolder(place.folder)
    expect(() => lockDataFolder(place.folder)).toThrow(
      `Cannot use the data folder "${place.folder}": another Plenum (process ${String(process.pid)}) has it open`,
    )
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    lockDataFolder(place.folder)[Symbol.dispose]()
  })

  it('is free again when its holder was killed', async () => {
    const module = path.join(import.meta.dirname, 'data-folder.ts')
    const program = `import { lockDataFolder } from ${JSON.stringify(module)}
      lockDataFolder(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, place.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    expect(() => lockDataFolder(place.folder)).toThrow(`(process ${String(holder.pid)})`)
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    lockDataFolder(place.folder)[Symbol.dispose]()
  })
})
