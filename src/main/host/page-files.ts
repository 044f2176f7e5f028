import { stat } from 'node:fs/promises'
import path from 'node:path'

/** A file of the built page. */
export interface PageFile {
  readonly path: string
  readonly bytes: number
  readonly contentType: string
  /** Its name changes with its content, so that a browser may keep it for ever. */
  readonly isImmutable: boolean
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/** Finds the file of the page's folder that a URL's path names; null when there is none or it leads out of the folder. */
export async function findPageFile(folder: string, urlPath: string): Promise<PageFile | null> {
  const relative = decodePath(urlPath)
  if (relative === null) return null
  const root = path.resolve(folder)
  const file = path.join(root, relative === '/' ? 'index.html' : relative)
  const contentType = contentTypes[path.extname(file).toLowerCase()]
  if (!file.startsWith(root + path.sep) || contentType === undefined) return null
  try {
    const entry = await stat(file)
    if (!entry.isFile()) return null
    return { path: file, bytes: entry.size, contentType, isImmutable: relative.startsWith('/assets/') }
  } catch {
    // Not there, or not to be read: for a browser the same.
    return null
  }
}

/**
 * The headers of every response that belongs to the page: nothing but the page's own scripts, styles and pictures
 * runs, and nobody frames it. `connect` names what it may talk to besides its own origin.
 */
export function pageSecurityHeaders(connect: readonly string[] = []): Readonly<Record<string, string>> {
  const policy = {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'", ...connect],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  }
  return {
    'content-security-policy': Object.entries(policy)
      .map(([directive, sources]) => `${directive} ${sources.join(' ')}`)
      .join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

function decodePath(urlPath: string): string | null {
  try {
    const decoded = decodeURIComponent(urlPath)
    // A backslash is a separator on Windows, a colon may name a drive or a stream there.
    return decoded.startsWith('/') && !/[\\:\0]/.test(decoded) ? decoded : null
  } catch {
    return null
  }
}
