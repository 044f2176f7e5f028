/**
 * The page as a user meets it: time from starting the built headless host to a window with three residents and a message box, and
 * frames while an answer streams with the pool in view. Needs `npm run build` and Chromium. `node bench/page.ts [--runs 5]`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { chromium, type Browser, type Page } from '@playwright/test'
import { findChromium } from '../scripts/chromium.ts'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import { llamaFile } from '../src/testing/shapes.ts'
import { median, percent, spread } from './measure.ts'

/** A frame that comes later than this after the one before is late, in milliseconds. */
const lateMs = 25
const streamMs = 8000
const program = path.join(import.meta.dirname, '..', 'out', 'main', 'headless.js')

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' } } })
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('This benchmark needs Chromium')
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--disable-gpu',
      '--disable-background-networking',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })
  const runs = Number(values.runs)
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, models with one thread, medians of ${values.runs} runs`,
  )
  try {
    const starts: Start[] = []
    while (starts.length < runs) starts.push(await measureStart(browser))
    console.log(
      `start of the host to "ready"              ${spread(starts.map(({ readyMs }) => readyMs))} ms`,
    )
    console.log(
      `page opened to message box usable         ${spread(starts.map(({ usableMs }) => usableMs))} ms`,
    )
    console.log(
      `start of the host to three residents seen ${spread(starts.map(({ residentsMs }) => residentsMs))} ms`,
    )
    const streams: Stream[] = []
    while (streams.length < runs) streams.push(await measureStream(browser))
    const tokens = median(streams.map(({ tokensPerSecond }) => tokensPerSecond))
    console.log(`frames later than ${String(lateMs)} ms while ${tokens.toFixed(0)} tokens a second stream`)
    console.log(
      `  ${streams.map(({ late }) => percent(late)).join(', ')}; median ${percent(median(streams.map(({ late }) => late)))}`,
    )
  } finally {
    await browser.close()
  }
}

type Start = { readonly readyMs: number; readonly usableMs: number; readonly residentsMs: number }

async function measureStart(browser: Browser): Promise<Start> {
  await using host = await startHost()
  const readyMs = performance.now() - host.startedAt
  await using context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  const openedAt = performance.now()
  await page.goto(host.url)
  await page.getByRole('textbox', { name: 'Message' }).waitFor()
  const usableMs = performance.now() - openedAt
  await allResident(page)
  return { readyMs, usableMs, residentsMs: performance.now() - host.startedAt }
}

async function allResident(page: Page): Promise<void> {
  await page.waitForFunction(
    async () => {
      const answer = await fetch('api/pool')
      const pool = (await answer.json()) as { residents: { state: string }[] }
      return pool.residents.filter(({ state }) => state === 'ready').length >= 3
    },
    undefined,
    { polling: 100 },
  )
}

type Stream = { readonly late: number; readonly tokensPerSecond: number }

async function measureStream(browser: Browser): Promise<Stream> {
  await using host = await startHost()
  const file = path.join(host.folder, 'stream.gguf')
  const shape = {
    ...{
      architecture: 'llama',
      layers: 4,
      embedding: 128,
      feedForward: 384,
      heads: 4,
      kvHeads: 2,
      headLength: 32,
    },
    ...{ contextTokens: 8192, vocabulary: 2000 },
  }
  writeGgufFile(file, llamaFile(shape, { data: 'random', weights: 'F16', name: 'Endless' }))
  await using context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.goto(host.url)
  await allResident(page)
  const turn = page.evaluate(async (modelPath) => {
    const post = async (route: string, body: unknown) => {
      const answer = await fetch(`api/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const text = await answer.text()
      return text === '' ? undefined : (JSON.parse(text) as unknown)
    }
    const [added] = (await post('models', { path: modelPath })) as { model: { id: string } }[]
    if (!added) throw new Error('The model was not added')
    await post(`models/${added.model.id}/load`, {})
    return added.model.id
  }, file)
  const name = await turn
  await page.getByRole('group', { name: 'Model for this turn' }).getByText('Endless', { exact: true }).click()
  const gaps: number[] = []
  for (let streamedMs = 0; streamedMs < streamMs; streamedMs = gaps.reduce((sum, gap) => sum + gap, 0)) {
    const box = page.getByRole('textbox', { name: 'Message' })
    await box.fill('Go on for a long while.')
    await box.press('Enter')
    await page.getByRole('button', { name: 'Stop' }).waitFor()
    gaps.push(...(await page.evaluate(frameGapsWhileStreaming, streamMs - streamedMs)))
  }
  // The answer may end by itself at any moment, and its button with it.
  await page.evaluate(() => {
    const buttons = [...document.querySelectorAll('button')]
    buttons.find(({ innerText }) => innerText.trim() === 'Stop')?.click()
  })
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
  const late = gaps.filter((gap) => gap > lateMs).length / gaps.length
  const tokensPerSecond = await page.evaluate(async (modelId) => {
    const list = (await (await fetch('api/conversations')).json()) as { id: string }[]
    const whole = (await (await fetch(`api/conversations/${list[0]?.id ?? ''}`)).json()) as {
      turns: { answers: { modelId: string; stats: { tokensPerSecond: number | null } | null }[] }[]
    }
    const answers = whole.turns.flatMap(({ answers }) => answers)
    const speeds = answers
      .filter((answer) => answer.modelId === modelId)
      .map(({ stats }) => stats?.tokensPerSecond)
    return speeds.find((speed) => typeof speed === 'number') ?? NaN
  }, name)
  return { late, tokensPerSecond }
}

/** Runs in the page: times between frames, in milliseconds, until the answer ends or the time is up. */
function frameGapsWhileStreaming(durationMs: number): Promise<number[]> {
  const isStreaming = () =>
    [...document.querySelectorAll('button')].some(({ innerText }) => innerText.trim() === 'Stop')
  return new Promise((resolve) => {
    const gaps: number[] = []
    const started = performance.now()
    const step = (before: number) => (now: number) => {
      gaps.push(now - before)
      if (now - started < durationMs && (gaps.length % 10 > 0 || isStreaming()))
        requestAnimationFrame(step(now))
      else resolve(gaps)
    }
    requestAnimationFrame((now) => requestAnimationFrame(step(now)))
  })
}

type RunningHost = AsyncDisposable & {
  readonly url: string
  readonly folder: string
  readonly startedAt: number
}

async function startHost(): Promise<RunningHost> {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  const startedAt = performance.now()
  const flags = [
    '--port',
    '0',
    '--token',
    'none',
    '--data-dir',
    path.join(folder, 'data'),
    '--pool-size',
    '4GB',
    '--reserve',
    '256MB',
  ]
  const child = spawn(process.execPath, [program, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PLENUM_DEVICE: 'cpu', PLENUM_THREADS: '1' },
  })
  const url = await readyAddress(child)
  return {
    ...{ url, folder, startedAt },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function readyAddress(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('The host has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^Plenum is ready at (\S+)$/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('The host ended before it was ready')
}

await main()
