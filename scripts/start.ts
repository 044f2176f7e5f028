// npm start [-- flags]: the desktop app; where Electron cannot run, the headless host and a browser.
import { spawn } from 'node:child_process'
import { buildIfNeeded, rootFolder } from './build.ts'
import type { ElectronBinary } from './electron-binary.ts'
import { findOrFetchElectron } from './electron-binary.ts'
import { runHeadless } from './headless-host.ts'

const flags = process.argv.slice(2)
buildIfNeeded()
process.exitCode = await start(chooseElectron())

async function start(electron: ElectronBinary): Promise<number> {
  if (electron.kind === 'found') {
    const code = await runDesktop(electron.file)
    // 127: the loader did not find one of the system's libraries that Electron needs.
    if (code !== 127) return code
    return start({ kind: 'missing', reason: 'it lacks libraries of this system' })
  }
  console.log(
    `The desktop app needs Electron's binary, and ${electron.reason}: starting the headless host instead`,
  )
  return runHeadless(flags, { onReady: openBrowser })
}

function chooseElectron(): ElectronBinary {
  const isStandIn = process.env['ELECTRON_OVERRIDE_DIST_PATH'] !== undefined
  if (!isStandIn && !hasDisplay()) return { kind: 'missing', reason: 'there is no display to show it on' }
  return findOrFetchElectron()
}

function runDesktop(electron: string): Promise<number> {
  // Chromium's sandbox refuses to run as root.
  const sandbox = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const child = spawn(electron, [...sandbox, rootFolder, ...flags], { stdio: 'inherit' })
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => void child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function hasDisplay(): boolean {
  if (process.platform !== 'linux') return true
  return [process.env['DISPLAY'], process.env['WAYLAND_DISPLAY']].some((name) => (name ?? '') !== '')
}

function openBrowser(url: string): void {
  if (!hasDisplay()) return
  const [command, args] = browserCommand(url)
  // The address is on the terminal: without a browser to start, people open it themselves.
  spawn(command, args, { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref()
}

function browserCommand(url: string): [command: string, args: string[]] {
  if (process.platform === 'darwin') return ['open', [url]]
  if (process.platform === 'win32') return ['rundll32', ['url.dll,FileProtocolHandler', url]]
  return ['xdg-open', [url]]
}
