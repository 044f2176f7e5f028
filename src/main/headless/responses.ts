import type { ServerResponse } from 'node:http'
import { statuses } from '../../contract/contract.ts'
import { toProblem } from '../../contract/errors.ts'
import { pageSecurityHeaders } from '../host/page-files.ts'

/** Answers with JSON. */
export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    ...pageSecurityHeaders(),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

/** Answers with an error in the form in which oRPC sends the contract's own (`data`), which is also a problem (`details`). */
export function sendError(response: ServerResponse, error: unknown, status?: number): void {
  const { code, message, details } = toProblem(error)
  const known = status ?? statuses[code]
  sendJson(response, { defined: true, code, status: known, message, data: details, details }, known)
}

/** Answers a browser without the token with a page that takes it. */
export function sendSignIn(response: ServerResponse, message: string): void {
  const { 'content-security-policy': policy = '', ...headers } = pageSecurityHeaders()
  const text = signInPage(message)
  response.writeHead(401, {
    ...headers,
    'content-security-policy': policy.replace("form-action 'none'", "form-action 'self'"),
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

function signInPage(message: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Plenum: token needed</title>
  </head>
  <body>
    <h1>Plenum</h1>
    <p>${message}. Open the whole address that Plenum printed when it started, or give the token here.</p>
    <form action="/" method="get">
      <label>Token <input name="token" type="password" autocomplete="off" required autofocus /></label>
      <button>Open</button>
    </form>
  </body>
</html>
`
}
