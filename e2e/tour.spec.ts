import { expect, test } from './app.ts'

test.use({ tour: 'show' })

test('the tour points at three things, blocks nothing, comes once, and again when it is asked for', async ({
  app,
}) => {
  const tour = () => app.page.getByRole('region', { name: 'Tour' })
  await expect(tour()).toContainText('The pool shows where memory goes')
  // It takes neither the focus nor the keys.
  const message = app.page.getByRole('textbox', { name: 'Message', exact: true })
  await expect(message).toBeFocused()
  await app.page.keyboard.type('Hello')
  await expect(message).toHaveValue('Hello')
  await tour().getByRole('button', { name: 'Next' }).click()
  await expect(tour()).toContainText('Choose who answers')
  await tour().getByRole('button', { name: 'Back' }).click()
  await expect(tour()).toContainText('1 of 3')
  await tour().getByRole('button', { name: 'Next' }).click()
  await tour().getByRole('button', { name: 'Next' }).click()
  await expect(tour()).toContainText('See the price before you load')
  await tour().getByRole('button', { name: 'Done' }).click()
  await expect(tour()).toBeHidden()

  await app.restart()
  await expect(app.page.getByRole('complementary', { name: 'Memory pool' })).toContainText('reserve')
  await expect(tour()).toBeHidden()
  await app.page.keyboard.press('Control+K')
  await app.page.keyboard.type('tour')
  await app.page.keyboard.press('Enter')
  await expect(tour().getByRole('button', { name: 'Next' })).toBeFocused()
  await app.page.keyboard.press('Escape')
  await expect(tour()).toBeHidden()
  await expect(app.page.getByRole('textbox', { name: 'Message', exact: true })).toBeFocused()
})

test('the tour is skipped with one press, at any width', async ({ app }) => {
  for (const [width, height] of [
    [390, 844],
    [720, 450],
    [1440, 900],
  ] as const) {
    await app.page.setViewportSize({ width, height })
    await expect(app.page.getByRole('button', { name: 'Skip the tour' })).toBeInViewport({ ratio: 1 })
  }
  await app.page.getByRole('button', { name: 'Skip the tour' }).click()
  await expect(app.page.getByRole('region', { name: 'Tour' })).toBeHidden()
})
