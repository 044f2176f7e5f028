type Handler = (request: Request) => Promise<Response> | Response

// Chromium knows no schemes of ours: plenum://app/x is http://app.plenum.electron-stand-in.localhost/x to it.
const suffix = 'electron-stand-in.localhost'
const handlers = new Map<string, Handler>()

/** Electron's `protocol` of a session. */
export const protocol = {
  registerSchemesAsPrivileged: () => undefined,
  handle: (scheme: string, handler: Handler) => void handlers.set(scheme, handler),
}

/** What Chromium is to ask of us. */
export const interceptedUrls = `http://*.${suffix}/*`

/** The address that Chromium sees for an app's. */
export function toChromium(url: string): string {
  const [, scheme = '', host = '', rest = ''] = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)(.*)$/i.exec(url) ?? []
  return handlers.has(scheme) ? `http://${host}.${scheme}.${suffix}${rest === '' ? '/' : rest}` : url
}

/** The app's address for one that Chromium sees. */
export function fromChromium(url: string): string {
  const [, host = '', scheme = '', rest = ''] =
    /^http:\/\/([^/]*)\.([a-z\d+-]+)\.electron-stand-in\.localhost(.*)$/i.exec(url) ?? []
  return scheme === '' ? url : `${scheme}://${host}${rest}`
}

/** The handler of an address, if its scheme has one. */
export function findHandler(url: string): Handler | undefined {
  return handlers.get(url.split(':', 1)[0] ?? '')
}
