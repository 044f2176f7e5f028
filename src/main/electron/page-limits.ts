import type { Session, WebContents } from 'electron'
import { app, shell } from 'electron'

/** Takes from every page of the app what it has no need of: going elsewhere, windows, embedded pages, permissions. */
export function limitPages(session: Session): void {
  app.on('web-contents-created', (_, contents) => limitContents(contents))
  session.setPermissionRequestHandler((_, permission, decide) => decide(isAllowed(permission)))
  session.setPermissionCheckHandler((_, permission) => isAllowed(permission))
  session.setDevicePermissionHandler(() => false)
}

function limitContents(contents: WebContents): void {
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.on('will-frame-navigate', (event) => {
    if (event.isMainFrame && event.url === contents.getURL()) return
    event.preventDefault()
    openOutside(event.url)
  })
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url)
    return { action: 'deny' }
  })
}

/** A link to the web opens in the user's browser, one to a mailbox in the mail program; every other address goes nowhere. */
function openOutside(address: string): void {
  const leadsOutside =
    URL.canParse(address) && ['https:', 'http:', 'mailto:'].includes(new URL(address).protocol)
  if (leadsOutside) void shell.openExternal(address)
}

/** Writing text to the clipboard at a press of a button ("Copy"); reading it, and all else, is denied. */
function isAllowed(permission: string): boolean {
  return permission === 'clipboard-sanitized-write'
}
