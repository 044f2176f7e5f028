import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { ask, chooseModel, expectResidents, showModels } from './screen.ts'

/** The conversations side of the window. */
const list = (page: Page) => page.getByRole('navigation', { name: 'Conversations' })
const searchBox = (page: Page) => page.getByRole('searchbox', { name: 'Search conversations' })
const hits = (page: Page) => list(page).locator('[data-hit]')

/** The texts that are marked on the page: all of them, or the present one. */
function marked(page: Page, name: 'found' | 'found-here'): Promise<string[]> {
  return page.evaluate((wanted) => [...(CSS.highlights.get(wanted) ?? [])].map(String), name)
}

test('a word said long ago is found, and shown in its place', async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  await ask(page, 'My name is Nora.', 'Guide')
  await ask(page, 'Tell me of the café in Größenwahn street', 'Guide')
  await ask(page, 'What is my name?', 'Guide')
  await page.getByRole('button', { name: 'New conversation' }).first().click()
  await ask(page, 'What is unified memory?', 'Guide')

  await page.keyboard.press('Control+Shift+F')
  await expect(searchBox(page)).toBeFocused()
  await page.keyboard.type('cafe groß')
  await expect(hits(page)).toHaveCount(1)
  await expect(list(page).getByRole('status').filter({ hasText: '1 hit' })).toBeVisible()
  await expect(hits(page).locator('mark')).toHaveText(['café', 'Größ'])
  await page.keyboard.press('Enter')
  const message = page.getByRole('article', { name: 'Your message' }).filter({ hasText: 'Größenwahn' })
  await expect(message).toBeInViewport()
  await expect.poll(() => marked(page, 'found-here')).toEqual(['café'])
  expect(await marked(page, 'found')).toEqual(['café', 'Größ'])

  // Words that are in no one text, and things that mean something elsewhere.
  await searchBox(page).fill('nora unified')
  await expect(list(page).getByText('Nothing found')).toBeVisible()
  await searchBox(page).fill('"unified memory" AND (')
  await expect(list(page).getByText('Nothing found')).toBeVisible()
  await searchBox(page).fill('"unified mem')
  await expect(hits(page).first()).toBeVisible()

  // Arrow keys go down and up again, Escape ends it.
  await page.keyboard.press('ArrowDown')
  await expect(hits(page).first()).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await expect(searchBox(page)).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(hits(page)).toHaveCount(0)
  await expect(list(page).getByRole('button', { name: 'What is unified memory?', exact: true })).toBeVisible()
})

test('within a conversation every place is found, one after the other', async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  for (const text of ['An apple and an Äpple', 'Nothing of it', 'One more apple'])
    await ask(page, text, 'Guide')
  await page.keyboard.press('Control+f')
  const bar = page.getByRole('search', { name: 'Find in this conversation' })
  await expect(bar.getByRole('textbox')).toBeFocused()
  await page.keyboard.type('apple')
  await expect(bar.getByRole('status')).toHaveText(/^1 of \d+$/)
  const [, total = ''] = /of (\d+)/.exec(await bar.getByRole('status').innerText()) ?? []
  await expect.poll(() => marked(page, 'found-here')).toEqual(['apple'])
  await page.keyboard.press('Enter')
  await expect.poll(() => marked(page, 'found-here')).toEqual(['Äpple'])
  await bar.getByRole('button', { name: 'Previous hit' }).click()
  await expect(bar.getByRole('status')).toHaveText(`1 of ${total}`)
  await bar.getByRole('button', { name: 'Previous hit' }).click()
  await expect(bar.getByRole('status')).toHaveText(`${total} of ${total}`)
  await bar.getByRole('textbox').fill('pear tree')
  await expect(bar.getByRole('status')).toHaveText('Not found')
  await bar.getByRole('textbox').press('Escape')
  await expect(bar).toBeHidden()
  expect(await marked(page, 'found')).toEqual([])
})
