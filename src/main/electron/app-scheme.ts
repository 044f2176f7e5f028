import { readFile } from 'node:fs/promises'
import { protocol, session } from 'electron'
import { findPageFile, pageSecurityHeaders } from '../host/page-files.ts'

/** Where the page lives: an origin of its own, unlike file://, that nothing outside the app can serve. */
export const pageUrl = 'plenum://app/'

/** Makes `plenum:` a scheme with an origin; before the app is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: 'plenum',
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ])
}

/** Serves the built page under `plenum://app/`, and nothing else. */
export function serveAppScheme(pageFolder: string): void {
  session.defaultSession.protocol.handle('plenum', async (request) => {
    const url = new URL(request.url)
    const file =
      url.host === 'app' && request.method === 'GET' ? await findPageFile(pageFolder, url.pathname) : null
    if (file === null) return new Response(null, { status: 404, headers: pageSecurityHeaders() })
    return new Response(new Uint8Array(await readFile(file.path)), {
      headers: { ...pageSecurityHeaders(), 'content-type': file.contentType },
    })
  })
}
