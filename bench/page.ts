/**
 * The page as a user meets it: time from starting the built headless host to a window with three residents and a message box; a
 * conversation of 2,000 turns that is opened and scrolled; frames, keys and memory while an answer streams into it with the pool in view.
 * Needs `npm run build` and Chromium. `node bench/page.ts [--runs 5] [--only start|long] [--tokens 10000] [--trace FILE]`; the trace is of
 * scrolling, and FILE-answer of the first answer.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { chromium, type Browser, type Page } from '@playwright/test'
import { initialScripts } from '../scripts/page-size.ts'
import { findChromium } from '../scripts/chromium.ts'
import { float32, uint32, writeGgufFile } from '../src/testing/gguf-file.ts'
import { llamaFile } from '../src/testing/shapes.ts'
import { median, percent, spread } from './measure.ts'
import {
  measureAnswer,
  measureFirstPaint,
  measureOpening,
  measureScrolling,
  measureTyping,
  pageMemory,
  recordLong,
  traceTo,
  type Frames,
  type StreamedFrames,
} from './page-long.ts'

/** A frame that comes later than this after the one before is late, in milliseconds. */
const lateMs = 25
const program = path.join(import.meta.dirname, '..', 'out', 'main', 'headless.js')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      trace: { type: 'string', default: '' },
      /** So many tokens stream into the long conversation. */
      tokens: { type: 'string', default: '10000' },
    },
  })
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
    if (values.only !== 'long') await reportStarts(browser, runs)
    if (values.only !== 'start')
      await reportLong(browser, { runs, trace: values.trace, tokens: Number(values.tokens) })
  } finally {
    await browser.close()
  }
}

async function reportStarts(browser: Browser, runs: number): Promise<void> {
  const starts: Start[] = []
  while (starts.length < runs) starts.push(await measureStart(browser))
  const say = (what: string, figure: (start: Start) => number) =>
    console.log(`${what.padEnd(42)} ${spread(starts.map(figure))} ms`)
  say('start of the host to "ready"', ({ readyMs }) => readyMs)
  say('page opened to first paint', ({ paintMs }) => paintMs)
  say('page opened to message box usable', ({ usableMs }) => usableMs)
  say('start of the host to three residents seen', ({ residentsMs }) => residentsMs)
  const scripts = initialScripts(path.join(import.meta.dirname, '..', 'out', 'renderer'))
  const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0)
  console.log(`${'initial JavaScript, gzipped'.padEnd(42)} ${(bytes / 1000).toFixed(1)} kB`)
}

/** Opens, scrolls and streams into a conversation of 2,000 turns. */
async function reportLong(
  browser: Browser,
  {
    runs,
    trace,
    tokens: streamedTokens,
  }: { readonly runs: number; readonly trace: string; readonly tokens: number },
): Promise<void> {
  await using host = await startHost({ before: recordLong })
  await using context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.goto(host.url)
  await allResident(page)
  const session = await context.newCDPSession(page)
  const openings: number[] = []
  while (openings.length < runs) openings.push(await measureOpening(page))
  console.log(`conversation of 2,000 turns opened         ${spread(openings)} ms`)
  for (const speed of [1500, 12_000])
    console.log(
      `scrolled at ${String(speed)} px/s: ${describeFrames(await measureScrolling(page, session, speed))}`,
    )
  if (trace !== '') await traceTo(browser, page, trace, () => measureScrolling(page, session, 3000))

  const question = 'Go on for a long while.'
  const name = await addEndless(page, host.folder)
  await page.getByRole('button', { name: 'Jump to the end' }).click()
  const inUse: string[] = []
  const noteMemory = async (when: string) => {
    const { bytes, nodes } = await pageMemory(session)
    inUse.push(`${when} ${megabytes(bytes)} and ${String(nodes)} nodes`)
  }
  await noteMemory('before')
  const answers: StreamedFrames[] = []
  const delays: number[] = []
  let tokens = 0
  while (tokens < streamedTokens) {
    const box = page.getByRole('textbox', { name: 'Message' })
    await box.fill(question)
    const stream = { isOver: false }
    let typing: Promise<readonly number[]> = Promise.resolve([])
    const answer = async () => {
      const measured = await measureAnswer(page, session, async () => {
        await box.press('Enter')
        typing = measureTyping(page, () => !stream.isOver)
      })
      stream.isOver = true
      answers.push(measured)
    }
    await (trace !== '' && answers.length === 0
      ? traceTo(browser, page, `${trace}-answer`, answer)
      : answer())
    delays.push(...(await typing))
    const stats = await lastStats(page, name)
    tokens += stats.generatedTokens
    await noteMemory(`after ${String(tokens)} tokens`)
    console.log(
      `  ${String(tokens)} tokens, ${(stats.tokensPerSecond ?? NaN).toFixed(0)} a second: ${describeAnswers(answers.slice(-1))}`,
    )
    if (stats.generatedTokens === 0) throw new Error('The model wrote nothing')
  }
  console.log(`streamed into it: ${describeAnswers(answers)}`)
  const [p50, p95] = [0.5, 0.95].map(
    (share) => delays.toSorted((one, other) => one - other)[Math.floor(share * delays.length)] ?? NaN,
  )
  console.log(
    `keys meanwhile, to the paint: median ${String(p50)} ms, 95 % under ${String(p95)} ms (${String(delays.length)} keys)`,
  )
  await measureOpening(page, question)
  await noteMemory('opened again')
  console.log(`JavaScript in use: ${inUse.join(', ')}`)
}

function describeFrames({ gaps, busy }: Frames): string {
  return `${describeGaps(gaps)}, thread busy ${percent(busy)}`
}

function describeAnswers(answers: readonly StreamedFrames[]): string {
  const growing = answers.flatMap((answer) => answer.growing)
  const edges = answers.flatMap((answer) => answer.edges)
  const busy = percent(median(answers.map((answer) => answer.busy)))
  return `${describeGaps(growing)}; begin and end: ${describeGaps(edges)}; thread busy ${busy}`
}

function describeGaps(gaps: readonly number[]): string {
  const late = gaps.filter((gap) => gap > lateMs).length / gaps.length
  const longest = Math.max(...gaps).toFixed(0)
  return `median frame ${median(gaps).toFixed(1)} ms, ${percent(late)} later than ${String(lateMs)} ms, longest ${longest} ms`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

type Start = Readonly<Record<'readyMs' | 'paintMs' | 'usableMs' | 'residentsMs', number>>

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
  const residentsMs = performance.now() - host.startedAt
  return { readyMs, usableMs, residentsMs, paintMs: await measureFirstPaint(browser, host.url) }
}

async function allResident(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (;;) {
      const answer = await fetch('api/pool')
      const pool = (await answer.json()) as { residents: { state: string }[] }
      if (pool.residents.filter(({ state }) => state === 'ready').length >= 3) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
}

/** Adds a model that writes more than 200 tokens a second until its context is full, and has it take the next turns; its id. */
async function addEndless(page: Page, folder: string): Promise<string> {
  const file = path.join(folder, 'stream.gguf')
  const shape = {
    ...{ architecture: 'llama', layers: 3, embedding: 256, feedForward: 768 },
    ...{ heads: 4, kvHeads: 2, headLength: 64, contextTokens: 8192, vocabulary: 4000 },
  }
  // Words, sentences and paragraphs of any language's usual length.
  const tokenText = (index: number) => {
    if (index % 45 === 0) return `.ĊĊT${String(index)}`
    return index % 12 === 0 ? `,Ġw${String(index)}` : `Ġw${String(index)}`
  }
  writeGgufFile(
    file,
    llamaFile(shape, {
      ...{ data: 'random', weights: 'F16', name: 'Endless', endless: true, tokenText },
      // Out of the likeliest: always the likeliest one soon goes round in a circle.
      extra: [float32('general.sampling.temp', 1), uint32('general.sampling.top_k', 40)],
    }),
  )
  const id = await page.evaluate(async (modelPath) => {
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
  await page.getByRole('group', { name: 'Model for this turn' }).getByText('Endless', { exact: true }).click()
  return id
}

type Stats = { readonly generatedTokens: number; readonly tokensPerSecond: number | null }

/** Figures of the last answer of a model. */
async function lastStats(page: Page, modelId: string): Promise<Stats> {
  return page.evaluate(async (id) => {
    const list = (await (await fetch('api/conversations')).json()) as { id: string }[]
    const whole = (await (await fetch(`api/conversations/${list[0]?.id ?? ''}`)).json()) as {
      turns: { answers: { modelId: string; stats: Stats | null }[] }[]
    }
    const stats = whole.turns
      .flatMap(({ answers }) => answers)
      .filter((answer) => answer.modelId === id)
      .map((answer) => answer.stats)
    return stats.at(-1) ?? { generatedTokens: 0, tokensPerSecond: null }
  }, modelId)
}

type RunningHost = AsyncDisposable & {
  readonly url: string
  readonly folder: string
  readonly startedAt: number
}

async function startHost(options: { before?: (dataFolder: string) => void } = {}): Promise<RunningHost> {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  options.before?.(path.join(folder, 'data'))
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
