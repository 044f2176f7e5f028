import type { Page } from '@playwright/test'
import { expect, test, type PlenumApp } from './app.ts'
import { recordConversation, recordedAnswer } from './recorded.ts'
import { chooseModel, expectResidents, send, showModels } from './screen.ts'
import { demoNames } from './model-files.ts'

async function showLong(app: PlenumApp, turns: number): Promise<void> {
  const answers = [
    await recordedAnswer('explanation'),
    await recordedAnswer('code'),
    await recordedAnswer('multilingual'),
  ]
  recordConversation(
    app.dataFolder,
    'Long',
    Array.from({ length: turns }, (_, index) => ({
      text: `Question ${String(index)}`,
      answer: answers[index % 3]!,
    })),
  )
  await app.restart()
  await app.page.getByRole('button', { name: 'Long', exact: true }).click()
}

const message = (page: Page, index: number) =>
  page
    .getByRole('article', { name: 'Your message' })
    .filter({ hasText: new RegExp(`^Question ${String(index)}$`) })

/** Where an element is seen from the top of the transcript, in CSS pixels. */
async function topOf(page: Page, text: string): Promise<number> {
  return page.getByText(text, { exact: true }).evaluate((element) => element.getBoundingClientRect().top)
}

test('a long conversation opens at its end, draws what is near, and is read upwards without a jump', async ({
  app,
}) => {
  await showLong(app, 402)
  const { page } = app
  await expect(message(page, 401)).toBeInViewport()
  // Only turns near to what is seen are drawn, and those further away are not on the page at all.
  expect(await page.getByRole('article', { name: 'Your message' }).count()).toBeLessThan(60)
  expect(await page.locator('[data-turn]').count()).toBeLessThan(200)
  await expect(page.getByText('Question 7', { exact: true })).not.toBeAttached()

  // Up by the wheel: what is seen stays where it is while the turns above it get their true heights.
  await page.mouse.move(500, 300)
  for (let step = 0; step < 12; step++) {
    await page.mouse.wheel(0, -700)
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    )
  }
  const seen = await page.evaluate(() => {
    const texts = [...document.querySelectorAll('article[aria-label="Your message"]')]
    return texts.find((element) => element.getBoundingClientRect().top > 100)?.textContent ?? ''
  })
  expect(seen).toMatch(/^Question \d+$/)
  const before = await topOf(page, seen)
  await expect(page.getByRole('button', { name: 'Jump to the end' })).toBeVisible()
  await page.evaluate(async () => {
    for (let frame = 0; frame < 30; frame++) await new Promise((resolve) => requestAnimationFrame(resolve))
  })
  expect(Math.abs((await topOf(page, seen)) - before)).toBeLessThan(2)

  await page.getByRole('button', { name: 'Jump to the end' }).click()
  await expect(message(page, 401)).toBeInViewport()

  // What is looked for is found and shown there too.
  await page.keyboard.press('Control+f')
  await page.keyboard.type('Question 7')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('search', { name: 'Find in this conversation' })).toContainText(/of \d+$/)
  await page.keyboard.press('Control+a')
  await page.keyboard.type('Question 199')
  await expect(message(page, 199)).toBeInViewport()
  await page.keyboard.press('Escape')

  // Opened at a hit: its turn comes after the last ones, and those that come still later do not move it.
  await page.getByRole('button', { name: 'New conversation' }).first().click()
  await page.getByRole('searchbox', { name: 'Search conversations' }).fill('"Question 113"')
  await page.getByRole('navigation', { name: 'Conversations' }).locator('[data-hit]').first().click()
  await expect(message(page, 113)).toBeInViewport()
  await page.evaluate(async () => {
    for (let frame = 0; frame < 30; frame++) await new Promise((resolve) => requestAnimationFrame(resolve))
  })
  await expect(message(page, 113)).toBeInViewport()
})

test('reading further up is not pulled down by an answer that comes', async ({ app }) => {
  await showModels(app.page)
  await expectResidents(app.page, demoNames)
  await showLong(app, 60)
  const { page } = app
  await chooseModel(page, 'Guide')
  await send(page, 'What is a KV cache?')
  await page.mouse.move(500, 300)
  await page.mouse.wheel(0, -3000)
  await expect(page.getByRole('button', { name: 'Jump to the end' })).toBeVisible()
  const answer = page.getByRole('article', { name: /^Answer by/ }).last()
  await expect(answer).toHaveAttribute('aria-busy', 'false')
  await expect(page.getByRole('button', { name: 'Jump to the end' })).toBeVisible()
  await expect(answer).not.toBeInViewport()
})
