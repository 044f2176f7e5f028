import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from './app.ts'
import { violations } from './axe.ts'
import { demoNames } from './model-files.ts'
import { conversationFile, recordedAnswer, type RecordedTalk } from './recorded.ts'
import { ask, bringIn, chooseModel, expectResidents, processIdOf, send, showModels } from './screen.ts'

test.beforeEach(async ({ page }) => {
  // What moves is measured at a chance moment of its way.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await showModels(page)
  await expectResidents(page, demoNames)
})

const problem = {
  code: 'MODEL_CRASHED',
  message: 'The process of "Recorded 3B" ended while it answered',
  details: { help: 'Send it again to load it anew' },
} as const

async function recordedTalks(): Promise<readonly RecordedTalk[]> {
  const by = 'Recorded 70B'
  const answers = [
    { by, text: 'One of **four** answers.' },
    { by: 'Recorded 3B', modelId: 'small', text: 'Cut in the', problem },
    { by: 'Recorded 8B', modelId: 'middle', text: 'Another.' },
    { by: 'Recorded 120B', modelId: 'large', text: 'And one more.' },
  ]
  return [
    {
      title: 'Rendering',
      turns: await Promise.all(
        (['explanation', 'code', 'thinking'] as const).map(async (name) => ({
          text: `Show the ${name}`,
          answers: [{ by, text: await recordedAnswer(name) }],
        })),
      ),
    },
    { title: 'Two at once', turns: [{ text: 'Compare', answers: answers.slice(0, 2) }] },
    { title: 'Four at once', turns: [{ text: 'Compare', answers }] },
  ]
}

const row = (page: Page, title: string) =>
  page.getByRole('navigation', { name: 'Conversations' }).getByRole('button', { name: title, exact: true })

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing in answers of all kinds, ${colorScheme}`, async ({ app, page }) => {
    test.slow()
    await page.emulateMedia({ colorScheme })
    const found = new Map<string, readonly string[]>()
    const look = async (at: string) => found.set(at, await violations(page))
    const file = path.join(app.dataFolder, 'recorded.json')
    await writeFile(file, JSON.stringify(conversationFile('recorded', await recordedTalks())))
    const imported = await bringIn(app, file)
    await expect(imported).toContainText('3 conversations with 5 turns came in')
    await look('import result')
    await imported.getByRole('button', { name: 'Close', exact: true }).last().click()

    await row(page, 'Rendering').click()
    await page.getByText('Thought for 12 s').click()
    await expect(page.getByText('check with a small case')).toBeVisible()
    await look('thought unfolded')
    await page.getByRole('group', { name: 'Code, ts' }).locator('span[class*=keyword]').first().waitFor()
    await page.getByRole('group', { name: 'Code, ts' }).scrollIntoViewIfNeeded()
    await look('code')
    await page.getByRole('cell', { name: 'both, sometimes' }).scrollIntoViewIfNeeded()
    await expect(page.locator('math').first()).toBeAttached()
    await look('table and formulas')
    await page.getByRole('link', { name: 'documentation' }).click()
    await expect(page.getByRole('dialog', { name: 'Open this link?' })).toBeVisible()
    await look('link preview')
    await page.keyboard.press('Escape')

    for (const [title, count] of [
      ['Two at once', 2],
      ['Four at once', 4],
    ] as const) {
      await row(page, title).click()
      const columns = page.getByRole('group', { name: `Answers of ${String(count)} models` })
      await expect(columns.getByRole('article')).toHaveCount(count)
      await look(`${title}, one failed`)
    }
    await page.setViewportSize({ width: 390, height: 844 })
    await look('answers of four models on a phone')
    await page.setViewportSize({ width: 1280, height: 840 })

    await row(page, 'Two at once').click({ modifiers: ['Control'] })
    await row(page, 'Rendering').click({ modifiers: ['Control'] })
    await expect(page.getByRole('group', { name: 'Selected conversations' })).toContainText('3 selected')
    await look('several conversations selected')
    await page.keyboard.press('Delete')
    await expect(page.getByRole('status', { name: 'Done' })).toContainText('Deleted 3 conversations')
    await look('undo of a deletion')
    expect(Object.fromEntries([...found].filter(([, rules]) => rules.length > 0))).toEqual({})
  })

  test(`axe finds nothing in what goes before an answer, while it runs and in its versions, ${colorScheme}`, async ({
    page,
  }) => {
    test.slow()
    await page.emulateMedia({ colorScheme })
    const found = new Map<string, readonly string[]>()
    const look = async (at: string) => found.set(at, await violations(page))
    const box = page.getByRole('textbox', { name: 'Message', exact: true })
    await chooseModel(page, 'Guide')
    await box.pressSequentially('Hello @')
    await expect(page.getByRole('listbox', { name: 'Models to ask' }).getByRole('option')).toHaveCount(4)
    await look('list of models to name')
    await box.fill('')

    await page.keyboard.press('Control+i')
    const asking = page.getByRole('dialog', { name: 'Instructions and sampling' })
    await asking.getByRole('textbox', { name: 'Instructions' }).fill('You help people who use this app.')
    await asking.getByRole('textbox', { name: 'Name of a new preset' }).fill('Helper')
    await page.keyboard.press('Enter')
    await expect(asking.getByRole('button', { name: 'Apply Helper' })).toBeVisible()
    await asking.getByRole('textbox', { name: 'JSON schema for answers' }).fill('{"type": 5}')
    await expect(asking.getByRole('alert')).toBeVisible()
    await look('instructions, presets and a wrong schema')
    await asking.getByRole('textbox', { name: 'JSON schema for answers' }).fill('')
    await page.keyboard.press('Tab')
    await asking.getByRole('button', { name: 'Close' }).click()

    const folder = await mkdtemp(path.join(tmpdir(), 'plenum-axe-'))
    const notes = path.join(folder, 'notes.txt')
    await writeFile(notes, 'The size is 7.')
    await page.getByLabel('Files to attach').setInputFiles([notes])
    const chips = page.getByRole('form', { name: 'Message' }).getByRole('list', { name: 'Attachments' })
    await expect(chips.getByRole('listitem')).toContainText('% of the context')
    await look('attachment before sending')
    await rm(folder, { recursive: true })
    await ask(page, 'My name is Nora.', 'Guide')
    await page
      .getByRole('list', { name: 'Attachments of this message' })
      .getByRole('button', { name: /notes\.txt/ })
      .click()
    await expect(page.getByRole('region', { name: 'Text of notes.txt' })).toHaveText('The size is 7.')
    await look('text of an attachment')
    await page.keyboard.press('Escape')

    await box.focus()
    await page.keyboard.press('ArrowUp')
    const field = page.getByRole('textbox', { name: 'Edit your message' })
    await expect(field).toBeFocused()
    await look('message being edited')
    await field.fill('My name is Ada.')
    await page.keyboard.press('Control+Enter')
    await expect(page.getByRole('group', { name: 'Versions of the message' })).toHaveText('2 / 2')
    await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveAttribute('aria-busy', 'false')
    await page.keyboard.press('Alt+r')
    await expect(page.getByRole('group', { name: 'Versions of the answer' })).toHaveText('2 / 2')
    await expect(page.getByRole('article', { name: 'Answer by Guide' })).toHaveAttribute('aria-busy', 'false')
    await look('versions')

    // A process that stands still keeps its column running.
    const judge = await processIdOf(page, 'Judge')
    await box.focus()
    await page.keyboard.press('Alt+0')
    for (const name of ['Coder', 'Judge'])
      await page.getByRole('group', { name: 'Models for this turn' }).getByText(name, { exact: true }).click()
    await expect(page.getByRole('form', { name: 'Message' })).toContainText('All 3 are resident')
    await look('several models chosen')
    process.kill(judge, 'SIGSTOP')
    try {
      await send(page, 'Is this about code: reverse a string')
      const columns = page.getByRole('group', { name: 'Answers of 3 models' })
      await expect(columns.getByRole('button', { name: /^Keep this answer/ })).toHaveCount(2)
      await expect(columns.getByRole('button', { name: 'Stop this one, by Judge' })).toBeVisible()
      await look('three answers, one running')
    } finally {
      process.kill(judge, 'SIGCONT')
    }
    expect(Object.fromEntries([...found].filter(([, rules]) => rules.length > 0))).toEqual({})
  })
}
