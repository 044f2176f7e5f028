import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { act, ask, block, expectResidents, showModels } from './screen.ts'

test('a draft is chosen in the load settings, counts in the memory, and its acceptance is on the answer', async ({
  page,
}) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await act(page, 'Guide', 'Load settings')
  const settings = page.getByRole('dialog', { name: 'Load settings: Guide' })
  const draft = settings.getByRole('combobox', { name: 'Speculative decoding' })
  await expect(draft).toHaveValue('auto')
  // Of the other demo models one is smaller.
  await expect(draft.getByRole('option')).toHaveText([
    'Automatic',
    'Off',
    /^Look up in the conversation/,
    /^Judge, [\d.]+ MB more$/,
  ])
  await draft.selectOption({ index: 3 })
  await expect(settings.getByRole('region', { name: 'What it takes' })).toContainText('Draft model')
  await settings.getByRole('button', { name: 'Reload with these' }).click()
  await settings.getByRole('button', { name: 'Close' }).click()
  await expect(block(page, 'Guide', 'Ready')).toBeVisible()
  await act(page, 'Guide', 'Details')
  const details = page.getByRole('dialog', { name: 'Guide' })
  await expect(
    details.getByRole('table', { name: 'Memory' }).getByRole('row', { name: /^Draft model/ }),
  ).toHaveText(/[\d.]+ MB$/)
  await expect(details).toContainText('Judge, 1,024 tokens')
  await details.getByRole('button', { name: 'Close' }).click()

  await act(page, 'Guide', 'Load settings')
  await draft.selectOption('lookup')
  await settings.getByRole('button', { name: 'Reload with these' }).click()
  await settings.getByRole('button', { name: 'Close' }).click()
  await expect(block(page, 'Guide', 'Ready')).toBeVisible()
  await ask(page, 'Who are you?', 'Guide')
  await ask(page, 'Who are you?', 'Guide')
  const figures = page
    .getByRole('article', { name: 'Answer by Guide' })
    .last()
    .getByText(/to first token/)
  await figures.hover()
  await expect(
    page.getByText(/^\d+ of \d+ drafted tokens accepted, \d+ %, looked up in the conversation$/),
  ).toBeVisible()
})
