import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { violationsInBoth } from './axe.ts'
import { demoFolder, demoNames } from './model-files.ts'
import { expectResidents, showModels } from './screen.ts'

const sample = path.join(import.meta.dirname, '..', 'resources', 'pipelines', 'unified-ai-pipeline.yaml')

const place = { folder: '' }
test.beforeEach(async ({ page }) => {
  place.folder = await mkdtemp(path.join(tmpdir(), 'plenum-e2e-pipelines-'))
  // What is dropped before the page is connected is refused.
  await expect(page.getByText(/· pool of/)).toBeVisible()
})
test.afterEach(async () => {
  await rm(place.folder, { recursive: true })
})

test('a pipeline that is dropped shows its dry run, errors stand beside their lines, and nothing is loaded by it', async ({
  app,
  page,
}) => {
  await app.drop([sample])
  const dialog = dialogOf(page, 'unified-ai-pipeline.yaml')
  await expect(dialog.getByRole('status')).toContainText('Fits together on a machine like the file’s')
  await expect(dialog.getByRole('status')).toContainText('3 files are not there')
  await expect(dialog).toContainText('69.0 GB of 120 GB')
  await expect(dialog).toContainText('51.0 GB to spare')
  const models = dialog.getByRole('table', { name: 'Models of the pipeline' })
  await expect(models.getByRole('row')).toHaveCount(4)
  await expect(models.getByRole('row', { name: /orchestrator-70b/ })).toContainText('42.0 GB')
  await expect(dialog.getByRole('table', { name: 'Steps of the pipeline' })).toContainText('≤ 6.7 tok/s')
  await expect(dialog.getByRole('button', { name: 'Load this set' })).toHaveAttribute('aria-disabled', 'true')
  await expect(dialog.getByRole('listitem').filter({ hasText: 'stranded' })).toHaveCount(2)
  expect(await violationsInBoth(page)).toEqual([])

  // An error is told with its place, what was expected and what would help; a press leads to it.
  const text = dialog.getByRole('textbox', { name: 'Text of the pipeline' })
  await text.fill((await text.inputValue()).replace('total_gb: 128', 'total_gb: "128GB"'))
  await expect(dialog.getByRole('status')).toHaveText('1 error in the file')
  const error = dialog.getByRole('listitem').filter({ hasText: 'Error' })
  await expect(error).toContainText('"total_gb": "128GB" is no number')
  await expect(error).toContainText('Expected: a number of GB')
  await expect(error).toContainText('Write 128')
  expect(await violationsInBoth(page)).toEqual([])
  await error.getByRole('button', { name: 'line 4, column 13' }).press('Enter')
  await expect(text).toBeFocused()
  await page.keyboard.type('128')
  await expect(dialog.getByRole('status')).toContainText('Fits together')
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await showModels(page)
  await expectResidents(page, demoNames)
})

test('what is in memory is saved as a pipeline, and a set is loaded from one, by keyboard', async ({
  app,
  page,
}) => {
  test.skip(app.kind === 'desktop', 'the desktop app saves through the system’s dialog')
  await showModels(page)
  await expectResidents(page, demoNames)
  await command(page, 'Save this set')
  const current = dialogOf(page, 'pipeline.yaml')
  await expect(current.getByRole('status')).toHaveText('Fits together here')
  const saving = page.waitForEvent('download')
  await current.getByRole('button', { name: 'Save as…' }).press('Enter')
  const saved = path.join(place.folder, 'pipeline.yaml')
  await (await saving).saveAs(saved)
  const text = await readFile(saved, 'utf8')
  expect(text).toMatch(/^# yaml-language-server: \$schema=/)
  expect(text).toContain('demo-judge-2.2m-q8_0.gguf')
  await page.keyboard.press('Escape')

  // A set of two, one of which the library does not know yet; what it says of them is theirs then.
  const copy = path.join(place.folder, 'second-coder.gguf')
  await copyFile(path.join(demoFolder, 'demo-coder-2.2m-f16.gguf'), copy)
  const file = path.join(place.folder, 'two.yaml')
  await writeFile(
    file,
    `models:
  - { id: writer, path: ${copy}, name: Second Coder, max_context: 512, pinned: true }
  - { id: sorter, path: ${path.join(demoFolder, 'demo-judge-2.2m-q8_0.gguf')} }
`,
  )
  await app.drop([file])
  const dialog = dialogOf(page, 'two.yaml')
  await expect(dialog.getByRole('status')).toHaveText('Fits together here')
  const load = dialog.getByRole('button', { name: 'Load this set' })
  await expect(load).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expectResidents(page, [...demoNames, 'Second Coder'])
  const schema = await app.rest('/plenum-pipeline.schema.json')
  expect(((await schema.json()) as { title: string }).title).toBe('Plenum pipeline')
})

function dialogOf(page: Page, name: string): Locator {
  return page.getByRole('dialog', { name })
}

async function command(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+K')
  await page.keyboard.type(words)
  await page.keyboard.press('Enter')
}
