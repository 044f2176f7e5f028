import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from './app.ts'
import { demoNames, writeModel } from './model-files.ts'
import {
  act,
  ask,
  block,
  chooseModel,
  expectResidents,
  leaveRoom,
  poolPane,
  processIdOf,
  send,
  showModels,
} from './screen.ts'

// The pool's size comes from the settings here.
test.use({ flags: [] })

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
})

test('a full pool sends the idle model away that is not pinned', async ({ app, page }) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'plenum-e2e-models-'))
  try {
    await act(page, 'Guide', 'Pin')
    await act(page, 'Coder', 'Pin')
    await expect(block(page, 'Guide', 'pinned')).toBeVisible()
    await expect(block(page, 'Coder', 'pinned')).toBeVisible()
    await leaveRoom(page, 30)
    await app.drop([await writeModel(path.join(folder, 'desk-guide.gguf'), 'Desk Guide')])
    const card = poolPane(page).getByRole('article', { name: 'Desk Guide' })
    await expect(card).toContainText('Judge')
    await card.getByRole('button', { name: 'Load', exact: true }).click()
    await expectResidents(page, ['Guide', 'Coder', 'Desk Guide'])

    // Now only pinned models and the new one are there: with that one pinned too, nobody can make room.
    await act(page, 'Desk Guide', 'Pin')
    await expect(block(page, 'Desk Guide', 'pinned')).toBeVisible()
    await page.getByRole('button', { name: 'All models' }).click()
    await page.getByRole('option', { name: /Judge/ }).click()
    await send(page, 'Hello')
    const refused = page.getByRole('article', { name: 'Answer by Judge' })
    await expect(refused).toContainText('Cannot load "Judge"')
    await expect(refused.getByRole('button', { name: /^Unpin/ }).first()).toBeVisible()
    await expectResidents(page, ['Guide', 'Coder', 'Desk Guide'])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the death of a model leaves the window, the conversation and the others alone', async ({ page }) => {
  test.skip(process.platform === 'win32', 'Windows cannot hold a process still')
  await chooseModel(page, 'Coder')
  const processId = await processIdOf(page, 'Coder')
  // Held still, so that the answer is surely under way when the process dies.
  process.kill(processId, 'SIGSTOP')
  await send(page, 'Write a function that reverses a string.')
  const answer = page.getByRole('article', { name: 'Answer by Coder' })
  await expect(answer).toHaveAttribute('aria-busy', 'true')
  process.kill(processId, 'SIGKILL')
  await expect(answer).toContainText('SIGKILL')
  await expect(poolPane(page).getByRole('article', { name: 'Coder failed' })).toBeVisible()
  await expect(block(page, 'Guide', 'Ready')).toBeVisible()

  // The next turn brings it back.
  await answer.getByRole('button', { name: 'Send again' }).click()
  await expect(page.getByRole('group', { name: /^Code/ })).toBeVisible()
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
  expect(await ask(page, 'My name is Nora.', 'Guide')).toContain('Nora')
})

test('the table has the numbers of the picture', async ({ page }) => {
  await page.getByRole('group', { name: 'What the pool shows' }).getByText('Table').click()
  const table = poolPane(page).getByRole('table').first()
  await table.getByRole('row', { name: /Guide/ }).click({ button: 'right' })
  await expect(page.getByRole('dialog', { name: 'Guide' })).toBeVisible()
  await page.keyboard.press('Escape')
  for (const name of demoNames) await expect(table.getByRole('row', { name: new RegExp(name) })).toBeVisible()
})
