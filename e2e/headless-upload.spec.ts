import { readdir, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from './app.ts'
import { poolPane } from './screen.ts'

test('a browser learns why an upload is refused before all of it is sent', async ({ app, page }) => {
  await expect(page.getByRole('radio', { name: 'Machine' })).toBeAttached()
  const file = path.join(app.dataFolder, 'model.bin')
  await writeFile(file, 'GGUF')
  await truncate(file, 512 * 2 ** 20)
  await app.drop([file])
  const card = poolPane(page).getByRole('article', { name: 'model.bin' })
  await expect(card).toContainText('its name does not end in .gguf')
})

test('an upload that is cancelled leaves nothing behind', async ({ app, page }) => {
  await expect(page.getByRole('radio', { name: 'Machine' })).toBeAttached()
  const models = path.join(app.dataFolder, 'models')
  const file = path.join(app.dataFolder, 'large.gguf')
  await writeFile(file, 'GGUF')
  await truncate(file, 4 * 2 ** 30)
  await app.drop([file])
  const card = poolPane(page).getByRole('article', { name: 'large.gguf' })
  await expect(card.getByRole('progressbar')).toBeVisible()
  await expect.poll(() => readdir(models)).toHaveLength(1)
  await card.getByRole('button', { name: /^Cancel upload/ }).click()
  await expect(card).toBeHidden()
  await expect.poll(() => readdir(models)).toEqual([])
})
