// The module 'electron' of the main process: what Plenum uses of it, and no more.
import { EventEmitter } from 'node:events'
import { protocol } from './schemes.ts'

export { app } from './app.ts'
export { BrowserWindow } from './browser-window.ts'
export { MessageChannelMain, MessagePortMain } from './message-ports.ts'
export { protocol } from './schemes.ts'
export { utilityProcess } from './utility-process.ts'
export { webContents } from './web-contents.ts'

/** What was asked of the system around the app, for tests to look at with `app.evaluate`. */
export const recorded: { readonly name: string; readonly args: readonly unknown[] }[] = []

function record<Result>(name: string, result: Result) {
  return (...args: readonly unknown[]): Result => {
    recorded.push({ name, args })
    return result
  }
}

export const dialog = {
  showOpenDialog: record('dialog.showOpenDialog', Promise.resolve({ canceled: true, filePaths: [] })),
  showSaveDialog: record('dialog.showSaveDialog', Promise.resolve({ canceled: true, filePath: '' })),
  showErrorBox: (title: string, content: string) => {
    recorded.push({ name: 'dialog.showErrorBox', args: [title, content] })
    process.stderr.write(`${title}: ${content}\n`)
  },
}

export const clipboard = { writeText: record('clipboard.writeText', Promise.resolve()) }

export const shell = { openExternal: record('shell.openExternal', Promise.resolve()) }

export const Menu = {
  buildFromTemplate: (template: readonly unknown[]) => ({ template, popup: record('Menu.popup', undefined) }),
  setApplicationMenu: record('Menu.setApplicationMenu', undefined),
}

export const nativeTheme = Object.assign(new EventEmitter(), { shouldUseDarkColors: false })

export const powerMonitor = new EventEmitter()

const area = { x: 0, y: 0, width: 1920, height: 1080 }
export const screen = { getDisplayMatching: () => ({ bounds: area, workArea: area }) }

export const session = {
  defaultSession: {
    protocol,
    setPermissionRequestHandler: record('session.setPermissionRequestHandler', undefined),
    setPermissionCheckHandler: record('session.setPermissionCheckHandler', undefined),
    setDevicePermissionHandler: record('session.setDevicePermissionHandler', undefined),
  },
}
