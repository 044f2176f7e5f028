import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { ask, block, expectResidents, showModels } from './screen.ts'

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
})

/** The palette, and the option in it that Enter runs. */
function palette(page: Page) {
  const dialog = page.getByRole('dialog', { name: 'Commands' })
  return {
    dialog,
    field: dialog.getByRole('combobox'),
    active: dialog.getByRole('option', { selected: true }),
  }
}

test('the palette finds commands by letters, runs one, and has it first the next time', async ({ page }) => {
  const { dialog, field, active } = palette(page)
  const message = page.getByRole('textbox', { name: 'Message', exact: true })
  await message.focus()
  await page.keyboard.press('Control+K')
  await expect(field).toBeFocused()
  await page.keyboard.type('libr')
  await expect(active).toContainText('Open the library')
  await expect(active.locator('mark')).toHaveText('libr')
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(message).toBeFocused()

  await page.keyboard.press('Control+Shift+P')
  await page.keyboard.type('settings')
  await expect(active).toContainText('Open the settings')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog', { name: 'Settings' })).toBeVisible()
  await page.keyboard.press('Escape')

  await page.keyboard.press('Control+K')
  await expect(active).toContainText('Open the settings')
  await expect(active).toContainText('Used lately')
  // The same key closes it.
  await page.keyboard.press('Control+K')
  await expect(dialog).toBeHidden()
})

test('models and conversations are a few letters away', async ({ page }) => {
  const { field, active, dialog } = palette(page)
  await ask(page, 'My name is Nora.', 'Guide')
  await page.keyboard.press('Control+Shift+O')
  await expect(page.getByRole('heading', { name: 'New conversation' })).toBeAttached()

  await page.keyboard.press('Control+K')
  await field.fill('unload judge')
  await expect(active).toContainText('Unload Judge')
  await page.keyboard.press('Enter')
  await expect(block(page, 'Judge')).toBeHidden()

  await page.keyboard.press('Control+K')
  await field.fill('ask coder')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('radio', { name: 'Coder' })).toBeChecked()
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toBeFocused()

  await page.keyboard.press('Control+K')
  await field.fill('name nora')
  await dialog.getByRole('option', { name: /My name is Nora/ }).click()
  await expect(page.getByRole('article', { name: 'Answer by Guide' })).toBeVisible()
})

test('keys do what the list of them says', async ({ page }) => {
  const message = page.getByRole('textbox', { name: 'Message', exact: true })
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  // A sign is text in a field, and a key elsewhere.
  await message.fill('')
  await page.keyboard.type('?')
  await expect(message).toHaveValue('?')
  await message.fill('')
  await block(page, 'Judge').focus()
  await page.keyboard.press('?')
  await expect(sheet).toContainText('New conversation')
  await expect(sheet).toContainText('Ctrl+Shift+O')
  await page.keyboard.press('Escape')
  await expect(sheet).toBeHidden()
  await expect(block(page, 'Judge')).toBeFocused()

  await page.keyboard.press('Alt+m')
  await expect(message).toBeFocused()
  await page.keyboard.press('Alt+2')
  const chips = page.getByRole('group', { name: 'Model for this turn' })
  await expect(chips.getByRole('radio').nth(2)).toBeChecked()
  await expect(message).toBeFocused()
  await page.keyboard.press('Control+m')
  await expect(page.getByRole('combobox', { name: 'Find a model' })).toBeFocused()
  await page.keyboard.press('Escape')

  // From part to part of the window and round again.
  await message.focus()
  await page.keyboard.press('F6')
  await expect(page.getByRole('complementary', { name: 'Memory pool' }).locator(':focus')).toHaveCount(1)
  await page.keyboard.press('F6')
  await expect(page.getByRole('navigation', { name: 'Conversations' }).locator(':focus')).toHaveCount(1)
  await page.keyboard.press('Shift+F6')
  await expect(page.getByRole('complementary', { name: 'Memory pool' }).locator(':focus')).toHaveCount(1)
})

test('the settings are searched, tell what was changed, and go back to their defaults', async ({ page }) => {
  const settings = page.getByRole('dialog', { name: 'Settings' })
  await page.keyboard.press('Control+,')
  const search = settings.getByRole('searchbox', { name: 'Search settings' })
  await expect(search).toBeFocused()
  await search.fill('idle minutes')
  await expect(settings.getByRole('textbox')).toHaveCount(1)
  const idle = settings.getByRole('textbox', { name: 'Unload when idle for' })
  await expect(idle).toHaveAccessibleDescription(/unloaded, unless it is pinned.*Default: never/)
  await idle.fill('90')
  await page.keyboard.press('Enter')
  await search.fill('')
  await settings.getByRole('checkbox', { name: 'Changed only' }).check()
  await expect(settings.getByRole('status')).toHaveText('1 setting · 1 changed')
  await settings.getByRole('button', { name: 'Reset to default: Unload when idle for' }).click()
  await expect(settings).toContainText('Every setting is as it is by default.')

  // The theme is one of them, and holds at once.
  await settings.getByRole('checkbox', { name: 'Changed only' }).uncheck()
  await settings.getByRole('combobox', { name: 'Theme' }).selectOption('Dark')
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark')
  await settings.getByRole('combobox', { name: 'Theme' }).selectOption('Light')
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'light')
})

test('a setting that a script changes is seen at once', async ({ app, page }) => {
  test.skip(app.kind === 'desktop', 'only the headless host has REST')
  await page.keyboard.press('Control+,')
  const theme = page.getByRole('dialog', { name: 'Settings' }).getByRole('combobox', { name: 'Theme' })
  await expect(theme).toHaveValue('system')
  await app.rest('/settings', { method: 'PATCH', body: JSON.stringify({ theme: 'dark' }) })
  await expect(theme).toHaveValue('dark')
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark')
})
