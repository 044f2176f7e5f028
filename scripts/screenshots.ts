// Takes the pictures of the README from the running app, with the demo models: `npm run build && node scripts/screenshots.ts`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Page } from '@playwright/test'
import { rootFolder } from './build.ts'
import { findOrInstallChromium } from './chromium.ts'

const size = { width: 1440, height: 900 }
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-screenshots-'))
const host = spawn(
  process.execPath,
  [
    path.join(rootFolder, 'out', 'main', 'headless.js'),
    ...['--port', '0', '--token', 'none', '--data-dir', folder, '--pool-size', '1GB', '--reserve', '128MB'],
  ],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PLENUM_THREADS: '1', PLENUM_DEVICE: 'cpu' },
  },
)
try {
  const executablePath = findOrInstallChromium()
  if (executablePath === null) throw new Error('There is no Chromium to take pictures with')
  const browser = await chromium.launch({
    executablePath,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  const page = await browser.newPage({ viewport: size, colorScheme: 'dark' })
  await page.goto(await readyAddress())
  await converse(page)
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: path.join(rootFolder, 'docs', `plenum-${colorScheme}.png`) })
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

/** A conversation that changes hands, as the README tells it. */
async function converse(page: Page): Promise<void> {
  const turns = [
    ['Guide', 'My name is Nora.'],
    ['Coder', 'Write a function that reverses a string.'],
    ['Coder', 'What is my name?'],
    ['Guide', 'What is a KV cache?'],
  ] as const
  for (const [index, [model, text]] of turns.entries()) {
    const chips = page.getByRole('group', { name: 'Model for this turn' })
    await chips.getByText(model, { exact: true }).click()
    await page.getByRole('textbox', { name: 'Message' }).fill(text)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.locator('article[aria-busy="false"]').nth(index).waitFor()
  }
  await page.getByRole('textbox', { name: 'Message' }).blur()
  await page.waitForTimeout(1000)
}
