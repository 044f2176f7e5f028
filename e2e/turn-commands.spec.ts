import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { ask, chooseModel, expectResidents } from './screen.ts'

test.beforeEach(async ({ page }) => {
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
})

const messages = (page: Page) => page.getByRole('article', { name: 'Your message' })
const answer = (page: Page) => page.getByRole('article', { name: 'Answer by Guide' })

async function command(page: Page, title: string): Promise<void> {
  await page.keyboard.press('Control+K')
  await page.keyboard.type(title)
  await expect(page.getByRole('option', { name: new RegExp(`^${title}`), selected: true })).toBeVisible()
  await page.keyboard.press('Enter')
}

test('a message is edited, asked again, and its versions are gone through by keys alone', async ({
  page,
}) => {
  await ask(page, 'My name is Nora.', 'Guide')
  await ask(page, 'What is my name?', 'Guide')
  await page.keyboard.press('ArrowUp')
  const field = page.getByRole('textbox', { name: 'Edit your message' })
  await expect(field).toBeFocused()
  await expect(field).toHaveValue('What is my name?')
  await page.keyboard.press('Escape')
  await expect(field).toBeHidden()
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toBeFocused()

  // The turn that has the focus goes before the last one.
  await page.getByRole('button', { name: 'Edit message' }).first().focus()
  await page.keyboard.press('Control+Shift+E')
  await expect(field).toHaveValue('My name is Nora.')
  await field.fill('My name is Ada.')
  await page.keyboard.press('Control+Enter')
  await expect(messages(page)).toHaveText(['My name is Ada.'])
  await expect(answer(page)).toHaveAttribute('aria-busy', 'false')
  await page.keyboard.press('Alt+r')
  const versions = page.getByRole('group', { name: 'Versions of the answer' })
  await expect(versions).toHaveText('2 / 2')
  await expect(answer(page)).toHaveAttribute('aria-busy', 'false')
  await page.keyboard.press('Alt+PageUp')
  await expect(versions).toHaveText('1 / 2')
  await page.keyboard.press('Alt+PageDown')
  await expect(versions).toHaveText('2 / 2')
  await page.keyboard.press('Alt+Shift+PageUp')
  await expect(messages(page)).toHaveText(['My name is Nora.', 'What is my name?'])
})

test('branch, delete, archive and the archived list are in the palette, and open the list where it is closed', async ({
  page,
}) => {
  await ask(page, 'Hello', 'Guide')
  await command(page, 'Branch from here')
  await expect(page.getByRole('heading', { name: 'Hello (branch)' })).toBeAttached()
  await command(page, 'Delete the turn')
  await expect(messages(page)).toHaveCount(0)
  await command(page, 'Take the last deletion back')
  await expect(messages(page)).toHaveText(['Hello'])
  await command(page, 'Archive this conversation')
  const list = page.getByRole('navigation', { name: 'Conversations' })
  await expect(list.getByRole('button', { name: 'Archived 1' })).toBeVisible()
  await page.keyboard.press('Control+b')
  await expect(list).toBeHidden()
  await command(page, 'Show the archived conversations')
  await expect(list.locator('[data-row]')).toHaveText(['Hello (branch)'])
  await expect(list.locator('[data-row]')).toBeFocused()
  await page.keyboard.press('Control+b')
  await page.keyboard.press('Control+Shift+F')
  await expect(page.getByRole('searchbox', { name: 'Search conversations' })).toBeFocused()
})
