import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { ask, expectResidents } from './screen.ts'

test('several models answer side by side, one is kept, and the others stay within reach', async ({
  page,
}) => {
  await expectResidents(page, demoNames)
  await page.getByRole('button', { name: 'Several' }).click()
  const chips = page.getByRole('group', { name: 'Models for this turn' })
  for (const name of demoNames) {
    const chip = chips.getByRole('checkbox', { name })
    if (!(await chip.isChecked())) await chips.getByText(name, { exact: true }).click()
  }
  const form = page.getByRole('form', { name: 'Message' })
  await expect(form.getByRole('status').filter({ hasText: 'All 3 are resident' })).toBeVisible()
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('My name is Nora.')
  await page.keyboard.press('Enter')
  const columns = page.getByRole('group', { name: 'Answers of 3 models' })
  await expect(columns.getByRole('button', { name: /^Keep this answer/ })).toHaveCount(3)
  await columns.getByRole('button', { name: 'Keep this answer by Coder' }).click()
  await expect(columns).toBeHidden()
  await expect(page.getByRole('article', { name: 'Answer by Coder' })).toBeVisible()
  // The next turn is for the kept model alone.
  await expect(page.getByRole('button', { name: 'Several' })).toHaveAttribute('aria-pressed', 'false')
  await expect(
    page.getByRole('group', { name: 'Model for this turn' }).getByRole('radio', { name: 'Coder' }),
  ).toBeChecked()
  await expect(page.getByRole('group', { name: 'Versions of the answer' })).toContainText('/ 3')
  await page.getByRole('button', { name: 'Actions for the answer by Coder' }).click()
  await page.getByRole('menuitem', { name: 'Side by side' }).click()
  await expect(columns).toBeVisible()
})

test('@ names who takes this turn, and only this one', async ({ page }) => {
  await expectResidents(page, demoNames)
  const box = page.getByRole('textbox', { name: 'Message', exact: true })
  await box.pressSequentially('My name is Nora. @')
  const list = page.getByRole('listbox', { name: 'Models to ask' })
  await expect(list.getByRole('option')).toHaveText([/^Coder/, /^Guide/, /^Judge/, /^Auto/])
  await page.keyboard.press('Escape')
  await expect(list).toBeHidden()
  await box.fill('')
  await box.pressSequentially('My name is Nora. @jud')
  await expect(list.getByRole('option', { name: /Judge/ })).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Tab')
  await expect(box).toHaveValue('My name is Nora.')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article', { name: 'Answer by Judge' })).toHaveAttribute('aria-busy', 'false')
  await ask(page, 'Hello', 'Guide')

  // A whole name before the message needs no choosing.
  await box.pressSequentially('@coder Hello')
  await expect(box).toHaveValue('Hello')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article', { name: 'Answer by Coder' })).toHaveAttribute('aria-busy', 'false')
})
