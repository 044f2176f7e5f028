import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { act, ask, block, expectResidents, poolPane, showModels } from './screen.ts'

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
})

test('details set what was predicted beside what was measured, and keep it for each load', async ({
  page,
}) => {
  await act(page, 'Guide', 'Details')
  const details = page.getByRole('dialog', { name: 'Guide' })
  const memory = details.getByRole('table', { name: 'Memory' })
  for (const part of ['Weights', 'Compute buffers', 'Runtime', 'Total'])
    await expect(memory.getByRole('row', { name: new RegExp(`^${part}`) })).toHaveText(
      /([\d.]+ [KMG]B){2}([+−][\d.,]+|0\.0) %[\d.]+ [KMG]B$/,
    )
  // What a context's KV cache takes is arithmetic: no error is told of it.
  await expect(memory.getByRole('row', { name: /^KV cache/ })).toHaveText(/–[\d.]+ [KMG]B$/)
  const loads = details.getByRole('table', { name: 'Loads' }).getByRole('row')
  await expect(loads).toHaveCount(2)
  await expect(details).toContainText('header and dry runs alone')
  await details.getByRole('button', { name: 'Close' }).click()

  // The second load goes by what the first one took.
  await act(page, 'Guide', 'Unload')
  await expect(block(page, 'Guide')).toBeHidden()
  await openInLibrary(page, 'Guide')
  const library = page.getByRole('dialog', { name: 'Library' })
  await expect(library.getByRole('table', { name: 'Loads' }).getByRole('row')).toHaveCount(2)
  await library.getByRole('button', { name: 'Load', exact: true }).click()
  await expect(library.getByRole('table', { name: 'Loads' }).getByRole('row')).toHaveCount(3)
  await expect(library).toContainText('The prediction was learned')
  await library.getByRole('button', { name: 'Close' }).click()
})

test('consolidating wins bytes and says so, and the activity has them with the time it took', async ({
  page,
}) => {
  await ask(page, 'My name is Nora.', 'Guide')
  await page.getByTitle(/^New conversation \(/).click()
  await ask(page, 'What is unified memory?', 'Guide')
  const kv = poolPane(page).getByRole('region', { name: 'KV caches' })
  const consolidate = kv.getByRole('button', { name: 'Consolidate' })
  await expect(
    kv.getByRole('list', { name: 'Conversations in the KV cache of Guide' }).getByRole('listitem'),
  ).toHaveCount(2)
  await expect(consolidate).toHaveAccessibleDescription(/^Frees at least [\d.]+ [KMG]B:/)
  await consolidate.click()
  await expect(consolidate).toHaveAccessibleDescription(/^Freed [\d.]+ MB from \d KV caches$/)
  await expect(consolidate).toBeDisabled()
  await expect(consolidate).toBeFocused()
  await expect(kv).toContainText('can grow to 1k')

  const activity = poolPane(page).getByRole('region', { name: 'Activity' })
  await expect(activity).toContainText(/put on disk on request, [\d.]+ MB freed, [\d.]+ m?s/)
  await activity.getByRole('button', { name: 'Show all' }).click()
  const all = page.getByRole('dialog', { name: 'Activity' })
  await all.getByText('Room made').click()
  await expect(all.getByRole('row', { name: /Parked.*Guide.*on request/ })).toHaveText(/[\d.]+ MB[\d.]+ m?s$/)
  await expect(all.getByRole('row', { name: /Loaded/ })).toHaveCount(0)
  await all.getByRole('button', { name: 'Close' }).click()

  // What went to disk is not read again.
  await page
    .getByRole('navigation', { name: 'Conversations' })
    .getByRole('button', { name: 'My name is Nora.', exact: true })
    .click()
  await expect(page.getByRole('article', { name: 'Your message' })).toHaveText('My name is Nora.')
  await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveCount(1)
  const answer = await ask(page, 'What is my name?', 'Guide')
  expect(answer).toContain('Nora')
  expect(answer).toMatch(/[1-9]\d* reused/)
})

test('settings of pressure, contexts and parking are kept, and what is no such number is refused', async ({
  app,
}) => {
  const settings = () => app.page.getByRole('dialog', { name: 'Settings' })
  const field = (name: string) => settings().getByRole('textbox', { name })
  const fill = async (name: string, text: string) => {
    await field(name).fill(text)
    await field(name).press('Enter')
  }
  await app.page.getByRole('button', { name: 'Settings' }).click()
  await fill('Give idle KV caches back from', '70')
  await fill('Contexts start with', '512')
  await fill('Disk room for parking', '2 GB')
  await settings()
    .getByRole('combobox', { name: 'When a context is full' })
    .selectOption('Stop with a message')
  await settings().getByRole('checkbox', { name: 'Park conversations on disk' }).uncheck()
  await fill('Give idle KV caches back from', '5')
  await expect(settings().getByRole('alert')).toHaveText('Takes a whole number from 10 to 100 %')
  await fill('Contexts start with', '90,000')
  await expect(settings().getByRole('alert').last()).toHaveText(
    'Takes a whole number from 64 to 32,768 tokens',
  )

  await app.restart()
  await app.page.getByRole('button', { name: 'Settings' }).click()
  await expect(field('Give idle KV caches back from')).toHaveValue('70')
  await expect(field('Contexts start with')).toHaveValue('512')
  await expect(field('Disk room for parking')).toHaveValue('2 GB')
  await expect(settings().getByRole('combobox', { name: 'When a context is full' })).toHaveValue('stop')
  await expect(settings().getByRole('checkbox', { name: 'Park conversations on disk' })).not.toBeChecked()
})

async function openInLibrary(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Library', exact: true }).click()
  await page.getByRole('option', { name: new RegExp(name) }).click()
}
