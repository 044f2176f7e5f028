import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { act, ask, block, chooseModel, expectResidents, showModels } from './screen.ts'

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
})

function cost(page: Page) {
  return page.getByRole('form', { name: 'Message' }).getByRole('status').last()
}

async function open(page: Page) {
  await page.getByRole('button', { name: 'Instructions and sampling' }).click()
  return page.getByRole('dialog', { name: 'Instructions and sampling' })
}

test('instructions go before the first message, are kept, and what has to be read again is said before sending', async ({
  app,
  page,
}) => {
  const first = await open(page)
  await first.getByRole('textbox', { name: 'Instructions' }).fill('You help people who use this app.')
  await first.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('textbox', { name: 'Message' }).fill('My name is Nora.')
  // The instructions of a new conversation are counted with its first message.
  await expect(cost(page)).toContainText(/Resident · 4\d tokens to read/)
  await ask(page, 'My name is Nora.', 'Guide')
  await expect(cost(page)).toContainText('answers at once')

  const later = await open(page)
  await expect(later.getByRole('textbox', { name: 'Instructions' })).toHaveValue(
    'You help people who use this app.',
  )
  await later.getByRole('textbox', { name: 'Instructions' }).fill('Be brief.')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Escape')
  await expect(later).toBeHidden()
  await expect(cost(page)).toContainText(/tokens to read, \d+ of them again/)

  await app.restart()
  await app.page
    .getByRole('navigation', { name: 'Conversations' })
    .getByRole('button', { name: 'My name is Nora.', exact: true })
    .click()
  await expect((await open(app.page)).getByRole('textbox', { name: 'Instructions' })).toHaveValue('Be brief.')
})

test('sampling of a conversation goes before that of the model, that before the file, and the answer records it', async ({
  page,
}) => {
  await act(page, 'Guide', 'Load settings')
  const settings = page.getByRole('dialog', { name: /^Load settings/ })
  const maximum = settings.getByRole('textbox', { name: 'Longest answer' })
  await maximum.fill('0')
  await expect(settings.getByText('Takes a whole number from 1 to')).toBeVisible()
  await maximum.fill('6')
  await page.keyboard.press('Enter')
  await settings.getByRole('button', { name: 'Close' }).click()

  const dialog = await open(page)
  await expect(dialog.getByText('6, set for Guide · takes')).toBeVisible()
  await expect(dialog.getByText('0, recommended by the file of Guide · takes 0 to 5')).toBeVisible()
  await expect(dialog.getByText('40, the default')).toBeVisible()
  await dialog.getByRole('textbox', { name: 'Longest answer' }).fill('4')
  await dialog.getByRole('textbox', { name: 'Seed' }).fill('11')
  await page.keyboard.press('Enter')
  await expect(dialog.getByText('Set here; else 6, set for Guide')).toBeVisible()
  await dialog.getByRole('button', { name: 'Close' }).click()
  const answer = await ask(page, 'What is unified memory?', 'Guide')
  expect(answer).toContain('4 generated')
  await page.getByRole('article', { name: 'Answer by Guide' }).getByText('4 generated').focus()
  await page.getByRole('button', { name: /4 generated/ }).focus()
  await expect(page.getByRole('tooltip')).toContainText('temperature 0, at most 4 tokens')
})

test('a schema that cannot be followed is told with its place; one that can makes the answer JSON', async ({
  page,
}) => {
  const dialog = await open(page)
  const schema = dialog.getByRole('textbox', { name: 'JSON schema for answers' })
  await schema.fill('{"type": "object", "properties": {"name": {"type": "string", "pattern": "^N"}}}')
  await expect(dialog.getByRole('alert')).toContainText('at "properties.name" "pattern" cannot be followed')
  await schema.fill(
    '{"type": "object", "properties": {"kind": {"enum": ["question", "order"]}, "isClear": {"type": "boolean"}}}',
  )
  await expect(dialog.getByRole('alert')).toBeHidden()
  await dialog.getByRole('button', { name: 'Close' }).click()
  await ask(page, 'What is unified memory?', 'Guide')
  const code = page.getByRole('article', { name: 'Answer by Guide' }).locator('code').first()
  const value = JSON.parse(await code.innerText()) as { kind: string; isClear: boolean }
  expect(Object.keys(value)).toEqual(['kind', 'isClear'])
  expect(['question', 'order']).toContain(value.kind)
})

test('presets are kept, applied, renamed, chosen for new conversations, and deleted', async ({ page }) => {
  const dialog = await open(page)
  const instructions = dialog.getByRole('textbox', { name: 'Instructions' })
  await instructions.fill('Answer in French.')
  await dialog.getByRole('textbox', { name: 'Temperature' }).fill('0.3')
  await dialog.getByRole('textbox', { name: 'Name of a new preset' }).fill('French')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('button', { name: 'Apply French' })).toBeVisible()
  await dialog.getByRole('button', { name: 'Actions for the preset French' }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await dialog.getByRole('textbox', { name: 'Name of the preset French' }).fill('Français')
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Actions for the preset Français' }).click()
  await page.getByRole('menuitem', { name: 'Use for new conversations' }).click()
  await expect(dialog.getByText('for new conversations', { exact: true })).toBeVisible()
  await instructions.fill('')
  await page.keyboard.press('Tab')
  await dialog.getByRole('button', { name: 'Close' }).click()
  await ask(page, 'What is unified memory?', 'Guide')

  // This conversation was asked without; a new one begins with the preset.
  await expect((await open(page)).getByRole('textbox', { name: 'Instructions' })).toHaveValue('')
  await page.keyboard.press('Escape')
  await page
    .getByRole('button', { name: /^New conversation/ })
    .first()
    .click()
  await expect((await open(page)).getByRole('textbox', { name: 'Instructions' })).toHaveValue(
    'Answer in French.',
  )
  await expect(dialog.getByRole('textbox', { name: 'Temperature' })).toHaveValue('0.3')
  await dialog.getByRole('button', { name: 'Actions for the preset Français' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await expect(dialog.getByRole('button', { name: 'Apply Français' })).toBeHidden()
  await expect(instructions).toHaveValue('')
  await dialog.getByRole('button', { name: 'Close' }).click()
  await expect(block(page, 'Guide')).toBeVisible()
})
