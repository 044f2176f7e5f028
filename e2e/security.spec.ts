import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { WebSocket } from 'ws'
import type { PlenumApp } from './app.ts'
import { expect, test } from './app.ts'

test.beforeEach(async ({ page }) => {
  await expect(page.getByRole('heading', { name: 'Plenum', level: 1 })).toBeVisible()
})

test('the page runs its own scripts and nothing else', async ({ app, page }) => {
  await page.evaluate(() => {
    const inline = document.createElement('script')
    inline.textContent = "document.body.dataset.inline = 'ran'"
    const image = document.createElement('div')
    image.innerHTML = `<img src="data:," onerror="document.body.dataset.handler = 'ran'">`
    const frame = document.createElement('iframe')
    frame.src = 'https://example.com/'
    document.body.append(inline, image, frame)
    void fetch('https://example.com/').catch(() => (document.body.dataset['fetch'] = 'refused'))
    // Later, since DevTools lets what runs for it evaluate text.
    setTimeout(() => {
      try {
        // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it must not work
        document.body.dataset['evaluated'] = String(new Function('return true'))
      } catch {
        document.body.dataset['evaluated'] = 'refused'
      }
    })
  })
  await expect(page.locator('body[data-fetch=refused][data-evaluated=refused]')).toBeAttached()
  await expect.poll(() => app.complaints.length).toBeGreaterThanOrEqual(5)
  await expect(page.locator('body[data-inline], body[data-handler]')).toHaveCount(0)
  expect(app.complaints.splice(0).filter((text) => !/content security policy/i.test(text))).toEqual([])
})

test('the page has nothing of Node or Electron', async ({ app, page }) => {
  const found = await page.evaluate(() => ({
    globals: ['require', 'process', 'module', 'Buffer', 'electron', 'ipcRenderer'].filter(
      (name) => name in window,
    ),
    bridge: Object.keys((Reflect.get(window, 'plenum') ?? {}) as object),
  }))
  expect(found).toEqual({ globals: [], bridge: app.kind === 'desktop' ? ['pathForFile'] : [] })
})

test.describe('desktop', () => {
  test.skip(({ hostKind }) => hostKind !== 'desktop')

  test('the window goes nowhere, and opens no other', async ({ app, page }) => {
    const home = page.url()
    await page.evaluate(() => {
      const link = Object.assign(document.createElement('a'), {
        href: 'https://example.com/away',
        textContent: 'Away',
      })
      const blank = Object.assign(document.createElement('a'), {
        href: 'https://example.com/new',
        target: '_blank',
        textContent: 'New window',
      })
      const file = Object.assign(document.createElement('a'), {
        href: 'file:///etc/passwd',
        textContent: 'A file',
      })
      document.querySelector('header')?.append(link, blank, file)
    })
    await app.electron.evaluate(({ shell }) => {
      const opened: string[] = []
      Object.assign(globalThis, { opened })
      shell.openExternal = async (url) => void opened.push(url)
    })
    for (const name of ['Away', 'New window', 'A file']) await page.getByRole('link', { name }).click()
    // A link to the web opens in the user's own browser.
    await expect
      .poll(() => app.electron.evaluate(() => (globalThis as unknown as { opened: string[] }).opened))
      .toEqual(['https://example.com/away', 'https://example.com/new'])
    expect(page.url()).toBe(home)
    expect(app.electron.windows()).toHaveLength(1)
    await expect(page.getByRole('heading', { name: 'Plenum', level: 1 })).toBeVisible()
  })

  test('a page that loads again is connected again', async ({ page }) => {
    await page.reload()
    await expect(page.getByRole('radio', { name: 'Machine' })).toBeVisible()
    await expect(page.getByRole('banner').getByRole('status')).not.toContainText('Connect')
  })
})

test.describe('headless', () => {
  test.skip(({ hostKind }) => hostKind !== 'headless')

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
