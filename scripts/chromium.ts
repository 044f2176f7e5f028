import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { chromium } from '@playwright/test'

/** The Chromium that drives the e2e specs: CHROMIUM_PATH, Playwright's own, or the system's; null when there is none. */
export function findChromium(): string | null {
  const named = process.env['CHROMIUM_PATH']
  if (named !== undefined && named !== '') return named
  const programFiles = [process.env['ProgramFiles'], process.env['ProgramFiles(x86)']].map(
    (folder) => folder ?? '',
  )
  const places = [
    chromium.executablePath(),
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/microsoft-edge',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    ...programFiles.flatMap((folder) => [
      path.join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'),
      path.join(folder, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
    ]),
  ]
  return places.find((place) => place !== '' && existsSync(place)) ?? null
}

/** Finds Chromium, installing it when there is none; null when that fails too. */
export function findOrInstallChromium(): string | null {
  const found = findChromium()
  if (found !== null) return found
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('The e2e specs need Chromium: installing it with apt-get …')
    runQuietly('apt-get', ['update'])
    runQuietly('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'])
  } else {
    console.log('The e2e specs need Chromium: installing Playwright’s …')
    const require = createRequire(import.meta.url)
    const cli = path.join(path.dirname(require.resolve('@playwright/test/package.json')), 'cli.js')
    runQuietly(process.execPath, [cli, 'install', 'chromium'])
  }
  return findChromium()
}

/** Runs a command and shows what it said only when it fails. */
function runQuietly(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) console.error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
}
