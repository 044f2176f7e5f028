import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { allowedHosts, readHost } from './addresses.ts'

/** Whether a request may be answered, and if not, with which status and why. */
export type Verdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'refused'; readonly status: 401 | 403; readonly message: string }

/** What a gate looks at. */
export type GateRequest = Pick<IncomingMessage, 'headers' | 'method'>

/** Decides who may talk to the headless host. */
export interface Gate {
  /** The name of the host (against DNS rebinding) and the origin (against other sites' pages). */
  checkSource(request: GateRequest, options?: { readonly isSocket?: boolean }): Verdict
  /** Source and token: a bearer token or the cookie. */
  check(request: GateRequest, options?: { readonly isSocket?: boolean }): Verdict
  /** Whether this text is the token. */
  knows(token: string): boolean
  /** The `Set-Cookie` header that lets a browser in. */
  cookie(): string
}

/** Makes the gate of a server bound to `host` and `port`; without a token everybody on an allowed host name may ask. */
export function createGate(options: {
  readonly host: string
  readonly port: number
  readonly token: string | null
}): Gate {
  const { token } = options
  const hosts = allowedHosts(options.host)
  // Cookies do not tell ports apart: two hosts on one machine would overwrite each other's.
  const cookieName = `plenum-token-${String(options.port)}`

  function knows(text: string): boolean {
    return token === null || timingSafeEqual(digest(text), digest(token))
  }

  function checkSource(request: GateRequest, { isSocket = false } = {}): Verdict {
    const { host: hostHeader, origin } = request.headers
    const name = readHost(hostHeader)
    if (name === null || !hosts.has(name)) {
      return refuse(403, `This host does not answer to the name "${hostHeader ?? ''}"`)
    }
    // Browsers send an origin with every socket and with every request that could change something; scripts send none.
    if (origin !== undefined && !isOwnOrigin(origin, hostHeader)) {
      return refuse(403, `Pages of "${origin}" may not use this host`)
    }
    const changes = isSocket || !(request.method === 'GET' || request.method === 'HEAD')
    const site = request.headers['sec-fetch-site']
    if (changes && (site === 'cross-site' || site === 'same-site')) {
      return refuse(403, 'Pages of other sites may not use this host')
    }
    return { kind: 'allowed' }
  }

  return {
    knows,
    checkSource,
    check(request, checkOptions) {
      const source = checkSource(request, checkOptions)
      if (source.kind === 'refused' || token === null) return source
      const shown = bearer(request.headers.authorization) ?? readCookie(request.headers.cookie, cookieName)
      if (shown === null) return refuse(401, 'The request carries no token')
      return knows(shown) ? source : refuse(401, 'The token of the request is not the one of this host')
    },
    cookie: () => `${cookieName}=${token ?? ''}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000`,
  }
}

function refuse(status: 401 | 403, message: string): Verdict {
  return { kind: 'refused', status, message }
}

// Digests have one length, whatever was sent.
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isOwnOrigin(origin: string, hostHeader: string | undefined): boolean {
  // A reverse proxy may speak https to the browser; the name and port must be ours all the same.
  return origin === `http://${hostHeader ?? ''}` || origin === `https://${hostHeader ?? ''}`
}

function bearer(header: string | undefined): string | null {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? null
}

function readCookie(header: string | undefined, name: string): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [key, value] = pair.split('=', 2)
    if (key?.trim() === name && value !== undefined) return value.trim()
  }
  return null
}
