import path from 'node:path'
import { BrowserWindow, clipboard, Menu, nativeTheme } from 'electron'
import { editItems } from './edit-menu.ts'
import { keepWindowState, readWindowState } from './window-state.ts'

/** The page's `--ground` in both schemes, so that nothing flashes before it is drawn. */
const ground = { light: '#f7f6f3', dark: '#111214' } as const

/** Opens the app's one window on a page; shown as soon as there is something to see. */
export function openWindow(options: {
  readonly url: string
  readonly preload: string
  /** Where the window's place is remembered. */
  readonly dataFolder: string
  /** Called for each document that has loaded: at first, and after every reload. */
  readonly onLoad: (window: BrowserWindow) => void
}): BrowserWindow {
  const stateFile = path.join(options.dataFolder, 'window.json')
  const state = readWindowState(stateFile)
  const window = new BrowserWindow({
    width: state?.width ?? 1280,
    height: state?.height ?? 840,
    ...(state && { x: state.x, y: state.y }),
    minWidth: 640,
    minHeight: 480,
    show: false,
    title: 'Plenum',
    backgroundColor: groundColour(),
    webPreferences: {
      preload: options.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  })
  if (state?.isMaximized === true) window.maximize()
  keepWindowState(window, stateFile)
  const followTheme = () => {
    window.setBackgroundColor(groundColour())
  }
  nativeTheme.on('updated', followTheme)
  window.on('closed', () => nativeTheme.off('updated', followTheme))
  window.once('ready-to-show', () => window.show())
  window.webContents.on('did-finish-load', () => options.onLoad(window))
  window.webContents.on('context-menu', (_, params) => {
    const items = editItems(params, { copyLink: (address) => void clipboard.writeText(address) })
    if (items.length > 0) Menu.buildFromTemplate(items).popup({ window })
  })
  // Models and conversations live in main and their own processes: a page that crashed starts again and finds them.
  window.webContents.on('render-process-gone', (_, { reason }) => {
    if (reason !== 'clean-exit' && reason !== 'launch-failed') window.reload()
  })
  void window.loadURL(options.url)
  return window
}

function groundColour(): string {
  return nativeTheme.shouldUseDarkColors ? ground.dark : ground.light
}
