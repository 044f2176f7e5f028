import { expect, test, type PlenumApp } from './app.ts'
import { recordConversation, recordedAnswer, type RecordedTurn } from './recorded.ts'

/** Shows recorded turns: the app starts again on a database that holds them. */
async function show(app: PlenumApp, turns: readonly RecordedTurn[]): Promise<void> {
  recordConversation(app.dataFolder, 'Recorded', turns)
  await app.restart()
  await app.page.getByRole('button', { name: 'Recorded', exact: true }).click()
}

test('an answer with formulas, a table and lists is drawn whole, and code in its colours', async ({
  app,
}) => {
  await show(app, [
    { text: 'How does attention scale?', answer: await recordedAnswer('explanation') },
    { text: 'Write a ring buffer', answer: await recordedAnswer('code') },
  ])
  const { page } = app
  const [explanation, code] = [0, 1].map((index) =>
    page.getByRole('article', { name: /^Answer by/ }).nth(index),
  )
  await expect(page.getByRole('group', { name: 'Code, ts' })).toBeVisible()
  // Colours come with the grammar.
  await expect(code!.locator('span[class*=keyword]').first()).toBeVisible()
  const colours = await page
    .getByRole('group', { name: 'Code, ts' })
    .locator('code span')
    .evaluateAll((tokens) => new Set(tokens.map((token) => getComputedStyle(token).color)).size)
  expect(colours).toBeGreaterThan(3)
  await expect(page.getByRole('group', { name: 'Code, mermaid' }).locator('code span')).toHaveCount(0)

  await explanation!.scrollIntoViewIfNeeded()
  await expect(explanation!.locator('math')).toHaveCount(6)
  await expect(explanation!).toContainText('$5 or even $10')
  await expect(explanation!.getByRole('cell', { name: 'both, sometimes' })).toBeVisible()
  // The fonts of formulas come from the app itself.
  await expect
    .poll(() =>
      page.evaluate(
        () =>
          [...document.fonts].filter(({ family, status }) => family.includes('KaTeX') && status === 'loaded')
            .length,
      ),
    )
    .toBeGreaterThan(1)
})

test('lines of code are wrapped in all blocks at a press, also after a restart', async ({ app }) => {
  const long = `\`\`\`js\n${'const a = 1; '.repeat(60)}\n\`\`\``
  await show(app, [{ text: 'Go', answer: `${long}\n\n${long}` }])
  const blocks = app.page.getByRole('group', { name: 'Code, js' })
  const overflows = () =>
    blocks.locator('pre').evaluateAll((all) => all.map((pre) => pre.scrollWidth > pre.clientWidth))
  await expect.poll(overflows).toEqual([true, true])
  await blocks.first().getByRole('button', { name: 'Wrap lines' }).click()
  await expect.poll(overflows).toEqual([false, false])
  await app.page.reload()
  await expect(blocks.first().getByRole('button', { name: 'Wrap lines' })).toHaveAttribute(
    'aria-pressed',
    'true',
  )
})

test('thoughts are folded with how long they took, unfolded where something is found in them, and not copied', async ({
  app,
  context,
}) => {
  await show(app, [{ text: 'Sum of 1..100?', answer: await recordedAnswer('thinking') }])
  const answer = app.page.getByRole('article', { name: /^Answer by/ })
  const thought = answer.getByText('Thought for 12 s')
  await expect(thought).toBeVisible()
  await expect(answer.getByText('check with a small case')).toBeHidden()
  await thought.press('Enter')
  await expect(answer.getByRole('listitem').filter({ hasText: 'check with a small case' })).toBeVisible()
  // What is looked for unfolds it.
  await thought.press('Enter')
  await expect(answer.getByText('check with a small case')).toBeHidden()
  await app.page.keyboard.press('Control+f')
  await app.page.keyboard.type('small case')
  await expect(answer.getByRole('listitem').filter({ hasText: 'check with a small case' })).toBeInViewport()
  await expect
    .poll(() => app.page.evaluate(() => [...(CSS.highlights.get('found-here') ?? [])].map(String)))
    .toEqual(['small case'])
  await app.page.keyboard.press('Escape')
  if (app.kind === 'headless') await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await answer.hover()
  await answer.getByRole('button', { name: 'Copy answer' }).click()
  await expect(answer.getByRole('status')).toHaveText('Copied')
  const copied = await app.page.evaluate(() => navigator.clipboard.readText().catch(() => null))
  if (copied !== null) expect(copied.startsWith('The sum is **5050**.')).toBe(true)
})

test('a link is opened after a look at where it leads, with the keyboard too', async ({ app, context }) => {
  await show(app, [
    {
      text: 'Where?',
      answer: 'See [paypal.com](https://xn--pypal-4ve.com/login) or [this](https://example.org/a?b#c).',
    },
  ])
  const { page } = app
  await page.getByRole('link', { name: 'paypal.com' }).click()
  const dialog = page.getByRole('dialog', { name: 'Open this link?' })
  await expect(dialog).toContainText('xn--pypal-4ve.com')
  await expect(dialog.getByRole('list', { name: 'Warnings' })).toContainText('leads somewhere else')
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('link', { name: 'paypal.com' })).toBeFocused()

  await page.getByRole('link', { name: 'this' }).press('Enter')
  await expect(dialog).toContainText('https://example.org/a?b#c')
  if (app.kind === 'headless') {
    const leaves = context.waitForEvent('request', (request) => request.url().startsWith('https:'))
    await expect(dialog.getByRole('link', { name: 'Open' })).toHaveAttribute('rel', 'noopener noreferrer')
    await page.keyboard.press('Enter')
    expect((await leaves).url()).toBe('https://example.org/a?b')
  } else {
    await app.electron.evaluate(({ shell }) => {
      Object.assign(globalThis, { opened: [] })
      shell.openExternal = async (url) =>
        void (globalThis as unknown as { opened: string[] }).opened.push(url)
    })
    await page.keyboard.press('Enter')
    await expect
      .poll(() => app.electron.evaluate(() => (globalThis as unknown as { opened: string[] }).opened))
      .toEqual(['https://example.org/a?b#c'])
  }
  await expect(dialog).toBeHidden()
})
