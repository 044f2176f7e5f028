import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from './app.ts'
import { demoNames, writeModel } from './model-files.ts'
import { ask, block, chooseModel, expectResidents, poolPane, showModels } from './screen.ts'

const place = { folder: '' }
test.beforeEach(async () => {
  place.folder = await mkdtemp(path.join(tmpdir(), 'plenum-e2e-models-'))
})
test.afterEach(async () => {
  await rm(place.folder, { recursive: true })
})

test('a model that is dropped on the window is loaded and answers', async ({ app, page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  const file = await writeModel(path.join(place.folder, 'desk-guide.gguf'), 'Desk Guide')
  await app.drop([file])
  await expectResidents(page, [...demoNames, 'Desk Guide'])
  await chooseModel(page, 'Desk Guide')
  expect(await ask(page, 'My name is Nora.', 'Desk Guide')).toContain('Nora')
  // The desktop uses it in place; a browser has to send it.
  const copy = path.join(app.dataFolder, 'models', 'desk-guide.gguf')
  expect(existsSync(copy)).toBe(app.kind === 'headless')
})

test('two models are dropped at once', async ({ app, page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await app.drop([
    await writeModel(path.join(place.folder, 'desk.gguf'), 'Desk Guide'),
    await writeModel(path.join(place.folder, 'moon.gguf'), 'Moon Guide'),
  ])
  await expect(block(page, 'Desk Guide', 'Ready')).toBeVisible()
  await expect(block(page, 'Moon Guide', 'Ready')).toBeVisible()
})

test('what is no model says so where it was dropped', async ({ app, page }) => {
  const text = path.join(place.folder, 'notes.gguf')
  await writeFile(text, 'These are notes and no model at all, however they are named.')
  const empty = path.join(place.folder, 'empty.gguf')
  await writeFile(empty, '')
  const short = path.join(place.folder, 'short.gguf')
  await writeFile(short, Buffer.from('GGUF\u0003\u0000\u0000\u0000', 'latin1'))
  await expectResidents(page, demoNames)
  await app.drop([text, empty, short])
  const added = poolPane(page).getByRole('region', { name: 'Added files' })
  for (const name of ['notes.gguf', 'empty.gguf', 'short.gguf']) {
    await expect(added.getByRole('article', { name })).toContainText('Cannot')
  }
  await expectResidents(page, demoNames)
  expect(existsSync(path.join(app.dataFolder, 'models', 'short.gguf'))).toBe(false)
})
