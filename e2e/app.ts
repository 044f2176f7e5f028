import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { BrowserContext, ElectronApplication, Page } from '@playwright/test'
import { test as base, _electron, expect } from '@playwright/test'

/** Which shell a project's specs run on. */
export type HostKind = 'desktop' | 'headless'

const root = path.join(import.meta.dirname, '..')

/** The built app with a data folder of its own, and its window. */
export interface PlenumApp {
  readonly kind: HostKind
  readonly dataFolder: string
  /** The window; another one after a restart. */
  readonly page: Page
  /** The main process. */
  readonly processId: number
  /** Errors of the page and violations of its security policy; a test that ends with some fails. */
  readonly complaints: string[]
  /** Only on the desktop: its main process. */
  readonly electron: ElectronApplication
  /** Only on the headless host: address and token. */
  readonly url: URL
  /** Drops files from the desktop onto the window. */
  drop(files: readonly string[], at?: { readonly x: number; readonly y: number }): Promise<void>
  /** Only on the headless host: a REST request under `/api`. */
  rest(pathname: string, init?: RequestInit): Promise<Response>
  /** Ends the app (with `SIGKILL`: at once, as a crash would) and starts it again on the same data folder. */
  restart(options?: { readonly signal?: 'SIGKILL' }): Promise<void>
}

type Started = {
  readonly page: Page
  readonly processId: number
  readonly electron?: ElectronApplication
  readonly url?: URL
  end(signal?: 'SIGKILL'): Promise<void>
}

type Fixtures = {
  /** More flags of the command line. */
  flags: readonly string[]
  /** Whether the tour of the first start is left on the screen. */
  tour: 'skip' | 'show'
  app: PlenumApp
  page: Page
}

/** Playwright's `test` with `app`: the real, built app on either host, with real models. */
export const test = base.extend<Fixtures & { hostKind: HostKind }>({
  hostKind: ['headless', { option: true }],
  flags: [['--pool-size', '1GB', '--reserve', '64MB'], { option: true }],
  tour: ['skip', { option: true }],

  app: async ({ hostKind, flags, tour, context }, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'plenum-e2e-'))
    const dataFolder = path.join(folder, 'data')
    const args = ['--data-dir', dataFolder, ...flags]
    // A home of its own: no models of other apps of whoever runs this.
    const env = {
      ...definedEnv(),
      HOME: folder,
      USERPROFILE: folder,
      PLENUM_THREADS: '1',
      PLENUM_DEVICE: 'cpu',
    }
    const complaints: string[] = []
    const start = async (): Promise<Started> => {
      const started =
        hostKind === 'desktop' ? await startDesktop(args, env) : await startHeadless(args, env, context)
      listenForComplaints(started.page, complaints)
      return started
    }
    const state = { started: await start() }
    if (tour === 'skip') await state.started.page.getByRole('button', { name: 'Skip the tour' }).click()
    await use({
      kind: hostKind,
      dataFolder,
      complaints,
      get page() {
        return state.started.page
      },
      get processId() {
        return state.started.processId
      },
      get electron() {
        return present(state.started.electron)
      },
      get url() {
        return present(state.started.url)
      },
      drop: (files, at) => dropFiles(state.started.page, files, at),
      async rest(pathname, init) {
        const { origin, searchParams } = present(state.started.url)
        return fetch(`${origin}/api${pathname}`, {
          ...init,
          headers: {
            authorization: `Bearer ${searchParams.get('token') ?? ''}`,
            ...(init?.body !== undefined && { 'content-type': 'application/json' }),
          },
        })
      },
      async restart({ signal } = {}) {
        await state.started.end(signal)
        state.started = await start()
      },
    })
    await state.started.end()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    expect(complaints, 'what the page complained of').toEqual([])
  },

  page: async ({ app }, use) => {
    await use(app.page)
  },
})

export { expect } from '@playwright/test'

async function startDesktop(args: readonly string[], env: Record<string, string>): Promise<Started> {
  // The built app, or a packed one that was taken out of its asar.
  const packed = process.env['PLENUM_E2E_APP']
  const electron = await _electron.launch({
    args: [packed ?? root, ...args],
    cwd: packed ?? root,
    env: packed === undefined ? env : { ...env, ELECTRON_FORCE_IS_PACKAGED: 'true' },
  })
  const page = await electron.firstWindow()
  return {
    page,
    electron,
    processId: present(electron.process().pid),
    async end(signal) {
      const main = electron.process()
      const ended = main.exitCode === null && main.signalCode === null ? once(main, 'exit') : undefined
      if (signal) main.kill(signal)
      else await electron.close()
      await ended
    },
  }
}

async function startHeadless(
  args: readonly string[],
  env: Record<string, string>,
  context: BrowserContext,
): Promise<Started> {
  const program = path.join(root, 'out', 'main', 'headless.js')
  const host = spawn(process.execPath, [program, '--port', '0', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await readyUrl(host)
  const page = await context.newPage()
  await page.goto(url.href)
  return {
    page,
    url,
    processId: present(host.pid),
    async end(signal) {
      const ended = host.exitCode === null && host.signalCode === null ? once(host, 'exit') : undefined
      host.kill(signal ?? 'SIGTERM')
      await ended
      await page.close()
    },
  }
}

/** The address that a headless host prints when it is ready. */
export async function readyUrl(host: ChildProcess): Promise<URL> {
  const lines = createInterface({ input: present(host.stdout) })
  for await (const line of lines) {
    const address = /^Plenum is ready at (\S+)$/.exec(line)?.[1]
    if (address !== undefined) return new URL(address)
  }
  throw new Error('The headless host ended before it was ready')
}

function listenForComplaints(page: Page, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text())
  })
}

/** As the system's file manager does it: the desktop app learns their paths, a browser reads their content. */
async function dropFiles(page: Page, files: readonly string[], { x, y } = { x: 900, y: 400 }): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [...files], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x, y, data })
  }
  await session.detach()
}

function definedEnv(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || /^PLENUM_(?!STAND_IN)/.test(name) ? [] : [[name, value] as const],
  )
  return Object.fromEntries(entries)
}

function present<Value>(value: Value | undefined | null): Value {
  if (value === undefined || value === null) throw new Error('This host has no such thing')
  return value
}
