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
