// Takes pictures of every screen of the running app with the demo models, into docs/screenshots/:
// `npm run build && node scripts/screenshots.ts`, or only some of them: `node scripts/screenshots.ts chat phone`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Page } from '@playwright/test'
import { writeLongModel } from '../e2e/model-files.ts'
import { act, ask, block, chooseModel, expectResidents } from '../e2e/screen.ts'
import { rootFolder } from './build.ts'
import { findOrInstallChromium } from './chromium.ts'

const sizes = {
  desktop: { width: 1440, height: 900 },
  small: { width: 1024, height: 700 },
  phone: { width: 390, height: 844 },
} as const

/** One screen: its name, where and how it is seen, and how to get there from the open conversation. */
type Scene = {
  readonly name: string
  readonly schemes: readonly ('dark' | 'light')[]
  readonly size?: keyof typeof sizes
  readonly show: (page: Page) => Promise<void>
}

const scenes: readonly Scene[] = [
  { name: 'chat', schemes: ['dark', 'light'], show: async () => undefined },
  { name: 'chat-small', size: 'small', schemes: ['dark', 'light'], show: async () => undefined },
  {
    name: 'welcome',
    schemes: ['light'],
    show: (page) =>
      page
        .getByRole('button', { name: /^New conversation/ })
        .first()
        .click(),
  },
  { name: 'tour', schemes: ['dark'], show: (page) => command(page, 'Show the tour') },
  {
    name: 'palette',
    schemes: ['dark'],
    show: async (page) => {
      await page.keyboard.press('Control+K')
      await page.keyboard.type('co')
    },
  },
  { name: 'shortcuts', schemes: ['light'], show: (page) => page.keyboard.press('Control+/') },
  { name: 'pool-table', schemes: ['dark'], show: (page) => command(page, 'Show the pool as a table') },
  {
    name: 'block-menu',
    schemes: ['dark'],
    show: (page) => block(page, 'Coder').click(),
  },
  { name: 'resident-details', schemes: ['light'], show: (page) => act(page, 'Guide', 'Details') },
  { name: 'activity', schemes: ['dark'], show: (page) => command(page, 'Show all activity of the pool') },
  {
    name: 'model-menu',
    schemes: ['light'],
    show: (page) => page.keyboard.press('Control+m'),
  },
  {
    name: 'preview',
    schemes: ['dark', 'light'],
    show: async (page) => {
      await command(page, 'Ask Long Talk next')
      await page.getByRole('article', { name: 'Long Talk' }).getByText(/leave/).first().waitFor()
    },
  },
  { name: 'library', schemes: ['dark', 'light'], show: (page) => command(page, 'Open the library') },
  {
    name: 'load-settings',
    schemes: ['dark'],
    show: async (page) => {
      await command(page, 'Load settings of Coder')
      await page.getByRole('dialog').getByText('Nobody has to leave').waitFor()
    },
  },
  { name: 'settings', schemes: ['dark', 'light'], show: (page) => page.keyboard.press('Control+,') },
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

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-screenshots-'))
const pictures = path.join(rootFolder, 'docs', 'screenshots')
const wanted = process.argv.slice(2)
const host = spawn(
  process.execPath,
  [
    path.join(rootFolder, 'out', 'main', 'headless.js'),
    ...['--port', '0', '--token', 'none', '--data-dir', path.join(folder, 'data')],
    ...['--pool-size', '338MB', '--reserve', '64MB'],
  ],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    // A home of its own: no models of other apps of whoever runs this.
    env: { ...process.env, HOME: folder, PLENUM_THREADS: '1', PLENUM_DEVICE: 'cpu' },
  },
)
try {
  const executablePath = findOrInstallChromium()
  if (executablePath === null) throw new Error('There is no Chromium to take pictures with')
  const browser = await chromium.launch({
    executablePath,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  const page = await browser.newPage({ viewport: sizes.desktop, reducedMotion: 'reduce' })
  const address = await readyAddress()
  await page.goto(address)
  await page.getByRole('button', { name: 'Skip the tour' }).click()
  await addModel(address)
  await expectResidents(page, ['Guide', 'Coder', 'Judge'])
  const conversation = await converse(page)
  mkdirSync(pictures, { recursive: true })
  for (const { name, schemes, size = 'desktop', show } of scenes) {
    if (wanted.length > 0 && !wanted.some((start) => name.startsWith(start))) continue
    await page.setViewportSize(sizes[size])
    await page.goto(conversation)
    // Each picture begins with the pool as it is by itself.
    await page.evaluate(() => localStorage.removeItem('plenum.pool.view'))
    await page.reload()
    await page
      .getByRole('article', { name: /^Answer by/ })
      .last()
      .waitFor()
    await page.getByRole('textbox', { name: 'Message', exact: true }).blur()
    await show(page)
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme })
      await settle(page)
      await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`) })
    }
  }
  await browser.close()
} finally {
  host.kill('SIGTERM')
  await once(host, 'exit')
  rmSync(folder, { recursive: true, force: true })
}

async function readyAddress(): Promise<string> {
  for await (const line of createInterface({ input: host.stdout })) {
    const url = /^Plenum is ready at (\S+)$/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('The host ended before it was ready')
}

/** A model for which somebody has to leave. */
async function addModel(address: string): Promise<void> {
  const response = await fetch(new URL('/api/models', address), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: writeLongModel(path.join(folder, 'long-talk.gguf'), 'Long Talk') }),
  })
  if (!response.ok) throw new Error(`The host does not take the model: ${await response.text()}`)
}

/** Some conversations, the last of which changes hands, as the README tells it; the address of that one. */
async function converse(page: Page): Promise<string> {
  const conversations = [
    [['Coder', 'Write a function that adds two numbers.']],
    [['Guide', 'What is unified memory?']],
    [['Judge', 'Is this about code: reverse a string']],
    [
      ['Guide', 'My name is Nora.'],
      ['Coder', 'Write a function that reverses a string.'],
      ['Coder', 'What is my name?'],
      ['Guide', 'What is a KV cache?'],
    ],
  ] as const
  for (const turns of conversations) {
    await page.keyboard.press('Control+Shift+O')
    for (const [model, text] of turns) {
      await chooseModel(page, model)
      await ask(page, text, model)
    }
  }
  return page.url()
}

/** Runs a command by its name. */
async function command(page: Page, title: string): Promise<void> {
  await page.keyboard.press('Control+K')
  await page.keyboard.type(title)
  await page.getByRole('option', { name: new RegExp(`^${title}`), selected: true }).waitFor()
  await page.keyboard.press('Enter')
}

/** Fonts are there, and the page has been drawn twice since the last change. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined)))
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  })
}
