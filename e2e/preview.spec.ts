import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { demoNames, writeLongModel } from './model-files.ts'
import { act, block, expectResidents, poolPane, showModels } from './screen.ts'

// The demo models leave no room beside them for the smallest context of the long model; it could have 2,048 tokens if all of them left,
// and twice as many with a q8_0 KV cache.
test.use({ flags: ['--pool-size', '327MB', '--reserve', '64MB'] })

const place = { folder: '', file: '' }
test.beforeEach(async ({ page }) => {
  place.folder = await mkdtemp(path.join(tmpdir(), 'plenum-e2e-models-'))
  place.file = writeLongModel(path.join(place.folder, 'long-talk.gguf'), 'Long Talk')
  await showModels(page)
  await expectResidents(page, demoNames)
})
test.afterEach(async () => {
  await rm(place.folder, { recursive: true })
})

test('a drop shows who would leave, follows the slider, and loads on Enter, by keyboard alone', async ({
  app,
  page,
}) => {
  await app.drop([place.file])
  const card = cardOf(page)
  await expect(card).toContainText('a context of 512 tokens, growing to 8,192')
  await expect(card).toContainText('has to leave')
  await expect(block(page, 'Long Talk', 'not loaded')).toBeVisible()
  const leaving = poolPane(page).getByRole('button', { name: /would have to leave$/ })
  await expect(leaving).toHaveCount(1)
  // The keyboard is on Load; before it come the choice to reserve all of it, the KV type and the slider.
  const load = card.getByRole('button', { name: 'Load', exact: true })
  await expect(load).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await expect(card.getByRole('checkbox', { name: 'Reserve all of it from the start' })).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  await expect(slider(card)).toBeFocused()
  for (const tokens of ['6,144', '4,096', '3,072']) {
    await page.keyboard.press('ArrowLeft')
    await expect(slider(card)).toHaveAttribute('aria-valuetext', `${tokens} tokens`)
  }
  await expect(card).toContainText('Needs')
  await expect(load).toHaveAttribute('aria-disabled', 'true')
  await expect(leaving).toHaveCount(0)
  // A shorter context would do, and so would a smaller cache: one press, and nothing is loaded by it.
  await expect(card.getByRole('button', { name: /^Context of 2k tokens: saves/ })).toBeVisible()
  await page.keyboard.press('Shift+Tab')
  await expect(card.getByRole('button', { name: /^q8_0 KV cache: saves/ })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(card).toContainText('have to leave')
  await expect(card.getByRole('radio', { name: 'q8_0' })).toBeChecked()
  await expect(load).toBeFocused()
  await slider(card).focus()
  await page.keyboard.press('Home')
  for (const tokens of ['512', '768', '1,024', '1,536']) {
    await page.keyboard.press('ArrowRight')
    await expect(slider(card)).toHaveAttribute('aria-valuetext', `${tokens} tokens`)
  }
  await expect(leaving).toHaveCount(1)
  const [leaver = ''] = (await leaving.getAttribute('aria-label'))?.split(', ') ?? []
  await page.keyboard.press('Enter')
  await expectResidents(page, [...demoNames.filter((name) => name !== leaver), 'Long Talk'])
  await expect(card).toBeHidden()
})

test('what cannot fit is made to fit by one press, and Escape leaves everything as it is', async ({
  app,
  page,
}) => {
  for (const name of demoNames) {
    await act(page, name, 'Pin')
    await expect(block(page, name, 'pinned')).toBeVisible()
  }
  await app.drop([place.file])
  const card = cardOf(page)
  await expect(card).toContainText('Needs')
  const unpin = card.getByRole('button', { name: /^Unpin \w+: frees/ }).first()
  const [, unpinned = ''] = /Unpin (\w+):/.exec(await unpin.innerText()) ?? []
  expect(demoNames).toContain(unpinned)
  await unpin.click()
  await expect(card).toContainText(new RegExp(`${unpinned} \\(.*\\) has to leave`))
  await page.keyboard.press('Escape')
  await expect(card).toBeHidden()
  await expectResidents(page, demoNames)

  // Chosen for a turn it is shown again, and taken back with the choice.
  await page.getByRole('button', { name: 'All models' }).click()
  await page.getByRole('option', { name: /Long Talk/ }).click()
  await expect(card).toContainText('For the next turn')
  await expect(card).toContainText('has to leave')
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused()
  await page.getByRole('group', { name: 'Model for this turn' }).getByText('Guide').click()
  await expect(card).toBeHidden()
  await expectResidents(page, demoNames)
})

test('a model is dragged from the library into the pool', async ({ page }) => {
  await act(page, 'Judge', 'Unload')
  await expectResidents(page, ['Guide', 'Coder'])
  await page.getByRole('button', { name: 'Library', exact: true }).click()
  const library = page.getByRole('dialog', { name: 'Library' })
  const target = await poolPane(page).boundingBox()
  if (!target) throw new Error('There is no pool')
  await library.getByRole('option', { name: /Judge/ }).hover()
  await page.mouse.down()
  await page.mouse.move(target.x + target.width / 2, target.y + target.height / 2, { steps: 5 })
  await expect(block(page, 'Judge', 'not loaded')).toBeVisible()
  await expect(poolPane(page).getByText('Nothing happens until you drop it')).toBeVisible()
  await page.mouse.up()
  await expectResidents(page, demoNames)
})

test('load settings show what they take, hold from the next load on, and survive a restart', async ({
  app,
}) => {
  const { page } = app
  await act(page, 'Guide', 'Load settings')
  const settings = page.getByRole('dialog', { name: 'Load settings: Guide' })
  await expect(slider(settings)).toBeFocused()
  await expect(slider(settings)).toHaveAttribute('aria-valuetext', '1,024 tokens')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  const ghost = block(page, 'Guide', '512 context')
  await expect(ghost).toBeVisible()
  await settings.getByRole('textbox', { name: 'Batch' }).fill('128')
  await page.keyboard.press('Enter')
  await settings.getByRole('button', { name: 'Reload with these' }).click()
  await expect(settings).toContainText('begun with 512 tokens')
  await page.keyboard.press('Escape')
  await expect(settings).toBeHidden()
  await expectResidents(page, demoNames)

  await app.restart()
  await app.page.getByRole('button', { name: 'Library', exact: true }).click()
  await app.page.getByRole('option', { name: /Guide/ }).click()
  await app.page.getByRole('button', { name: 'Load settings' }).click()
  const again = app.page.getByRole('dialog', { name: 'Load settings: Guide' })
  await expect(slider(again)).toHaveAttribute('aria-valuetext', '512 tokens')
  await expect(again.getByRole('textbox', { name: 'Batch' })).toHaveValue('128')
  await again.getByRole('button', { name: 'Reset all to their defaults' }).click()
  await expect(slider(again)).toHaveAttribute('aria-valuetext', '1,024 tokens')
  await expect(again.getByRole('textbox', { name: 'Batch' })).toHaveValue('')
})

function cardOf(page: Page): Locator {
  return poolPane(page).getByRole('article', { name: 'Long Talk' })
}

function slider(within: Locator): Locator {
  return within.getByRole('slider', { name: 'Context' })
}
