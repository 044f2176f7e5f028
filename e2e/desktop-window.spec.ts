import path from 'node:path'
import { expect, test } from './app.ts'
import { writeModel } from './model-files.ts'
import { block, showModels } from './screen.ts'

test.beforeEach(async ({ page }) => {
  await expect(page.getByRole('heading', { name: 'Plenum', level: 1 })).toBeVisible()
})

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

test('a page that loads again is connected again, with what was typed in it', async ({ page }) => {
  const box = page.getByRole('textbox', { name: 'Message', exact: true })
  await box.fill('Half a thought')
  await page.reload()
  await expect(box).toHaveValue('Half a thought')
  await expect(page.getByRole('radio', { name: 'Machine' })).toBeVisible()
  await expect(page.getByRole('banner').getByRole('status')).not.toContainText('Connect')
})

test('the window comes back where it was', async ({ app }) => {
  const bounds = { x: 60, y: 40, width: 1100, height: 700 }
  await app.electron.evaluate(
    ({ BrowserWindow }, to) => BrowserWindow.getAllWindows()[0]?.setBounds(to),
    bounds,
  )
  await app.restart()
  const now = await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.getBounds(),
  )
  expect(now).toEqual(bounds)
})

test('models are chosen in the system’s own dialog', async ({ app, page }) => {
  const file = await writeModel(path.join(app.dataFolder, 'desk-guide.gguf'), 'Desk Guide')
  await app.electron.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [chosen] })
  }, file)
  await page.getByRole('button', { name: 'Library', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Add files…' }).click()
  await page.keyboard.press('Escape')
  await showModels(page)
  await expect(block(page, 'Desk Guide', 'Ready')).toBeVisible()
})
