import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { ask, chooseModel, expectResidents } from './screen.ts'

function messages(page: Page) {
  return page.getByRole('article', { name: 'Your message' })
}

async function act(page: Page, by: string, action: string): Promise<void> {
  await page
    .getByRole('button', { name: `Actions for the answer by ${by}` })
    .first()
    .click()
  await page.getByRole('menuitem', { name: action }).click()
}

test('a message is edited, and each version keeps what followed it', async ({ page }) => {
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  await ask(page, 'My name is Nora.', 'Guide')
  await ask(page, 'What is my name?', 'Guide')
  await page.getByRole('button', { name: 'Edit message' }).first().click()
  const field = page.getByRole('textbox', { name: 'Edit your message' })
  await expect(field).toBeFocused()
  await field.fill('My name is Ada.')
  await page.keyboard.press('Control+Enter')
  await expect(messages(page)).toHaveCount(1)
  const versions = page.getByRole('group', { name: 'Versions of the message' })
  await expect(versions).toHaveText('2 / 2')
  await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveAttribute('aria-busy', 'false')
  // The models read what is on the screen.
  expect(await ask(page, 'What is my name?', 'Guide')).toContain('Ada')

  await versions.getByRole('button', { name: 'Previous version of the message' }).focus()
  await page.keyboard.press('ArrowLeft')
  await expect(messages(page)).toHaveText(['My name is Nora.', 'What is my name?'])
  await expect(page.getByRole('article', { name: 'Answer by Guide' }).last()).toContainText('Nora')
})

test('another model answers an earlier turn anew, and the way back is open', async ({ page }) => {
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  await ask(page, 'My name is Nora.', 'Guide')
  await ask(page, 'What is my name?', 'Guide')
  await chooseModel(page, 'Coder')
  await act(page, 'Guide', 'Ask the chosen model')
  await expect(page.getByRole('article', { name: 'Answer by Coder' })).toHaveAttribute('aria-busy', 'false')
  await expect(messages(page)).toHaveCount(1)
  await page.getByRole('button', { name: 'Previous version of the answer' }).click()
  await expect(messages(page)).toHaveCount(2)
})

test('an answer is edited and is read like that; a turn is deleted and brought back; a branch goes its own way', async ({
  page,
}) => {
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  await ask(page, 'Hello', 'Guide')
  await act(page, 'Guide', 'Edit answer')
  await page.getByRole('textbox', { name: 'Edit the answer' }).fill('Mine')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const answer = page.getByRole('article', { name: 'Answer by Guide' }).first()
  await expect(answer).toContainText('Mine')
  await expect(answer).toContainText('edited')

  await act(page, 'Guide', 'Delete turn')
  await expect(messages(page)).toHaveCount(0)
  await page.getByRole('button', { name: /^Undo/ }).click()
  await expect(messages(page)).toHaveText(['Hello'])

  await act(page, 'Guide', 'Branch from here')
  await expect(page.getByRole('heading', { name: 'Hello (branch)' })).toBeAttached()
  await expect(answer).toContainText('Mine')
})
