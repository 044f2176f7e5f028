import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { call } from '@orpc/server'
import { AppError } from '../../contract/errors.ts'
import { pipelineJsonSchema } from '../../contract/pipeline-json-schema.ts'
import { pipelineSchemaName } from '../../contract/pipeline.ts'
import { findPageFile, pageSecurityHeaders } from '../host/page-files.ts'
import { logDefect } from '../host/procedures.ts'
import type { HostRouter } from '../host/procedures.ts'
import { addressToShow, writeHost } from './addresses.ts'
import { createApi, describeApi } from './api.ts'
import { createGate } from './auth.ts'
import type { Gate } from './auth.ts'
import { sendError, sendJson, sendSignIn } from './responses.ts'
import { createRpcSockets } from './rpc-sockets.ts'
import { receiveUpload } from './upload.ts'

/** The port when the command line names none. */
export const usualPort = 4780

/** What the headless host serves, and where. */
export interface ServerOptions {
  readonly router: HostRouter
  readonly version: string
  /** The built page. */
  readonly pageFolder: string
  readonly modelsFolder: string
  readonly host: string
  /** Null: the usual port, or a free one when that is taken. */
  readonly port: number | null
  readonly token: string | null
}

/** A listening server. Disposing of it ends every connection. */
export interface HeadlessServer extends AsyncDisposable {
  /** What a browser opens, with the token. */
  readonly url: string
}

/** Serves page, RPC, REST and uploads; throws `BAD_INPUT` when it cannot listen there. */
export async function startServer(options: ServerOptions): Promise<HeadlessServer> {
  const server = createServer({ noDelay: true })
  // An upload may take hours; slow senders of headers are still cut off.
  server.requestTimeout = 0
  const port = await listen(server, options)
  const gate = createGate({ host: options.host, port, token: options.token })
  const sockets = createRpcSockets(options.router)
  const answer = createAnswer(options, gate)
  server.on('request', (request, response) => void answer(request, response))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const verdict = gate.check(request, { isSocket: true })
    if (verdict.kind === 'refused') refuseSocket(socket, verdict.status, verdict.message)
    else if (pathOf(request) !== '/rpc') refuseSocket(socket, 404, 'Nothing is here')
    else sockets.accept(request, socket, head)
  })
  const query = options.token === null ? '' : `?token=${options.token}`
  return {
    url: `http://${writeHost(addressToShow(options.host), port)}/${query}`,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      sockets[Symbol.dispose]()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, { host, port }: ServerOptions): Promise<number> {
  try {
    await tryListen(server, host, port ?? usualPort)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (port === null && code === 'EADDRINUSE') await tryListen(server, host, 0)
    else throw cannotListen(host, port ?? usualPort, cause)
  }
  // A server that listens on TCP has an address of this form.
  return (server.address() as AddressInfo).port
}

async function tryListen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port })
  await once(server, 'listening')
}

function cannotListen(host: string, port: number, cause: unknown): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program uses it; choose another with --port',
    EACCES: 'this user may not listen there; choose another with --port',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'this machine knows no such name',
  }
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new AppError('BAD_INPUT', `Cannot listen on ${writeHost(host, port)}: ${reason}`, { cause })
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Answers everything but sockets. */
function createAnswer(options: ServerOptions, gate: Gate): Answer {
  const api = createApi(options.router)
  const apiDocument = describeApi(options.version)

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request)
    const source = gate.checkSource(request)
    if (source.kind === 'refused') {
      sendError(response, new AppError('FORBIDDEN', source.message), source.status)
      return
    }
    if (path === '/' && takeToken(request, response, gate)) return
    const verdict = gate.check(request)
    if (verdict.kind === 'refused') {
      if (path === '/') sendSignIn(response, verdict.message)
      else sendError(response, new AppError('FORBIDDEN', verdict.message), verdict.status)
      return
    }
    if (path === '/api/openapi.json') sendJson(response, await apiDocument)
    else if (path === `/api/${pipelineSchemaName}`) sendJson(response, pipelineJsonSchema())
    else if (path.startsWith('/api/')) await answerApi(request, response)
    else if (path.startsWith('/upload/')) await answerUpload(request, response, path.slice('/upload/'.length))
    else await sendPage(request, response, options.pageFolder)
  }

  async function answerApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store')
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cross-origin-resource-policy', 'same-origin')
    if (await api(request, response)) return
    sendError(
      response,
      new AppError('NOT_FOUND', `The API has no ${request.method ?? ''} ${pathOf(request)}`),
    )
  }

  async function answerUpload(
    request: IncomingMessage,
    response: ServerResponse,
    encodedName: string,
  ): Promise<void> {
    if (request.method !== 'PUT') {
      response.setHeader('allow', 'PUT')
      sendError(response, new AppError('BAD_INPUT', 'A file is uploaded with PUT'), 405)
      return
    }
    const name = decodeName(encodedName)
    const results = await receiveUpload(request, {
      name,
      modelsFolder: options.modelsFolder,
      add: (path) => call(options.router.models.add, { path }),
    })
    sendJson(response, results)
  }

  return async (request, response) => {
    try {
      await route(request, response)
    } catch (error) {
      // Who has gone hears nothing, and nothing is wrong.
      if (response.destroyed || (request.destroyed && !request.complete)) return
      if (!(error instanceof AppError)) logDefect(error, [request.method ?? '', pathOf(request)])
      if (response.headersSent) response.destroy()
      else sendErrorEarly(request, response, error)
    }
  }
}

/** `/?token=…`: a browser gets the cookie and an address without the token. */
function takeToken(request: IncomingMessage, response: ServerResponse, gate: Gate): boolean {
  const given = new URL(request.url ?? '/', 'http://host').searchParams.get('token')
  if (given === null || request.method !== 'GET') return false
  if (!gate.knows(given)) {
    sendSignIn(response, 'That is not the token of this host')
    return true
  }
  response.writeHead(303, {
    ...pageSecurityHeaders(),
    location: '/',
    'set-cookie': gate.cookie(),
    'cache-control': 'no-store',
    'content-length': 0,
  })
  response.end()
  return true
}

async function sendPage(request: IncomingMessage, response: ServerResponse, folder: string): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    sendError(response, new AppError('BAD_INPUT', `Cannot ${request.method ?? ''} a page`), 405)
    return
  }
  const file = await findPageFile(folder, pathOf(request))
  if (file === null) {
    sendError(response, new AppError('NOT_FOUND', `Nothing is at "${pathOf(request)}"`))
    return
  }
  // Not every browser counts a WebSocket to the page's own host as 'self'.
  const host = request.headers.host ?? ''
  response.writeHead(200, {
    ...pageSecurityHeaders([`ws://${host}`, `wss://${host}`]),
    'content-type': file.contentType,
    'content-length': file.bytes,
    'cache-control': file.isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache',
  })
  if (request.method === 'HEAD') response.end()
  else await pipeline(createReadStream(file.path), response)
}

/** Answers with an error while the sender may still be sending: what is on its way is dropped, and not for long. */
function sendErrorEarly(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (!request.complete) {
    response.setHeader('connection', 'close')
    // A connection that is closed at once resets, and the browser never reads why.
    request.resume()
    const timer = setTimeout(() => request.destroy(), 2000)
    request.once('close', () => {
      clearTimeout(timer)
    })
  }
  sendError(response, error)
}

function refuseSocket(socket: Duplex, status: number, message: string): void {
  const lines = [
    `HTTP/1.1 ${String(status)} Refused`,
    'connection: close',
    'content-type: text/plain; charset=utf-8',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${message}\n`)
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split(/[?#]/, 1)[0] ?? '/'
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch (cause) {
    throw new AppError('BAD_INPUT', `Cannot read the file name "${encoded}"`, { cause })
  }
}
