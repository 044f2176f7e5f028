/**
 * A conversation of 2,000 turns in the page, as a user meets it: opening it, scrolling, an answer that streams into it with the pool in
 * view, keys pressed meanwhile, and the page's memory over 10,000 streamed tokens. By the browser's own frames, events and counters.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Browser, CDPSession, Page } from '@playwright/test'
import { Conversations } from '../src/main/host/conversations.ts'
import { openDatabase } from '../src/main/host/database.ts'

const turnCount = 2000
const longTitle = 'Two thousand turns'

/** Writes the long conversation, and a short one to come from, into a data folder. */
export function recordLong(dataFolder: string): void {
  const texts = ['explanation', 'code', 'thinking', 'multilingual'].map((name) =>
    readFileSync(path.join(import.meta.dirname, '..', 'src', 'testing', 'answers', `${name}.txt`), 'utf8'),
  )
  const database = openDatabase(path.join(dataFolder, 'plenum.db'))
  {
    using conversations = new Conversations(database)
    for (const [title, turns] of [
      [longTitle, turnCount],
      ['Short', 1],
    ] as const) {
      const { id } = conversations.create({ title })
      for (let index = 0; index < turns; index++) {
        const model = { id: 'recorded', name: 'Recorded' }
        const turn = conversations.tree.addTurn(id, { text: `Question ${String(index)}`, models: [model] })
        conversations.live.append(turn.chosenAnswerId, texts[index % texts.length] ?? '')
        conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
      }
    }
  }
  database.close()
}

/** Milliseconds from the press on the long conversation to its last turn painted, in which these words are. */
export async function measureOpening(
  page: Page,
  words = `Question ${String(turnCount - 1)}`,
): Promise<number> {
  await page.getByRole('button', { name: 'Short', exact: true }).click()
  await page.getByText('Question 0', { exact: true }).waitFor()
  return page.evaluate(
    async ([title, words]) => {
      const button = [...document.querySelectorAll('nav button')].find((each) => each.textContent === title)
      if (!(button instanceof HTMLElement)) throw new Error('The conversation is not in the list')
      const started = performance.now()
      button.click()
      const isShown = () => {
        const turns = [...document.querySelectorAll('[data-turn]')]
        return turns.at(-1)?.textContent.includes(words) ?? false
      }
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      while (!isShown()) await frame()
      await frame()
      return performance.now() - started
    },
    [longTitle, words] as const,
  )
}

/** A frame: milliseconds since the one before, when it came, and whether an answer was growing in it. */
type Frame = { readonly gap: number; readonly at: number; readonly isGrowing: boolean }

/** What frames were like for a while: milliseconds between them, and the share of the time that the page's thread worked. */
export type Frames = { readonly gaps: readonly number[]; readonly busy: number }

/** Frames while the wheel goes up through the long conversation, at so many CSS pixels a second. */
export async function measureScrolling(page: Page, session: CDPSession, speed: number): Promise<Frames> {
  const { frames, busy } = await measureFrames(page, session, () =>
    session.send('Input.synthesizeScrollGesture', {
      ...{ x: 600, y: 400, yDistance: speed * 5, speed },
      gestureSourceType: 'mouse',
      preventFling: true,
    }),
  )
  return { gaps: frames.map(({ gap }) => gap), busy }
}

/** So near to the beginning or the end of an answer a frame belongs to that, in milliseconds. */
const edgeMs = 300

/** What an answer was like on the page: while it grew, and when it began and ended. */
export type StreamedFrames = {
  readonly growing: readonly number[]
  readonly edges: readonly number[]
  readonly busy: number
}

/** Frames from sending a message until its answer has ended and a little longer. */
export async function measureAnswer(
  page: Page,
  session: CDPSession,
  send: () => Promise<unknown>,
): Promise<StreamedFrames> {
  const { frames, busy } = await measureFrames(page, session, async () => {
    await send()
    // By a selector and now and then: a search by role goes through the whole page, and would be measured too.
    const growing = '[data-last] [data-growing]'
    await page.waitForSelector(growing, { state: 'attached' })
    await page.waitForFunction(
      () => document.querySelector('[data-last] [aria-busy="true"]') === null,
      undefined,
      { polling: 250, timeout: 600_000 },
    )
    await page.waitForTimeout(2 * edgeMs)
  })
  const first = frames.find(({ isGrowing }) => isGrowing)?.at ?? Infinity
  const last = frames.findLast(({ isGrowing }) => isGrowing)?.at ?? -Infinity
  const isInside = ({ at }: Frame) => at > first + edgeMs && at < last - edgeMs
  return {
    growing: frames.filter(isInside).map(({ gap }) => gap),
    edges: frames.filter((frame) => !isInside(frame)).map(({ gap }) => gap),
    busy,
  }
}

/** Frames of the page while `work` goes on. */
async function measureFrames(
  page: Page,
  session: CDPSession,
  work: () => Promise<unknown>,
): Promise<{ readonly frames: readonly Frame[]; readonly busy: number }> {
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const workedBefore = await taskSeconds(session)
  await page.evaluate(() => {
    const frames: Frame[] = []
    const isOver = { value: false }
    Object.assign(globalThis, { frames, endFrames: () => (isOver.value = true) })
    const step = (before: number) => (now: number) => {
      const last = document.querySelector('[data-turn][data-last]')
      const isGrowing = last?.querySelector('[data-growing]') != null
      frames.push({ gap: now - before, at: now, isGrowing })
      if (!isOver.value) requestAnimationFrame(step(now))
    }
    requestAnimationFrame((now) => requestAnimationFrame(step(now)))
  })
  await work()
  const frames = await page.evaluate(() => {
    const measured = globalThis as unknown as { frames: Frame[]; endFrames: () => void }
    measured.endFrames()
    return measured.frames
  })
  const seconds = frames.reduce((sum, { gap }) => sum + gap, 0) / 1000
  return { frames, busy: ((await taskSeconds(session)) - workedBefore) / seconds }
}

async function taskSeconds(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN
}

/** Milliseconds from a key to the paint that shows it, by the browser's event timing, while `isGoingOn`. */
export async function measureTyping(page: Page, isGoingOn: () => boolean): Promise<readonly number[]> {
  await page.evaluate(() => {
    const delays: number[] = []
    Object.assign(globalThis, { delays })
    new PerformanceObserver((list) => {
      for (const { name, duration } of list.getEntries()) if (name === 'keydown') delays.push(duration)
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit)
  })
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.focus()
  const keys = 'the quick brown fox '
  let pressed = 0
  while (isGoingOn()) {
    await page.keyboard.press(keys[pressed++ % keys.length] ?? ' ', { delay: 40 })
    await page.waitForTimeout(80)
  }
  const slow = await page.evaluate(() => [...(globalThis as unknown as { delays: number[] }).delays])
  await box.fill('')
  // The browser tells of no event under 16 ms.
  return [...Array<number>(Math.max(0, pressed - slow.length)).fill(8), ...slow]
}

/** Bytes of the page's JavaScript that are in use after a collection, and how many nodes its document and others of it have. */
export async function pageMemory(
  session: CDPSession,
): Promise<{ readonly bytes: number; readonly nodes: number }> {
  // What is only weakly held goes with the second one.
  await session.send('HeapProfiler.collectGarbage')
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const { nodes } = await session.send('Memory.getDOMCounters')
  return { bytes: usedSize, nodes }
}

/** Milliseconds from going to the page to its first paint with content. */
export async function measureFirstPaint(browser: Browser, url: string): Promise<number> {
  await using context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.goto(url)
  return await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const paint = list.getEntriesByName('first-contentful-paint')[0]
          if (paint) resolve(paint.startTime)
        }).observe({ type: 'paint', buffered: true })
      }),
  )
}

/** Keeps what the browser records of a piece of work as a file for its performance panel. */
export async function traceTo(
  browser: Browser,
  page: Page,
  file: string,
  work: () => Promise<unknown>,
): Promise<void> {
  await browser.startTracing(page)
  await work()
  writeFileSync(file, await browser.stopTracing())
}
