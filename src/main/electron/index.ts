import path from 'node:path'
import { parseArgs } from 'node:util'
import { app, BrowserWindow, dialog, nativeTheme, powerMonitor, session } from 'electron'
import { toProblem } from '../../contract/errors.ts'
import { lockDataFolder } from '../host/data-folder.ts'
import { createHost } from '../host/host.ts'
import type { Host } from '../host/host.ts'
import { hostFlags, readHostFlags } from '../host/host-flags.ts'
import type { HostFlags } from '../host/host-flags.ts'
import { pageUrl, registerAppScheme, serveAppScheme } from './app-scheme.ts'
import { chooseFiles, chooseSavePath } from './dialogs.ts'
import { setMenu } from './menu.ts'
import { limitPages } from './page-limits.ts'
import { createRpcPorts } from './rpc-port.ts'
import { startUtilityChild } from './utility-starter.ts'
import { openWindow } from './window.ts'

/** How long the host may take to end its models before the app quits without waiting. */
const quitLimitMs = 5000

// Built, this file is out/main/index.js: beside the model program, one folder above the page and the preload script.
const programFolder = import.meta.dirname

/** Runs the app from its first window to its last. */
async function run(flags: HostFlags): Promise<void> {
  registerAppScheme()
  await app.whenReady()
  await using resources = new AsyncDisposableStack()
  const dataFolder = app.getPath('userData')
  resources.use(lockDataFolder(dataFolder))
  limitPages(session.defaultSession)
  serveAppScheme(path.join(programFolder, '..', 'renderer'))
  setMenu()

  const quitting = quitRequest()
  // The window comes up while the host does.
  const starting = startHost(flags, dataFolder)
  const rpcPorts = starting.then((host) => createRpcPorts(host.router))
  // A host that does not start is told of below.
  rpcPorts.catch(() => undefined)
  const open = () =>
    openWindow({
      url: app.isPackaged ? pageUrl : (process.env['ELECTRON_RENDERER_URL'] ?? pageUrl),
      preload: path.join(programFolder, '..', 'preload', 'index.cjs'),
      dataFolder,
      onLoad: (window) =>
        void rpcPorts.then((ports) => ports.serve(window.webContents)).catch(() => undefined),
    })
  open()
  app.on('second-instance', () => {
    const [window] = BrowserWindow.getAllWindows()
    if (window?.isMinimized() === true) window.restore()
    window?.focus()
  })
  const { settings } = resources.use(await starting)
  // What the system draws around the page follows the page's own choice.
  nativeTheme.themeSource = settings.get().theme
  resources.defer(settings.onChange(({ theme }) => (nativeTheme.themeSource = theme)))
  await quitting
  for (const window of BrowserWindow.getAllWindows()) window.close()
}

function startHost(flags: HostFlags, dataFolder: string): Promise<Host> {
  const resources = app.isPackaged ? process.resourcesPath : path.join(app.getAppPath(), 'resources')
  return createHost({
    ...flags,
    kind: 'desktop',
    version: app.getVersion(),
    dataFolder,
    demoFolder: path.join(resources, 'demo-models'),
    startChild: startUtilityChild,
    modelProgram: path.join(programFolder, 'model.js'),
    dialogs: { chooseFiles, chooseSavePath },
  })
}

/** Resolves when the user or the system wants the app to quit; quitting is held back until the host has ended. */
function quitRequest(): Promise<void> {
  return new Promise((resolve) => {
    app.on('before-quit', (event) => {
      event.preventDefault()
      setTimeout(() => app.exit(), quitLimitMs).unref()
      resolve()
    })
    // Holding that one back would keep the machine from shutting down, and nothing is lost that SQLite has.
    powerMonitor.on('shutdown', () => app.exit())
  })
}

function readFlags(): HostFlags {
  // Chromium's and Electron's own flags are among them.
  const { values } = parseArgs({ args: process.argv.slice(1), options: hostFlags, strict: false })
  return readHostFlags(values)
}

async function main(): Promise<void> {
  const flags = readFlags()
  if (flags.dataFolder !== undefined) app.setPath('userData', flags.dataFolder)
  // What Chromium keeps goes beside Plenum's own files, not among them.
  app.setPath('sessionData', path.join(app.getPath('userData'), 'browser'))
  if (!app.requestSingleInstanceLock()) {
    app.exit()
    return
  }
  await run(flags)
  app.exit()
}

// Models hold memory, and without a window nobody sees that: closing the last one quits, on a Mac too.
app.on('window-all-closed', () => app.quit())

main().catch((error: unknown) => {
  const { message, details } = toProblem(error)
  dialog.showErrorBox('Plenum cannot start', [message, details.help].filter(Boolean).join('\n\n'))
  app.exit(1)
})
