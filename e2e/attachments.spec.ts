import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { textPdf } from '../src/testing/pdf-file.ts'
import { expect, test as base } from './app.ts'
import { demoNames, writeModel } from './model-files.ts'
import { chooseModel, expectResidents, send, showModels } from './screen.ts'

const test = base.extend<{ folder: string }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright wants it written like this
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'plenum-attachments-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
  await chooseModel(page, 'Guide')
})

function chips(page: Page) {
  return page
    .getByRole('form', { name: 'Message' })
    .getByRole('list', { name: 'Attachments' })
    .getByRole('listitem')
}

async function attach(page: Page, files: readonly string[]): Promise<void> {
  await page.getByLabel('Files to attach').setInputFiles([...files])
}

/** Puts a text on the clipboard and pastes it, as the keys do. */
async function paste(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).evaluate((field, pasted) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', pasted)
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, text)
}

test('a text and a PDF are counted by the model, go with the message, and can be read there', async ({
  page,
  folder,
}) => {
  const notes = path.join(folder, 'notes.txt')
  const paper = path.join(folder, 'paper.pdf')
  await writeFile(notes, Buffer.from('\uFEFFDie Größe ist 7.\r\n', 'utf16le'))
  await writeFile(paper, textPdf(['Unified memory is one pool.']))
  await attach(page, [notes, paper])
  await expect(chips(page)).toHaveCount(2)
  await expect(chips(page).filter({ hasText: 'notes.txt' })).toContainText(
    /Text, 17 characters · \d+ tokens, \d % of the context/,
  )
  await expect(chips(page).filter({ hasText: 'paper.pdf' })).toContainText(/PDF, 27 characters · \d+ tokens/)
  await send(page, 'What is unified memory?')
  await expect(chips(page)).toHaveCount(0)
  await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveAttribute('aria-busy', 'false')

  const sent = page.getByRole('list', { name: 'Attachments of this message' })
  await sent.getByRole('button', { name: /paper\.pdf/ }).click()
  await expect(page.getByRole('dialog', { name: 'paper.pdf' })).toContainText('Unified memory is one pool.')
  await page.keyboard.press('Escape')
  await sent.getByRole('button', { name: /notes\.txt/ }).click()
  await expect(page.getByRole('region', { name: 'Text of notes.txt' })).toHaveText('Die Größe ist 7.')
  await page.keyboard.press('Escape')

  // What is in a file is found, and its message shown.
  await page.getByRole('button', { name: 'New conversation' }).first().click()
  await page.getByRole('searchbox', { name: 'Search conversations' }).fill('große ist')
  const hit = page.getByRole('navigation', { name: 'Conversations' }).locator('[data-hit]')
  await expect(hit).toContainText('Attachment · notes.txt')
  await hit.click()
  await expect(page.getByRole('article', { name: 'Your message' })).toBeInViewport()
})

test('too much says how much too much, and is cut to what fits or taken away', async ({ page, folder }) => {
  const report = path.join(folder, 'report.txt')
  await writeFile(report, 'A line of a long report.\n'.repeat(600))
  await page.getByRole('textbox', { name: 'Message' }).fill('What is this?')
  await attach(page, [report])
  const form = page.getByRole('form', { name: 'Message' })
  await expect(form.getByText(/The message needs [\d,]+ tokens, Guide’s context holds 1,024/)).toBeVisible()
  await expect(form.getByRole('button', { name: 'Send', exact: true })).toBeDisabled()
  await form.getByRole('button', { name: 'Cut to what fits' }).click()
  await expect(chips(page)).toContainText(/Text, [\d,]+ of 15,000 characters, the rest is left out/)
  await expect(form.getByRole('button', { name: 'Send', exact: true })).toBeEnabled()
  await attach(page, [report])
  await form.getByRole('button', { name: 'Remove report.txt' }).last().click()
  await expect(chips(page)).toHaveCount(1)
  await form.getByRole('button', { name: 'Send', exact: true }).click()
  await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveAttribute('aria-busy', 'false')
  await expect(page.getByRole('list', { name: 'Attachments of this message' })).toContainText(
    'the rest is left out',
  )
})

test('a long text that is pasted is attached, and can be pasted as text; each conversation keeps its own', async ({
  page,
}) => {
  const text = 'one line\n'.repeat(50)
  await paste(page, text)
  await expect(chips(page)).toContainText('Pasted text')
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('')
  await send(page, 'First')
  await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveAttribute('aria-busy', 'false')
  await paste(page, text)
  await expect(chips(page)).toHaveCount(1)
  await page
    .getByRole('button', { name: /^New conversation/ })
    .first()
    .click()
  await expect(chips(page)).toHaveCount(0)
  await page
    .getByRole('navigation', { name: 'Conversations' })
    .getByRole('button', { name: 'First', exact: true })
    .click()
  await expect(chips(page)).toHaveCount(1)
  await page.getByRole('button', { name: 'Paste as text' }).click()
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue(text)
  await expect(chips(page)).toHaveCount(0)
})

test('files that are dropped on the chat are attached, what is no text is refused, and a GGUF goes to the library', async ({
  app,
  page,
  folder,
}) => {
  const picture = path.join(folder, 'cat.png')
  const code = path.join(folder, 'main.rs')
  await writeFile(picture, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]))
  await writeFile(code, 'fn main() {}\n')
  const model = await writeModel(path.join(folder, 'desk.gguf'), 'Desk Guide')
  await app.drop([picture, code, model], { x: 500, y: 300 })
  await expect(chips(page)).toHaveCount(1)
  await expect(chips(page)).toContainText('main.rs')
  await expect(page.getByText('Cannot attach "cat.png": it is a PNG picture')).toBeVisible()
  await page.getByRole('button', { name: 'Dismiss' }).click()
  await page.getByRole('button', { name: 'All models' }).click()
  await expect(page.getByRole('option', { name: /Desk|desk/ })).toBeVisible()
})
