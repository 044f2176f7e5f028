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
        const turn = conversations.addTurn(id, { text: `Question ${String(index)}`, models: [model] })
        conversations.append(turn.chosenAnswerId, texts[index % texts.length] ?? '')
        conversations.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
      }
    }
  }
  database.close()
}

/** Milliseconds from the press on the long conversation to its last turn painted. */
export async function measureOpening(page: Page): Promise<number> {
  await page.getByRole('button', { name: 'Short', exact: true }).click()
  await page.getByText('Question 0', { exact: true }).waitFor()
  return page.evaluate(
    async ([title, count]) => {
      const button = [...document.querySelectorAll('nav button')].find((each) => each.textContent === title)
      if (!(button instanceof HTMLElement)) throw new Error('The conversation is not in the list')
      const started = performance.now()
      button.click()
      const isShown = () => {
        const turns = [...document.querySelectorAll('[data-turn]')]
        return turns.at(-1)?.textContent.includes(`Question ${String(count - 1)}`) ?? false
      }
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      while (!isShown()) await frame()
      await frame()
      return performance.now() - started
    },
    [longTitle, turnCount] as const,
  )
}

/** What frames were like for a while: milliseconds between them, and the share of the time that the page's thread worked. */
export type Frames = { readonly gaps: readonly number[]; readonly busy: number }

/** Frames while the wheel goes up through the long conversation, at so many CSS pixels a second. */
export async function measureScrolling(page: Page, session: CDPSession, speed: number): Promise<Frames> {
  return measureFrames(page, session, () =>
    session.send('Input.synthesizeScrollGesture', {
      ...{ x: 600, y: 400, yDistance: speed * 5, speed },
      gestureSourceType: 'mouse',
      preventFling: true,
    }),
  )
}

/** Frames of the page while `work` goes on. */
export async function measureFrames(
  page: Page,
  session: CDPSession,
  work: () => Promise<unknown>,
): Promise<Frames> {
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const workedBefore = await taskSeconds(session)
  await page.evaluate(() => {
    const gaps: number[] = []
    Object.assign(globalThis, { gaps })
    const step = (before: number) => (now: number) => {
      gaps.push(now - before)
      requestAnimationFrame(step(now))
    }
    requestAnimationFrame((now) => requestAnimationFrame(step(now)))
  })
  await work()
  const gaps = await page.evaluate(() => [...(globalThis as unknown as { gaps: number[] }).gaps])
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1000
  return { gaps, busy: ((await taskSeconds(session)) - workedBefore) / seconds }
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

/** Bytes of the page's JavaScript that are in use, after a collection. */
export async function heapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize
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
