import type { Locator, Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { violationsInBoth } from './axe.ts'
import { demoNames } from './model-files.ts'
import { ask, expectResidents, send } from './screen.ts'

function lastAnswer(page: Page): Locator {
  return page.getByRole('article', { name: /^Answer by/ }).last()
}

test('Auto finds who answers, says why, is overruled in one press, and learns from that', async ({
  page,
}) => {
  await expectResidents(page, demoNames)
  const form = page.getByRole('form', { name: 'Message' })
  const chips = page.getByRole('group', { name: 'Model for this turn' })
  await page.keyboard.press('Alt+A')
  await expect(chips.getByRole('radio', { name: 'Auto' })).toBeChecked()
  await expect(form.getByText('Judge sorts the message')).toBeVisible()
  await ask(page, 'Write a function that reverses a string.', 'Coder')
  const line = lastAnswer(page).getByText(/^Auto chose Coder: code /)
  await line.click()
  await expect(lastAnswer(page).getByText(/^Sorted by Judge in /)).toBeVisible()
  await expect(lastAnswer(page).getByRole('list').filter({ hasText: 'math' })).toContainText('%')
  expect(await violationsInBoth(page)).toEqual([])
  await line.click()

  await lastAnswer(page).getByRole('button', { name: 'Answer with Guide' }).click()
  const own = page.getByRole('article', { name: 'Answer by Guide' })
  await expect(own).toHaveAttribute('aria-busy', 'false')
  await expect(own.getByText('Your choice instead of Coder, whom Auto chose')).toBeVisible()
  await expect(own.getByRole('group', { name: 'Versions of the answer' })).toContainText('2 / 2')
  await own.getByRole('button', { name: 'Remember this for Auto' }).click()
  await expect(own.getByText('remembered as an example for Auto')).toBeVisible()
  await expect(page.getByRole('log', { name: 'Answer read out' })).toContainText('Guide answers.')

  // What it has learnt holds from then on; a model that is chosen ends it.
  await page.keyboard.press('Control+Shift+O')
  await expect(page.getByRole('heading', { name: 'New conversation' })).toBeAttached()
  await page.getByRole('textbox', { name: 'Message', exact: true }).pressSequentially('@auto')
  await page.keyboard.press('Enter')
  await ask(page, 'Write a function that reverses a string.', 'Guide')
  await expect(lastAnswer(page).getByText(/^Auto chose Guide: /)).toBeVisible()
  await expect(page.getByRole('log', { name: 'Answer read out' })).toContainText('Auto chose Guide: ')
  await expect(chips.getByRole('radio', { name: 'Auto' })).not.toBeChecked()

  await page.keyboard.press('Control+,')
  const settings = page.getByRole('dialog', { name: 'Settings' })
  await settings.getByRole('button', { name: 'Auto', exact: true }).click()
  const examples = settings.getByRole('region', { name: 'Examples for the router' })
  await expect(examples.getByRole('listitem')).toHaveText(/^Write a function that reverses a string\./)
  expect(await violationsInBoth(page)).toEqual([])
  await examples.getByRole('button', { name: /^Forget the example/ }).click()
  await expect(examples).toBeHidden()
  await page.keyboard.press('Escape')

  // Without what sorts, the line says what would help, and helps.
  await page.keyboard.press('Alt+A')
  await page.getByRole('button', { name: /^Judge, .*Ready/ }).click()
  await page
    .getByRole('dialog', { name: 'Judge' })
    .getByRole('button', { name: 'Unload', exact: true })
    .click()
  await expect(form.getByText('Judge, which sorts messages, is not in memory: Guide answers')).toBeVisible()
  await form.getByRole('button', { name: 'Load Judge' }).click()
  await expect(form.getByText('Judge sorts the message')).toBeVisible()
})

test('an answer that fails its check is repaired, and what changed is shown', async ({ page }) => {
  await expectResidents(page, demoNames)
  await page.getByRole('group', { name: 'Model for this turn' }).getByText('Guide', { exact: true }).click()
  await ask(page, 'Hello', 'Guide')
  await lastAnswer(page).hover()
  await page.getByRole('button', { name: 'Actions for the answer by Guide' }).click()
  await page.getByRole('menuitem', { name: 'Edit answer' }).click()
  await page.getByRole('textbox', { name: 'Edit the answer' }).fill('4 times 5 is 20.')
  await page.keyboard.press('Control+Enter')
  await expect(lastAnswer(page)).toContainText('4 times 5 is 20.')

  await page.keyboard.press('Alt+C')
  const repair = lastAnswer(page)
  await expect(repair.getByText(/^Repairs the answer before, which Judge failed: /)).toBeVisible()
  await expect(repair).toContainText('I am Guide')
  await expect(repair.getByText(/^Checked by Judge: /)).toBeVisible()
  await repair.getByRole('button', { name: 'Show what changed' }).click()
  const change = repair.getByRole('region', { name: 'What changed' })
  await expect(change.locator('del').first()).toContainText('removed:')
  await expect(change.locator('ins').first()).toContainText('added:')
  await repair.getByRole('button', { name: /^Checked by Judge: / }).click()
  await expect(repair.getByText('Probability of PASS')).toBeVisible()
  expect(await violationsInBoth(page)).toEqual([])

  await repair.getByRole('button', { name: 'Show the failed answer' }).click()
  await expect(lastAnswer(page)).toContainText('4 times 5 is 20.')
  await expect(lastAnswer(page).getByText(/^Checked by Judge: FAIL/)).toBeVisible()
  await lastAnswer(page).getByRole('button', { name: 'Next version of the answer' }).click()
  await expect(lastAnswer(page)).toContainText('I am Guide')

  // Every answer, where the conversation says so.
  await page.keyboard.press('Control+I')
  const dialog = page.getByRole('dialog', { name: 'Instructions and sampling' })
  await dialog.getByRole('group', { name: 'Check answers' }).getByText('Always').click()
  await expect(dialog.getByRole('radio', { name: 'Always' })).toBeChecked()
  expect(await violationsInBoth(page)).toEqual([])
  await page.keyboard.press('Escape')
  await send(page, 'What is your name?')
  await expect(lastAnswer(page).getByText(/^Checked by Judge: /)).toBeVisible()
})

test('the library says what models are for, and takes what is said instead', async ({ page }) => {
  await expectResidents(page, demoNames)
  await page.keyboard.press('Control+Shift+L')
  const library = page.getByRole('dialog', { name: 'Library' })
  await library.getByText('Judge', { exact: true }).first().click()
  await expect(library.getByText('sorts requests · checks answers')).toBeVisible()
  await library.getByText('Coder', { exact: true }).first().click()
  await library.getByText('Role for Auto').click()
  await library.getByRole('button', { name: 'Add a label' }).click()
  const label = library.getByRole('group', { name: 'New label' })
  await label.getByRole('combobox', { name: 'Name' }).fill('sql!')
  await expect(label.getByRole('alert')).toContainText('The name takes letters, digits')
  await expect(label.getByRole('button', { name: 'Add', exact: true })).toBeDisabled()
  expect(await violationsInBoth(page)).toEqual([])
  await label.getByRole('combobox', { name: 'Name' }).fill('sql')
  await label.getByRole('textbox', { name: 'About' }).fill('Questions to databases')
  await page.keyboard.press('Enter')
  await expect(library.getByText('code, sql')).toBeVisible()
  await expect(library.getByRole('button', { name: 'Add a label' })).toBeFocused()
  await library.getByRole('button', { name: 'Remove the label code' }).click()
  await library.getByRole('checkbox', { name: 'Checks answers' }).check()
  await expect(library.getByText('sql · checks answers')).toBeVisible()
})
