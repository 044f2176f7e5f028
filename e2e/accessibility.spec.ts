import { expect, test } from './app.ts'
import { violations } from './axe.ts'
import { demoNames } from './model-files.ts'
import { act, ask, block, expectResidents, poolPane, showModels } from './screen.ts'

test.beforeEach(async ({ page }) => {
  // What moves is measured at a chance moment of its way.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await showModels(page)
  await expectResidents(page, demoNames)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on the main screens, ${colorScheme}`, async ({ page }) => {
    // A dozen screens, some seconds each.
    test.slow()
    await page.emulateMedia({ colorScheme })
    const found = new Map<string, readonly string[]>()
    const look = async (at: string) => found.set(at, await violations(page))
    await look('start')
    await ask(page, 'My name is Nora.', 'Guide')
    await ask(page, 'Write a function that reverses a string.', 'Guide')
    await look('conversation')
    const views = page.getByRole('group', { name: 'What the pool shows' })
    for (const view of ['Machine', 'Table', 'Models']) {
      await views.getByText(view).click()
      await look(view)
    }
    await block(page, 'Judge').click()
    await look('block menu')
    await page.keyboard.press('Escape')
    await act(page, 'Judge', 'Details')
    await look('details')
    await page.keyboard.press('Escape')
    await act(page, 'Judge', 'Load settings')
    await expect(page.getByRole('dialog', { name: 'Load settings: Judge' })).toContainText(
      'Nobody has to leave',
    )
    await look('load settings')
    await page.keyboard.press('Escape')
    await poolPane(page).getByRole('button', { name: 'Consolidate' }).click()
    await expect(poolPane(page).getByText(/^Freed /)).toBeVisible()
    await look('consolidated')
    await poolPane(page).getByRole('button', { name: 'Show all' }).click()
    await expect(page.getByRole('dialog', { name: 'Activity' })).toBeVisible()
    await look('activity')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'All models' }).click()
    await look('model menu')
    await page.keyboard.press('Escape')
    for (const name of ['Library', 'Settings']) {
      await page.getByRole('button', { name, exact: true }).click()
      await expect(page.getByRole('dialog', { name })).toBeVisible()
      await look(name)
      await page.keyboard.press('Escape')
    }
    await act(page, 'Judge', 'Unload')
    await expect(block(page, 'Judge')).toBeHidden()
    await page.getByRole('button', { name: 'All models' }).click()
    await page.getByRole('option', { name: /Judge/ }).click()
    await expect(poolPane(page).getByRole('article', { name: 'Judge' })).toContainText('Nobody has to leave')
    await look('preview of a load')
    await views.getByText('Table').click()
    await look('preview of a load, in the table')
    await views.getByText('Models').click()
    await page.setViewportSize({ width: 800, height: 800 })
    await page.getByRole('button', { name: 'Conversations' }).click()
    await look('narrow window')
    expect(Object.fromEntries([...found].filter(([, rules]) => rules.length > 0))).toEqual({})
  })

  test(`axe finds nothing in what opens over the window, on a phone, and where there is nothing, ${colorScheme}`, async ({
    page,
  }) => {
    test.slow()
    await page.emulateMedia({ colorScheme })
    const found = new Map<string, readonly string[]>()
    const look = async (at: string) => found.set(at, await violations(page))
    await page.keyboard.press('Control+K')
    await page.keyboard.type('mod')
    await look('palette')
    await page.keyboard.type('xyz')
    await look('palette without results')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+/')
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
    await look('list of shortcuts')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+,')
    await page.keyboard.type('threads')
    const threads = page.getByRole('textbox', { name: 'Threads' })
    await threads.fill('1')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('button', { name: 'Reset to default: Threads' })).toBeVisible()
    await look('settings, searched and changed')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+K')
    await page.keyboard.type('tour')
    await page.keyboard.press('Enter')
    await look('tour')
    await page.keyboard.press('Escape')
    await ask(page, 'My name is Nora.', 'Guide')
    await page
      .getByRole('navigation', { name: 'Conversations' })
      .getByRole('button', { name: /^Actions for/ })
      .click()
    await look('menu of a conversation')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+Shift+F')
    await page.keyboard.type('Nora')
    await expect(
      page.getByRole('navigation', { name: 'Conversations' }).locator('mark').first(),
    ).toBeVisible()
    await look('search results')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+F')
    await page.keyboard.type('Nora')
    await look('find in the conversation')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+b')
    await page.keyboard.press('Control+Alt+b')
    await look('without panes')
    await page.keyboard.press('Control+b')
    await page.keyboard.press('Control+Alt+b')

    await page.setViewportSize({ width: 390, height: 844 })
    await look('chat on a phone')
    await page.getByRole('button', { name: 'Memory pool' }).click()
    await look('pool on a phone')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Conversations' }).click()
    await look('conversations on a phone')
    await page.getByRole('button', { name: 'Library', exact: true }).click()
    await look('library on a phone')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+,')
    await look('settings on a phone')
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 1280, height: 840 })

    await page.getByRole('button', { name: 'Library', exact: true }).click()
    const library = page.getByRole('dialog', { name: 'Library' })
    await library.getByRole('searchbox').fill('xyz')
    await expect(library).toContainText('No model has all of these words')
    await look('library without results')
    await library.getByRole('searchbox').fill('')
    for (const name of demoNames) {
      await library.getByRole('option', { name: new RegExp(`^${name}`) }).click()
      await library.getByRole('button', { name: 'Remove from the library' }).click()
      await library.getByRole('button', { name: 'Remove', exact: true }).click()
      await expect(library.getByRole('option', { name: new RegExp(`^${name}`) })).toBeHidden()
    }
    await look('empty library')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+Shift+O')
    await expect(page.getByText('There is no model here yet')).toBeVisible()
    await look('empty app')
    expect(Object.fromEntries([...found].filter(([, rules]) => rules.length > 0))).toEqual({})
  })
}

test('in the colours of the system every choice is still seen, and with more contrast axe finds nothing', async ({
  page,
}) => {
  await page.emulateMedia({ forcedColors: 'active' })
  const chip = page
    .getByRole('group', { name: 'Model for this turn' })
    .locator('label')
    .filter({ hasText: 'Guide' })
  await chip.click()
  await expect(chip).toHaveCSS('outline-style', 'solid')
  // The swatches are pictures: they keep the colour that tells the models apart.
  const swatches = page
    .getByRole('group', { name: 'Model for this turn' })
    .locator('label > span[data-colour]')
  const colours = await swatches.evaluateAll((all) =>
    all.map((each) => getComputedStyle(each).backgroundColor),
  )
  expect(new Set(colours).size).toBe(demoNames.length)
  await page.emulateMedia({ forcedColors: 'none', contrast: 'more' })
  expect(await violations(page)).toEqual([])
})

test('a whole turn goes by keyboard alone, and the focus is never lost', async ({ page }) => {
  await page.keyboard.press('Control+M')
  await page.keyboard.type('cod')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toBeFocused()
  await page.keyboard.type('Write a function that reverses a string.')
  await page.keyboard.press('Enter')
  const answer = page.getByRole('article', { name: 'Answer by Coder' })
  await expect(answer).toHaveAttribute('aria-busy', 'false')
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused()

  // A block's menu gives the focus back to the block, a dialog to what opened it.
  await block(page, 'Judge').focus()
  await page.keyboard.press('Enter')
  const menu = page.getByRole('dialog', { name: 'Judge' })
  await expect(menu.getByRole('button', { name: 'Use for next turn' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(block(page, 'Judge')).toBeFocused()
  await page.keyboard.press('Enter')
  await menu.getByRole('button', { name: 'Details' }).focus()
  await page.keyboard.press('Enter')
  await expect(
    page.getByRole('dialog', { name: 'Judge' }).getByRole('button', { name: 'Close' }),
  ).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(block(page, 'Judge')).toBeFocused()

  // Unloading takes the block away; the focus stays in the pool.
  await page.keyboard.press('Enter')
  await menu.getByRole('button', { name: 'Unload' }).focus()
  await page.keyboard.press('Enter')
  await expect(block(page, 'Judge')).toBeHidden()
  await expect(poolPane(page).locator(':focus')).toHaveCount(1)
})
