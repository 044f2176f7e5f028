import type { Locator } from '@playwright/test'
import { expect, test } from './app.ts'
import { poolPane } from './screen.ts'

async function widthOf(pane: Locator): Promise<number> {
  return Math.round((await pane.boundingBox())?.width ?? 0)
}

test('panes are made wider by keys and by pointer, stay so, and go back', async ({ app }) => {
  const list = () => app.page.getByRole('navigation', { name: 'Conversations' })
  const separator = (name: string) => app.page.getByRole('separator', { name })
  const ofList = () => separator('Width of the conversation list')
  const before = await widthOf(list())
  await ofList().focus()
  await app.page.keyboard.press('ArrowRight')
  await expect.poll(() => widthOf(list())).toBe(before + 16)
  await app.page.keyboard.press('Shift+ArrowRight')
  await expect.poll(() => widthOf(list())).toBe(before + 96)
  await expect(ofList()).toHaveAttribute('aria-valuetext', /^\d+ pixels$/)

  const ofPool = separator('Width of the memory pool')
  const poolBefore = await widthOf(poolPane(app.page))
  const at = await ofPool.boundingBox()
  const [x, y] = [(at?.x ?? 0) + (at?.width ?? 0) / 2, (at?.y ?? 0) + 300]
  await app.page.mouse.move(x, y)
  await app.page.mouse.down()
  await app.page.mouse.move(x - 30, y)
  await app.page.mouse.move(x - 60, y)
  await app.page.mouse.up()
  await expect
    .poll(async () => Math.abs((await widthOf(poolPane(app.page))) - poolBefore - 60))
    .toBeLessThan(6)

  // Remembered by the window, not by the host: the same page, loaded again.
  await app.page.reload()
  await expect(list()).toBeVisible()
  await expect.poll(() => widthOf(list())).toBe(before + 96)
  await ofList().dblclick()
  await expect.poll(() => widthOf(list())).toBe(before)
})

test('panes close and open by key and by button, and the focus is not lost with them', async ({ page }) => {
  const list = page.getByRole('navigation', { name: 'Conversations' })
  const message = page.getByRole('textbox', { name: 'Message', exact: true })
  await list.getByRole('button', { name: 'New conversation' }).focus()
  await page.keyboard.press('Control+b')
  await expect(list).toBeHidden()
  await expect(message).toBeFocused()
  await expect(page.getByRole('button', { name: 'Conversations' })).toHaveAttribute('aria-expanded', 'false')
  await page.getByRole('button', { name: 'Conversations' }).click()
  await expect(list).toBeVisible()

  await page.keyboard.press('Control+Alt+b')
  await expect(poolPane(page)).toBeHidden()
  await page.getByRole('button', { name: 'Memory pool' }).click()
  await expect(poolPane(page)).toBeVisible()
  await page.getByRole('separator', { name: 'Width of the memory pool' }).focus()
  await page.keyboard.press('Enter')
  await expect(poolPane(page)).toBeHidden()
  await expect(message).toBeFocused()
})

test('on a phone the chat is first, and list and pool open over it', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  const list = page.getByRole('navigation', { name: 'Conversations' })
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toBeVisible()
  await expect(list).toBeHidden()
  await expect(poolPane(page)).toBeHidden()
  await page.getByRole('button', { name: 'Memory pool' }).click()
  await expect(poolPane(page).getByRole('group', { name: 'What the pool shows' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(poolPane(page)).toBeHidden()
  await expect(page.getByRole('button', { name: 'Memory pool' })).toBeFocused()
  await page.getByRole('button', { name: 'Conversations' }).click()
  await list.getByRole('button', { name: 'Library' }).click()
  await expect(page.getByRole('dialog', { name: 'Library' })).toBeVisible()
  await expect(list).toBeHidden()
  await page.keyboard.press('Escape')
  // What is pressed is as large as a finger, and nothing is wider than the window.
  for (const button of await page.getByRole('button').all()) {
    const box = await button.boundingBox()
    expect(Math.min(box?.width ?? 0, box?.height ?? 0), await button.innerText()).toBeGreaterThanOrEqual(40)
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
})

test('at 200 % zoom and at 900 pixels everything is there and nothing is cut off', async ({ page }) => {
  for (const [width, height] of [
    [720, 450],
    [900, 640],
  ] as const) {
    await page.setViewportSize({ width, height })
    for (const name of [/^Find a command/, /^Send$/, /^Memory pool$/])
      await expect(page.getByRole('button', { name })).toBeInViewport({ ratio: 1 })
    await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toBeInViewport({ ratio: 1 })
    await expect(poolPane(page).getByRole('heading', { name: 'Pool' })).toBeInViewport({ ratio: 1 })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
  }
})
