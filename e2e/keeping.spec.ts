import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { expect, test, type PlenumApp } from './app.ts'
import { conversationFile } from './recorded.ts'
import { bringIn } from './screen.ts'

/** The conversations side of the window. */
const list = (page: Page) => page.getByRole('navigation', { name: 'Conversations' })
const row = (page: Page, title: string): Locator =>
  list(page).getByRole('button', { name: title, exact: true })
const rows = (page: Page): Locator => list(page).locator('[data-row]')

async function choose(page: Page, title: string, action: string): Promise<void> {
  await list(page)
    .getByRole('button', { name: `Actions for ${title}`, exact: true })
    .click()
  // Behind its name may be the key that does the same.
  await page.getByRole('menuitem', { name: new RegExp(`^${action}( |$)`) }).click()
}

type Talk = { readonly title: string; readonly text?: string; readonly answer?: string }

/** A file of conversations as Plenum exports it. */
async function fileOf(app: PlenumApp, talks: readonly Talk[], name = 'talks.json'): Promise<string> {
  const recorded = talks.map(({ title, text = 'Question', answer = 'Reply' }) => ({
    title,
    turns: [{ text, answers: [{ by: 'Model', text: answer }] }],
  }))
  const file = path.join(app.dataFolder, name)
  await writeFile(file, JSON.stringify(conversationFile('talk', recorded)))
  return file
}

async function seed(app: PlenumApp, titles: readonly string[]): Promise<void> {
  const dialog = await bringIn(
    app,
    await fileOf(
      app,
      titles.map((title) => ({ title })),
    ),
  )
  await expect(dialog.getByText('came in')).toBeVisible({ timeout: 40_000 })
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
}

test('a deleted conversation comes back at a press, and by Ctrl+Z in the list', async ({ app, page }) => {
  await seed(app, ['Apples', 'Pears', 'Plums'])
  await row(page, 'Pears').click()
  await expect(page.getByText('Reply')).toBeVisible()
  await choose(page, 'Pears', 'Delete')
  await expect(row(page, 'Pears')).toBeHidden()
  await expect(page.getByText('Reply')).toBeHidden()
  const done = page.getByRole('status', { name: 'Done' })
  await expect(done).toContainText('Deleted “Pears”')
  await done.getByRole('button', { name: 'Undo' }).click()
  await expect(row(page, 'Pears')).toBeVisible()
  await expect(page.getByText('Reply')).toBeVisible()
  await expect(done).not.toContainText('Pears')

  await row(page, 'Apples').focus()
  await page.keyboard.press('Delete')
  await expect(row(page, 'Apples')).toBeHidden()
  await expect(row(page, 'Pears')).toBeFocused()
  await page.keyboard.press('Control+z')
  await expect(row(page, 'Apples')).toBeVisible()

  // A start of the app later it is gone for good.
  await page.keyboard.press('Delete')
  await expect(row(page, 'Pears')).toBeHidden()
  await app.restart()
  await expect(row(app.page, 'Apples')).toBeVisible()
  await expect(row(app.page, 'Pears')).toBeHidden()
})

test('several are chosen and deleted at once, and come back at once', async ({ app, page }) => {
  await seed(app, ['A', 'B', 'C', 'D', 'E'])
  await row(page, 'A').focus()
  await row(page, 'B').click({ modifiers: ['Control'] })
  await row(page, 'D').click({ modifiers: ['Shift'] })
  const bar = list(page).getByRole('group', { name: 'Selected conversations' })
  await expect(bar).toContainText('3 selected')
  await row(page, 'C').click({ modifiers: ['Control'] })
  await expect(bar).toContainText('2 selected')
  await expect(row(page, 'C')).toHaveAttribute('aria-pressed', 'false')
  await bar.getByRole('button', { name: 'Delete' }).click()
  await expect(rows(page)).toHaveText(['A', 'C', 'E'])
  await page.getByRole('status', { name: 'Done' }).getByRole('button', { name: 'Undo' }).click()
  await expect(rows(page)).toHaveText(['A', 'B', 'C', 'D', 'E'])

  await row(page, 'B').focus()
  await page.keyboard.press('Shift+ArrowDown')
  await expect(bar).toContainText('2 selected')
  await page.keyboard.press('Escape')
  await expect(bar).not.toContainText('selected')
  await page.keyboard.press('Control+a')
  await expect(bar).toContainText('5 selected')
  await page.keyboard.press('Delete')
  await expect(rows(page)).toHaveCount(0)
  await expect(page.getByRole('status', { name: 'Done' })).toContainText('Deleted 5 conversations')
})

test('conversations are pinned on top, and archived out of the list', async ({ app, page }) => {
  await seed(app, ['A', 'B', 'C'])
  await choose(page, 'C', 'Pin')
  await expect(rows(page)).toHaveText(['C', 'A', 'B'])
  await expect(list(page).getByRole('region', { name: 'Pinned' }).locator('[data-row]')).toHaveText(['C'])
  await choose(page, 'A', 'Archive')
  await expect(rows(page)).toHaveText(['C', 'B'])
  await list(page).getByRole('button', { name: 'Archived 1' }).click()
  await expect(rows(page)).toHaveText(['A'])
  await choose(page, 'A', 'Move back to the list')
  await expect(rows(page)).toHaveText(['C', 'A', 'B'])
  // A right click opens the same menu, and it stays when the button is let go.
  await row(page, 'C').click({ button: 'right' })
  await page.getByRole('menuitem', { name: 'Unpin' }).click()
  await expect(rows(page)).toHaveText(['A', 'B', 'C'])
})

/** Says where to save in the system's own dialog, as its user would, and reads what is there then. */
async function saveByDialog(
  app: PlenumApp,
  press: () => Promise<void>,
): Promise<{ readonly name: string; readonly text: string }> {
  const folder = await mkdtemp(path.join(app.dataFolder, 'saved-'))
  await app.electron.evaluate(({ dialog }, to) => {
    // Called with the window, which the types of its other form do not have.
    const choose = async (_: unknown, { defaultPath }: { readonly defaultPath?: string }) => ({
      canceled: false,
      filePath: `${to}/${defaultPath?.split(/[\\/]/).at(-1) ?? ''}`,
    })
    Object.assign(dialog, { showSaveDialog: choose })
  }, folder)
  await press()
  await expect.poll(() => readdir(folder)).toHaveLength(1)
  const [name = ''] = await readdir(folder)
  const file = path.join(folder, name)
  // It is there before it is whole.
  await expect.poll(() => readFile(file, 'utf8')).toMatch(/\S\s*$/)
  return { name, text: await readFile(file, 'utf8') }
}

test('what is exported is a file that comes in again', async ({ app, page }) => {
  await seed(app, ['Apples: red/green', 'Pears'])
  const save = async (press: () => Promise<void>) => {
    if (app.kind === 'desktop') return saveByDialog(app, press)
    const [download] = await Promise.all([page.waitForEvent('download'), press()])
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') }
  }
  const markdown = await save(() => choose(page, 'Apples: red/green', 'Export as Markdown'))
  expect(markdown.name).toBe('Apples red green.md')
  expect(markdown.text).toContain('# Apples: red/green')
  expect(markdown.text).toContain('## You\n\nQuestion\n\n## Model\n\nReply')
  const all = await save(async () => {
    await list(page).getByRole('button', { name: 'All conversations' }).click()
    await page.getByRole('menuitem', { name: 'Export all' }).click()
  })
  const one = await save(() => choose(page, 'Pears', 'Export as JSON'))
  expect(JSON.parse(one.text)).toMatchObject({ conversations: [{ title: 'Pears' }] })

  const file = path.join(app.dataFolder, 'all.json')
  await writeFile(file, all.text)
  const again = await bringIn(app, file)
  await expect(again).toContainText('2 conversations are here already')
  await again.getByRole('button', { name: 'Close', exact: true }).last().click()
  await rows(page).first().focus()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await expect(rows(page)).toHaveCount(0)
  // Deleted ones still have their ids: these come in beside them.
  const back = await bringIn(app, file)
  await expect(back).toContainText('2 conversations with 2 turns came in')
  await back.getByRole('button', { name: 'Take it back' }).click()
  await expect(rows(page)).toHaveCount(0)
})

test('chats of Open WebUI come in, and a file that is none says what is wrong', async ({ app, page }) => {
  const file = path.join(app.dataFolder, 'chats.json')
  const message = (id: string, parentId: string | null, role: string, content: string, more = {}) => ({
    [id]: { id, parentId, childrenIds: [], role, content, timestamp: 1_700_000_000, ...more },
  })
  const chats = [
    {
      title: 'From elsewhere',
      chat: {
        history: {
          currentId: 'a',
          messages: {
            ...message('u', null, 'user', 'What is it?', { files: [{ type: 'image' }] }),
            ...message('a', 'u', 'assistant', 'An answer of **another** app', { model: 'llama3:8b' }),
          },
        },
      },
    },
    { title: 'Empty one', chat: { history: { messages: {} } } },
  ]
  await writeFile(file, JSON.stringify(chats))
  const dialog = await bringIn(app, file)
  await expect(dialog).toContainText('1 conversation with 1 turn came in from Open WebUI')
  await expect(dialog).toContainText('1 attached file or image')
  await expect(dialog).toContainText('Empty one: It has no messages')
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
  await row(page, 'From elsewhere').click()
  await expect(page.getByRole('article', { name: 'Answer by llama3:8b' })).toContainText('another')

  await writeFile(
    file,
    JSON.stringify({ format: 'plenum-conversations', version: 1, exportedAt: 0, conversations: [{ id: 5 }] }),
  )
  const refused = await bringIn(app, file)
  await expect(refused.getByRole('alert')).toContainText(
    'Cannot import "chats.json": conversations[0].id: Invalid input',
  )
})

test('a list of thousands stays quick to move in, and only what is seen is drawn', async ({ app, page }) => {
  const titles = Array.from({ length: 2000 }, (_, at) => `Talk ${String(at)}`)
  await seed(app, titles)
  await row(page, 'Talk 0').focus()
  await page.keyboard.press('End')
  await expect(row(page, 'Talk 1999')).toBeFocused()
  expect(await rows(page).count()).toBeLessThan(120)
  await page.keyboard.press('ArrowUp')
  await expect(row(page, 'Talk 1998')).toBeFocused()
  await page.keyboard.press('Home')
  await expect(row(page, 'Talk 0')).toBeFocused()
})
