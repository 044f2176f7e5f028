import type { Locator, Page } from '@playwright/test'
import { expect } from '@playwright/test'
import type { PlenumApp } from './app.ts'

/** The pool side of the window. */
export function poolPane(page: Page): Locator {
  return page.getByRole('complementary', { name: 'Memory pool' })
}

/** The block of a resident in the pool's picture, in any state unless one is named. */
export function block(page: Page, name: string, state = ''): Locator {
  return poolPane(page).getByRole('button', { name: new RegExp(`^${name}, .*${state}`) })
}

/** Waits until these models, and no others, are in the pool and ready. */
export async function expectResidents(page: Page, names: readonly string[]): Promise<void> {
  for (const name of names) await expect(block(page, name, 'Ready')).toBeVisible()
  await expect(page.getByRole('group', { name: /^Blocks of/ }).getByRole('button')).toHaveCount(names.length)
}

/** Shows only the models in the pool's picture. */
export async function showModels(page: Page): Promise<void> {
  await page.getByRole('group', { name: 'What the pool shows' }).getByText('Models').click()
}

/** Chooses a resident for the next turn by its chip. */
export async function chooseModel(page: Page, name: string): Promise<void> {
  const chips = page.getByRole('group', { name: 'Model for this turn' })
  await chips.getByText(name, { exact: true }).click()
  await expect(chips.getByRole('radio', { name })).toBeChecked()
}

/** Sends a message. */
export async function send(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}

/** Sends a message and waits for the end of the answer: its text and figures. */
export async function ask(page: Page, text: string, by: string): Promise<string> {
  const answers = page.getByRole('article', { name: `Answer by ${by}` })
  const before = await answers.count()
  await send(page, text)
  const answer = answers.nth(before)
  await expect(answer).toHaveAttribute('aria-busy', 'false')
  return answer.innerText()
}

/** Opens the menu of a block and presses one of its actions. */
export async function act(page: Page, name: string, action: string): Promise<void> {
  await block(page, name).click()
  await page.getByRole('dialog', { name }).getByRole('button', { name: action, exact: true }).click()
}

/** The process that holds a resident, as its details tell. */
export async function processIdOf(page: Page, name: string): Promise<number> {
  await act(page, name, 'Details')
  const details = page.getByRole('dialog')
  const fact = details
    .getByRole('term')
    .filter({ hasText: /^Process$/ })
    .locator('xpath=following-sibling::dd')
  const processId = Number(await fact.innerText())
  await details.getByRole('button', { name: 'Close' }).click()
  expect(processId).toBeGreaterThan(0)
  return processId
}

/** Sets the size of the pool so that only this many MB are left beside what its models take now; with fewer than none somebody has to leave. Not where the command line sets it. */
export async function leaveRoom(page: Page, freeMb: number): Promise<void> {
  const [, usedMb = ''] =
    /^([\d.]+) MB of /.exec(
      await poolPane(page)
        .getByText(/ MB of .* reserve$/)
        .innerText(),
    ) ?? []
  const reserveMb = 64
  await page.getByRole('button', { name: 'Settings' }).click()
  const settings = page.getByRole('dialog', { name: 'Settings' })
  await settings.getByRole('textbox', { name: 'Reserve' }).fill(`${String(reserveMb)} MB`)
  await page.keyboard.press('Enter')
  const sizeMb = Math.ceil(Number(usedMb)) + reserveMb + freeMb
  await settings.getByRole('textbox', { name: 'Pool size' }).fill(`${String(sizeMb)} MB`)
  await page.keyboard.press('Enter')
  await settings.getByRole('button', { name: 'Close' }).click()
  const capacity = new RegExp(`of ${String(sizeMb - reserveMb)} MB · ${String(reserveMb)}.0 MB reserve`)
  await expect(poolPane(page).getByText(capacity)).toBeVisible()
}

/** Drops a file of conversations onto the window; the dialog that tells what became of it. */
export async function bringIn(app: PlenumApp, file: string): Promise<Locator> {
  // What is dropped before the page is connected is refused.
  await expect(app.page.getByText(/· pool of/)).toBeVisible()
  await app.drop([file])
  const dialog = app.page.getByRole('dialog', { name: 'Import conversations' })
  await expect(dialog.getByRole('button', { name: 'Close', exact: true }).last()).toBeVisible()
  return dialog
}
