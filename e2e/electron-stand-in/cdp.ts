import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { CDPSession } from '@playwright/test'

type Message = {
  readonly id?: number
  readonly sessionId?: string
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}
type Call = { readonly method: string; resolve: (result: unknown) => void; reject: (error: Error) => void }

/** One target of Chromium (or, without an id, the browser itself) over the DevTools protocol, typed as Playwright types it. */
export class Session {
  readonly events = new EventEmitter().setMaxListeners(0)
  readonly send: CDPSession['send']
  readonly on: CDPSession['on']

  constructor(call: (method: string, params: unknown) => Promise<unknown>) {
    // What comes back and what is emitted has the type that the protocol gives it.
    this.send = ((method: string, params: unknown) => call(method, params)) as CDPSession['send']
    this.on = ((event: string, listener: (payload: unknown) => void) =>
      this.events.on(event, listener)) as unknown as CDPSession['on']
  }
}

/** A Chromium of its own, spoken to over its DevTools pipe (file descriptors 3 and 4). */
export class Browser extends Session {
  readonly #calls = new Map<number, Call>()
  readonly #sessions = new Map<string, Session>()
  #nextId = 1
  #write: (text: string) => void = () => undefined
  #end: () => void = () => undefined

  constructor() {
    super((method, params) => this.#call(method, params))
  }

  /** Starts it; `onGone` hears of its end. Its DevTools address is passed on to stderr, where Playwright looks for it. */
  launch(options: { readonly switches: readonly string[]; readonly onGone: () => void }): void {
    const folder = mkdtempSync(path.join(tmpdir(), 'electron-stand-in-'))
    const child = spawn(findChromium(), [...quietSwitches(folder), ...options.switches], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line.startsWith('DevTools listening')) process.stderr.write(`${line}\n`)
      }
    })
    child.on('exit', options.onGone)
    const [, , , writable, readable] = child.stdio as [null, null, Readable, Writable, Readable]
    writable.on('error', () => undefined)
    this.#write = (text) => void writable.write(text)
    this.#end = () => {
      child.removeAllListeners('exit')
      child.kill('SIGKILL')
      try {
        rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
      } catch {
        // Chromium's children may still write there for a moment; it is a temporary folder.
      }
    }
    const pieces: Buffer[] = []
    readable.on('data', (data: Buffer) => {
      let from = 0
      for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, from)) {
        pieces.push(data.subarray(from, end))
        this.#receive(JSON.parse(Buffer.concat(pieces.splice(0)).toString()) as Message)
        from = end + 1
      }
      if (from < data.length) pieces.push(data.subarray(from))
    })
  }

  /** Attaches to a target. */
  async attach(targetId: string): Promise<Session> {
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const session = new Session((method, params) => this.#call(method, params, sessionId))
    this.#sessions.set(sessionId, session)
    return session
  }

  /** Ends Chromium and removes its profile. */
  kill(): void {
    this.#end()
  }

  #call(method: string, params: unknown, sessionId?: string): Promise<unknown> {
    const id = this.#nextId++
    this.#write(`${JSON.stringify({ id, method, params: params ?? {}, sessionId })}\0`)
    return new Promise((resolve, reject) => this.#calls.set(id, { method, resolve, reject }))
  }

  #receive({ id, sessionId, method, params, result, error }: Message): void {
    if (id === undefined) {
      const session = sessionId === undefined ? this : this.#sessions.get(sessionId)
      if (method !== undefined) session?.events.emit(method, params)
      return
    }
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (error) call?.reject(new Error(`${call.method}: ${error.message}`))
    else call?.resolve(result)
  }
}

function findChromium(): string {
  const known = [
    process.env['CHROMIUM_PATH'] ?? '',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ]
  const found = known.find((file) => file !== '' && existsSync(file))
  if (found === undefined) throw new Error('electron-stand-in: no Chromium was found; set CHROMIUM_PATH')
  return found
}

function quietSwitches(profile: string): string[] {
  return [
    '--remote-debugging-pipe',
    ...(process.env['PLENUM_STAND_IN_HEADED'] === '1' ? [] : ['--headless']),
    '--no-startup-window',
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-default-apps',
    '--disable-extensions',
    '--disable-dev-shm-usage',
    '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
    '--password-store=basic',
    '--use-mock-keychain',
    ...(process.getuid?.() === 0 || process.argv.includes('--no-sandbox') ? ['--no-sandbox'] : []),
  ]
}
