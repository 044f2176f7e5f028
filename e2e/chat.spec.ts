import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { ask, chooseModel, expectResidents, send, showModels } from './screen.ts'

test('the first start shows three models in the pool', async ({ page }) => {
  await expect(page).toHaveTitle('Plenum')
  await expectResidents(page, demoNames)
  await expect(page.getByRole('figure', { name: /3 models hold/ })).toBeVisible()
})

test('two models share a conversation, and each reads only what is new to it', async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  expect(await ask(page, 'My name is Nora.', 'Guide')).toContain('Nora')

  await chooseModel(page, 'Coder')
  const code = await ask(page, 'Write a function that reverses a string.', 'Coder')
  expect(code).toMatch(/function|=>|def /)
  await expect(page.getByRole('group', { name: /^Code/ })).toBeVisible()

  // Back at Guide: it knows the name, and has the first turn in its KV cache.
  await chooseModel(page, 'Guide')
  const answer = await ask(page, 'What is my name?', 'Guide')
  expect(answer).toContain('Nora')
  expect(answer).toMatch(/ms to first token/)
  expect(answer).toMatch(/[1-9]\d* reused/)
})

test('a model that is not resident is loaded first, and counts before that what it will read', async ({
  page,
}) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await page.getByRole('button', { name: /^Judge, / }).click()
  await page.getByRole('dialog', { name: 'Judge' }).getByRole('button', { name: 'Unload' }).click()
  await expectResidents(page, ['Guide', 'Coder'])
  await page.getByRole('button', { name: 'All models' }).click()
  await page.getByRole('option', { name: /Judge/ }).click()
  const text = 'Is a question about memory pools and their sizes one for Guide or for Coder?'
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill(text)
  const cost = page.getByRole('form', { name: 'Message' }).getByRole('status')
  await expect(cost).toContainText(/^Loads first: .* · \d+ tokens to read/)
  const [, tokens = ''] = /· (\d+) tokens to read/.exec(await cost.innerText()) ?? []
  expect(await ask(page, text, 'Judge')).toContain(` ${tokens} read`)
  await expectResidents(page, demoNames)
})

test('a conversation is renamed and deleted', async ({ page }) => {
  await expectResidents(page, demoNames)
  await send(page, 'What is unified memory?')
  const list = page.getByRole('navigation', { name: 'Conversations' })
  const row = list.getByRole('button', { name: 'What is unified memory?', exact: true })
  await expect(row).toBeVisible()
  await list.getByRole('button', { name: 'Actions for What is unified memory?' }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await page.getByRole('textbox', { name: 'Name of the conversation' }).fill('Memory')
  await page.keyboard.press('Enter')
  await expect(list.getByRole('button', { name: 'Memory', exact: true })).toBeVisible()
  await list.getByRole('button', { name: 'Actions for Memory' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await expect(list.getByRole('button', { name: 'Memory', exact: true })).toBeHidden()
})
