import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { WebSocket } from 'ws'
import type { PlenumApp } from './app.ts'
import { expect, test } from './app.ts'

test.beforeEach(async ({ page }) => {
  await expect(page.getByRole('heading', { name: 'Plenum', level: 1 })).toBeVisible()
})

test('nobody is let in without the token', async ({ app }) => {
  const { origin } = app.url
  for (const path of [
    '/',
    '/api/pool',
    '/api/openapi.json',
    '/assets/index.js',
    '/upload/a.gguf',
    '/nothing',
  ]) {
    expect((await fetch(origin + path)).status, path).toBe(401)
  }
  const wrong = await fetch(`${origin}/?token=wrong-token`, { redirect: 'manual' })
  expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null])
  expect(
    (await fetch(`${origin}/api/pool`, { headers: { authorization: 'Bearer wrong-token' } })).status,
  ).toBe(401)
})

test('the token becomes a cookie and leaves the address', async ({ app, page, context }) => {
  expect(page.url()).toBe(`${app.url.origin}/`)
  const [cookie] = await context.cookies()
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', value: tokenOf(app) })
})

test('other names of the host and other sites are refused', async ({ app }) => {
  const authorization = `Bearer ${tokenOf(app)}`
  expect(await statusOf(app, { authorization })).toBe(200)
  expect(await statusOf(app, { authorization, host: 'evil.example' })).toBe(403)
  expect(await statusOf(app, { authorization, origin: 'https://evil.example' })).toBe(403)
  expect(await statusOf(app, { authorization, origin: 'null' }, 'POST')).toBe(403)
  expect(await statusOf(app, { authorization, origin: app.url.origin })).toBe(200)
})

test('a socket needs the token and the own origin', async ({ app }) => {
  const cookie = `plenum-token-${app.url.port}=${tokenOf(app)}`
  expect(await openSocket(app, { cookie, origin: app.url.origin })).toBe('open')
  expect(await openSocket(app, { origin: app.url.origin })).toBe(401)
  expect(await openSocket(app, { cookie, origin: 'https://evil.example' })).toBe(403)
  expect(await openSocket(app, { cookie, origin: app.url.origin, host: 'evil.example' })).toBe(403)
})

test('the page and its files come with strict headers, and no other file comes', async ({ app }) => {
  const headers = { authorization: `Bearer ${tokenOf(app)}` }
  const page = await fetch(app.url.origin, { headers })
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  expect(page.headers.get('cache-control')).toBe('no-cache')
  const script = /assets\/[\w.-]+\.js/.exec(await page.text())?.[0] ?? ''
  const asset = await fetch(`${app.url.origin}/${script}`, { headers })
  expect(asset.headers.get('cache-control')).toContain('immutable')
  expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
  for (const path of ['/../main/index.js', '/%2e%2e/main/index.js', '/..%2f..%2fpackage.json', '/assets']) {
    // Sent as it stands: fetch would tidy the path up.
    expect(await statusOf(app, headers, 'GET', path), path).toBe(404)
  }
})

test('it listens on this machine only', async ({ app }) => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  test.skip(outside === undefined, 'this machine has no other address')
  const reached = await fetch(`http://${outside!.address}:${app.url.port}/`).then(
    () => 'reached',
    () => 'refused',
  )
  expect(reached).toBe('refused')
})

function tokenOf(app: PlenumApp): string {
  return app.url.searchParams.get('token') ?? ''
}

function statusOf(
  app: PlenumApp,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
  path = '/api/pool',
): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: app.url.port, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

function openSocket(app: PlenumApp, headers: Readonly<Record<string, string>>): Promise<'open' | number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${app.url.port}/rpc`, { headers: { ...headers } })
    socket.on('open', () => {
      socket.close()
      resolve('open')
    })
    socket.on('unexpected-response', (_, response) => {
      resolve(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.on('error', () => undefined)
  })
}
