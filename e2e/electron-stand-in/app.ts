import { EventEmitter } from 'node:events'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import type { BrowserWindow } from './browser-window.ts'
import { Browser } from './cdp.ts'
import { killUtilityProcesses } from './utility-process.ts'

type Boot = {
  readonly appPath: string
  readonly commandLine: readonly string[]
  readonly name: string
  readonly version: string
}

class CommandLine {
  readonly #switches = new Map<string, string>()
  readonly #given: () => readonly string[]

  constructor(given: () => readonly string[]) {
    this.#given = given
  }

  appendSwitch(name: string, value = ''): void {
    this.#switches.set(name, value)
  }

  getSwitchValue(name: string): string {
    const given = this.#given().find((argument) => argument.startsWith(`--${name}=`))
    return this.#switches.get(name) ?? given?.slice(name.length + 3) ?? ''
  }
}

/** Electron's `app`, and what the stand-in needs to start and end it. */
class App extends EventEmitter {
  readonly browser = new Browser()
  readonly windows = new Set<BrowserWindow>()
  readonly commandLine = new CommandLine(() => this.#boot.commandLine)
  isPackaged = process.env['ELECTRON_FORCE_IS_PACKAGED'] === 'true'
  #boot: Boot = { appPath: '', commandLine: [], name: '', version: '' }
  #isQuitting = false
  readonly #paths = new Map<string, string>()
  readonly #ready = Promise.withResolvers<unknown>()
  readonly #browserReady = Promise.withResolvers<null>()

  /** Takes what the command line says. */
  boot(boot: Boot): void {
    this.#boot = boot
    const folder = this.commandLine.getSwitchValue('user-data-dir')
    if (folder !== '') this.#paths.set('userData', path.resolve(folder))
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.quit())
    process.on('exit', () => this.browser.kill())
  }

  /** Starts Chromium. */
  launchBrowser(): void {
    const port = this.commandLine.getSwitchValue('remote-debugging-port')
    this.browser.launch({
      switches: port === '' ? [] : [`--remote-debugging-port=${port}`],
      onGone: () => this.exit(1),
    })
    void this.browser
      .send('Target.setDiscoverTargets', { discover: true })
      .then(() => this.#browserReady.resolve(null))
  }

  /** Chromium answers. */
  whenBrowserReady(): Promise<null> {
    return this.#browserReady.promise
  }

  /** The main script has run. */
  async becomeReady(): Promise<void> {
    await this.whenBrowserReady()
    this.emit('ready', {}, {})
    this.#ready.resolve({})
  }

  whenReady(): Promise<unknown> {
    return this.#ready.promise
  }

  getVersion(): string {
    return this.#boot.version
  }

  getAppPath(): string {
    return this.#boot.appPath
  }

  getPath(name: string): string {
    const config = process.env['XDG_CONFIG_HOME'] ?? path.join(homedir(), '.config')
    const known: Readonly<Record<string, string>> = {
      home: homedir(),
      appData: config,
      downloads: path.join(homedir(), 'Downloads'),
      userData: path.join(config, this.#boot.name),
      temp: tmpdir(),
    }
    const found = this.#paths.get(name) ?? known[name]
    if (found === undefined) throw new Error(`Failed to get '${name}' path`)
    return found
  }

  setPath(name: string, folder: string): void {
    if (!path.isAbsolute(folder)) throw new Error('Path must be absolute')
    this.#paths.set(name, folder)
  }

  requestSingleInstanceLock(): boolean {
    return true
  }

  quit(): void {
    if (this.#isQuitting) return
    this.#isQuitting = true
    if (!isPrevented((event) => this.emit('before-quit', event))) {
      for (const window of this.windows) window.close()
      if (this.windows.size === 0 && !isPrevented((event) => this.emit('will-quit', event))) this.exit(0)
    }
    this.#isQuitting = false
  }

  /** Whether the app is closing its windows itself. */
  get isQuitting(): boolean {
    return this.#isQuitting
  }

  exit(code = 0): void {
    this.emit('quit', {}, code)
    killUtilityProcesses()
    this.browser.kill()
    process.exit(code)
  }
}

/** Whether a listener called `preventDefault` on the event that `emit` sends. */
export function isPrevented(emit: (event: { preventDefault: () => void }) => void): boolean {
  const state = { isPrevented: false }
  emit({ preventDefault: () => (state.isPrevented = true) })
  return state.isPrevented
}

/** The one app. */
export const app = new App()
