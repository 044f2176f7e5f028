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
import { conversationFile, recordedAnswer } from '../e2e/recorded.ts'
import { ask, block, send } from '../e2e/screen.ts'
import { rootFolder } from './build.ts'
import { findOrInstallChromium } from './chromium.ts'
import {
  chooseAll,
  converseWithAuto,
  converseWithCheck,
  scenes,
  sizes,
  startNew,
  type Place,
} from './scenes.ts'

/** How long a busy machine may take for what usually takes a second or two. */
const patienceMs = 120_000

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
  // What waits for a pointer to come is there on a phone.
  const phone = await browser.newPage({
    ...{ viewport: sizes.phone, reducedMotion: 'reduce', hasTouch: true, isMobile: true },
  })
  const address = await readyAddress()
  await page.goto(address)
  await page.getByRole('button', { name: 'Skip the tour' }).click()
  await addModel(address)
  for (const name of ['Guide', 'Coder', 'Judge'])
    await block(page, name, 'Ready').waitFor({ timeout: patienceMs })
  const places = { ...(await converse(page)), rendering: await bringInRecorded(page, address) }
  mkdirSync(pictures, { recursive: true })
  for (const { name, of = 'chat', schemes, size = 'desktop', show } of scenes) {
    if (wanted.length > 0 && !wanted.some((start) => name.startsWith(start))) continue
    const window = size === 'phone' ? phone : page
    await window.setViewportSize(sizes[size])
    await window.goto(places[of])
    // Each picture begins with the pool as it is by itself.
    await window.evaluate(() => localStorage.removeItem('plenum.pool.view'))
    await window.reload()
    await window
      .getByRole('article', { name: /^Answer by/ })
      .last()
      .waitFor()
    await window.getByRole('textbox', { name: 'Message', exact: true }).blur()
    await show(window)
    for (const colorScheme of schemes) {
      await window.emulateMedia({ colorScheme })
      await settle(window)
      await window.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`) })
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

/** Some conversations, the last of which changes hands, as the README tells it; the addresses of those that are shown. */
async function converse(page: Page): Promise<Record<Exclude<Place, 'rendering'>, string>> {
  const columns = await askAll(page)
  const versions = await askAnew(page)
  const auto = await converseWithAuto(page)
  const verified = await converseWithCheck(page)
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
      const chips = page.getByRole('group', { name: 'Model for this turn' })
      await chips.getByText(model, { exact: true }).click()
      const answers = page.locator('article[aria-busy="false"]').getByText('to first token')
      const before = await answers.count()
      await send(page, text)
      await answers.nth(before).waitFor({ timeout: patienceMs })
    }
  }
  return { chat: page.url(), columns, versions, auto, verified }
}

/** A turn that all models answer at once; its address. */
async function askAll(page: Page): Promise<string> {
  await startNew(page)
  await chooseAll(page)
  await send(page, 'Write a function that reverses a string.')
  const columns = page.getByRole('group', { name: 'Answers of 3 models' })
  await columns
    .getByRole('button', { name: /^Keep this answer/ })
    .nth(2)
    .waitFor({ timeout: patienceMs })
  await page.keyboard.press('Alt+0')
  return page.url()
}

/** A conversation with versions of a message and of an answer; its address. */
async function askAnew(page: Page): Promise<string> {
  await startNew(page)
  await page.getByRole('group', { name: 'Model for this turn' }).getByText('Guide', { exact: true }).click()
  await ask(page, 'My name is Nora.', 'Guide')
  await page.keyboard.press('Control+Shift+E')
  await page.getByRole('textbox', { name: 'Edit your message' }).fill('My name is Ada.')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('group', { name: 'Versions of the message' }).waitFor()
  await page
    .locator('article[aria-busy="false"]')
    .getByText('to first token')
    .waitFor({ timeout: patienceMs })
  await page.keyboard.press('Alt+r')
  await page.getByRole('group', { name: 'Versions of the answer' }).waitFor()
  await page
    .locator('article[aria-busy="false"]')
    .getByText('to first token')
    .waitFor({ timeout: patienceMs })
  await ask(page, 'What is my name?', 'Guide')
  return page.url()
}

/** What only a large model writes, brought in as a file; its address. */
async function bringInRecorded(page: Page, address: string): Promise<string> {
  const [thinking = '', explanation = '', code = ''] = await Promise.all(
    (['thinking', 'explanation', 'code'] as const).map((name) => recordedAnswer(name)),
  )
  // Something of everything, short enough for one picture.
  const table = /(?:^\|.*\n)+/m.exec(explanation)?.[0] ?? ''
  const block = /^ *```sql[^]*?```/m.exec(code)?.[0].replaceAll(/^ +/gm, '') ?? ''
  const text = [thinking.replace('Does that help?', '').trim(), table, block].join('\n\n')
  const turns = [
    { text: 'What is the sum of the numbers from 1 to 100?', answers: [{ by: 'Recorded 70B', text }] },
  ]
  // Older than the others.
  const file = conversationFile(
    'recorded',
    [{ title: 'The sum of the numbers to 100', turns }],
    Date.now() - 3_600_000,
  )
  const response = await fetch(new URL('/api/conversations/import', address), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(file),
  })
  if (!response.ok) throw new Error(`The host does not take the recorded texts: ${await response.text()}`)
  await page
    .getByRole('navigation', { name: 'Conversations' })
    .getByRole('button', { name: 'The sum of the numbers to 100', exact: true })
    .click()
  await page.getByText(/^Thought for/).waitFor()
  return page.url()
}

/** Fonts are there, and the page has been drawn twice since the last change. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined)))
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  })
}
