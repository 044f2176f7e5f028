import type { Locator, Page } from '@playwright/test'
import { act, ask, block } from '../e2e/screen.ts'

/** Windows of these sizes, in pixels. */
export const sizes = {
  desktop: { width: 1440, height: 900 },
  small: { width: 1024, height: 700 },
  phone: { width: 390, height: 844 },
} as const

/** The conversations that are shown. */
export type Place = 'chat' | 'columns' | 'versions' | 'rendering' | 'auto' | 'verified'

/** One screen: its name, where and how it is seen, and how to get there from the open conversation. */
export type Scene = {
  readonly name: string
  /** The conversation that is open; default `chat`. */
  readonly of?: Place
  readonly schemes: readonly ('dark' | 'light')[]
  readonly size?: keyof typeof sizes
  readonly show: (page: Page) => Promise<void>
}

/** Every picture that is taken, in this order. */
export const scenes: readonly Scene[] = [
  { name: 'chat', schemes: ['dark', 'light'], show: async () => undefined },
  { name: 'chat-small', size: 'small', schemes: ['dark'], show: async () => undefined },
  { name: 'columns', of: 'columns', schemes: ['dark'], show: chooseAll },
  { name: 'columns-small', of: 'columns', size: 'small', schemes: ['light'], show: async () => undefined },
  { name: 'auto', of: 'auto', schemes: ['light'], show: async () => undefined },
  {
    name: 'auto-folded-out',
    of: 'auto',
    schemes: ['dark'],
    show: (page) =>
      lastAnswer(page)
        .getByText(/^Auto chose/)
        .click(),
  },
  {
    name: 'verified',
    of: 'verified',
    schemes: ['light'],
    show: async (page) => {
      await page.getByRole('button', { name: 'Show what changed' }).click()
      await page.getByRole('region', { name: 'What changed' }).waitFor()
    },
  },
  {
    name: 'rendering',
    of: 'rendering',
    schemes: ['light'],
    show: async (page) => {
      await page.locator('math').first().waitFor({ state: 'attached' })
      await page
        .getByRole('group', { name: /^Code/ })
        .first()
        .locator('span[class*=keyword]')
        .first()
        .waitFor()
    },
  },
  {
    name: 'versions',
    of: 'versions',
    schemes: ['dark'],
    show: async (page) => {
      await page.keyboard.press('Control+Shift+E')
      await page
        .getByRole('textbox', { name: 'Edit your message' })
        .fill('What is my name, and where do I live?')
    },
  },
  {
    name: 'search',
    schemes: ['dark'],
    show: async (page) => {
      await page.keyboard.press('Control+Shift+F')
      await page.keyboard.type('function')
      const hits = page.getByRole('navigation', { name: 'Conversations' }).locator('[data-hit]')
      await hits.filter({ hasText: 'Here is a function that reverses' }).first().click()
      await page.getByRole('search', { name: 'Find in this conversation' }).getByText(/ of /).waitFor()
    },
  },
  {
    name: 'instructions',
    schemes: ['dark'],
    show: async (page) => {
      await startNew(page)
      await page.keyboard.press('Control+i')
      const dialog = page.getByRole('dialog', { name: 'Instructions and sampling' })
      await dialog
        .getByRole('textbox', { name: 'Instructions' })
        .fill('You answer in two sentences at most, and say so when you do not know.')
      await dialog.getByRole('textbox', { name: 'Temperature' }).fill('0.3')
      await dialog.getByRole('textbox', { name: 'Name of a new preset' }).fill('Brief and honest')
      await page.keyboard.press('Enter')
      await dialog.getByRole('button', { name: 'Apply Brief and honest' }).waitFor()
    },
  },
  {
    name: 'attachments',
    schemes: ['light'],
    show: async (page) => {
      await startNew(page)
      await page.getByLabel('Files to attach').setInputFiles([
        {
          name: 'reverse.ts',
          mimeType: 'text/plain',
          buffer: Buffer.from('const reverse = (text: string) =>\n  [...text].reverse().join("")\n'),
        },
        {
          name: 'meeting notes.txt',
          mimeType: 'text/plain',
          buffer: Buffer.from('We spoke about the size of the pool.\n'.repeat(400)),
        },
      ])
      await page.getByRole('textbox', { name: 'Message', exact: true }).fill('What do these say?')
      await page.getByRole('button', { name: 'Cut to what fits' }).waitFor()
    },
  },
  {
    name: 'welcome',
    schemes: ['light'],
    show: (page) =>
      page
        .getByRole('button', { name: /^New conversation/ })
        .first()
        .click(),
  },
  { name: 'tour', size: 'small', schemes: ['dark'], show: (page) => command(page, 'Show the tour') },
  {
    name: 'palette',
    size: 'small',
    schemes: ['dark'],
    show: async (page) => {
      await page.keyboard.press('Control+K')
      await page.keyboard.type('co')
    },
  },
  { name: 'shortcuts', size: 'small', schemes: ['light'], show: (page) => page.keyboard.press('Control+/') },
  { name: 'pool-table', schemes: ['dark'], show: (page) => command(page, 'Show the pool as a table') },
  {
    name: 'block-menu',
    schemes: ['dark'],
    show: (page) => block(page, 'Coder').click(),
  },
  {
    name: 'resident-details',
    size: 'small',
    schemes: ['light'],
    show: (page) => act(page, 'Guide', 'Details'),
  },
  {
    name: 'activity',
    size: 'small',
    schemes: ['dark'],
    show: (page) => command(page, 'Show all activity of the pool'),
  },
  {
    name: 'model-menu',
    schemes: ['light'],
    show: (page) => page.keyboard.press('Control+m'),
  },
  {
    name: 'preview',
    schemes: ['light'],
    show: async (page) => {
      await command(page, 'Ask Long Talk next')
      await page.getByRole('article', { name: 'Long Talk' }).getByText(/leave/).first().waitFor()
    },
  },
  { name: 'library', schemes: ['light'], show: (page) => command(page, 'Open the library') },
  {
    name: 'roles',
    schemes: ['dark'],
    show: async (page) => {
      await command(page, 'Open the library')
      await page.getByRole('dialog', { name: 'Library' }).getByText('Guide', { exact: true }).first().click()
      await page.getByText('Role for Auto').click()
    },
  },
  {
    name: 'load-settings',
    size: 'small',
    schemes: ['dark'],
    show: async (page) => {
      await command(page, 'Load settings of Coder')
      await page.getByRole('dialog').getByText('Nobody has to leave').waitFor()
    },
  },
  { name: 'settings', size: 'small', schemes: ['dark'], show: (page) => page.keyboard.press('Control+,') },
  { name: 'phone', size: 'phone', schemes: ['dark'], show: async () => undefined },
  {
    name: 'phone-pool',
    size: 'phone',
    schemes: ['light'],
    show: (page) => page.getByRole('button', { name: 'Memory pool' }).click(),
  },
  {
    name: 'phone-conversations',
    size: 'phone',
    schemes: ['dark'],
    show: (page) => page.getByRole('button', { name: 'Conversations' }).click(),
  },
]

/** Shows an empty page for a new conversation. */
export async function startNew(page: Page): Promise<void> {
  await page.keyboard.press('Control+Shift+O')
  await page.getByRole('heading', { name: 'New conversation' }).waitFor({ state: 'attached' })
}

/** Has all three demo models take the next turn. */
export async function chooseAll(page: Page): Promise<void> {
  await page.keyboard.press('Alt+0')
  const chips = page.getByRole('group', { name: 'Models for this turn' })
  for (const name of ['Guide', 'Coder', 'Judge']) {
    const chip = chips.getByRole('checkbox', { name })
    if (!(await chip.isChecked())) await chips.getByText(name, { exact: true }).click()
  }
  await page.getByText('All 3 are resident').waitFor()
}

/** Runs a command by its name. */
async function command(page: Page, title: string): Promise<void> {
  await page.keyboard.press('Control+K')
  await page.keyboard.type(title)
  await page.getByRole('option', { name: new RegExp(`^${title}`), selected: true }).waitFor()
  await page.keyboard.press('Enter')
}

/** A conversation in which Auto finds who answers; its address. */
export async function converseWithAuto(page: Page): Promise<string> {
  await startNew(page)
  await page.keyboard.press('Alt+A')
  await ask(page, 'Write a function that adds two numbers.', 'Coder')
  await ask(page, 'What is a KV cache?', 'Guide')
  return page.url()
}

/** A conversation with an answer that has failed its check, and its repair; its address. */
export async function converseWithCheck(page: Page): Promise<string> {
  await startNew(page)
  await page.getByRole('group', { name: 'Model for this turn' }).getByText('Guide', { exact: true }).click()
  await ask(page, 'Hello', 'Guide')
  await page.getByRole('article', { name: 'Answer by Guide' }).hover()
  await page.getByRole('button', { name: 'Actions for the answer by Guide' }).click()
  await page.getByRole('menuitem', { name: 'Edit answer' }).click()
  await page.getByRole('textbox', { name: 'Edit the answer' }).fill('4 times 5 is 20.')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('article', { name: 'Answer by Guide' }).getByText('4 times 5 is 20.').waitFor()
  await page.keyboard.press('Alt+C')
  const repair = lastAnswer(page)
  await repair.getByText(/^Repairs the answer before/).waitFor()
  await repair.getByText(/^Checked by Judge/).waitFor()
  return page.url()
}

// What is read out stands elsewhere on the page, in the same words.
function lastAnswer(page: Page): Locator {
  return page.getByRole('article', { name: /^Answer by/ }).last()
}
