import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Feed, watchState } from './frames.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** A number that can be set and followed. */
function counter() {
  const listeners = new Set<() => void>()
  let value = 0
  return {
    listeners,
    read: () => value,
    set: (next: number) => {
      value = next
      for (const listener of listeners) listener()
    },
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

test('gives the value now, then only the latest of each tenth of a second', async () => {
  const { read, subscribe, set } = counter()
  const stream = watchState({ read, subscribe })
  const seen: number[] = []
  const reading = (async () => {
    for await (const value of stream) seen.push(value)
  })()
  for (let tick = 1; tick <= 50; tick++) {
    set(tick)
    await vi.advanceTimersByTimeAsync(10)
  }
  await vi.advanceTimersByTimeAsync(100)
  await stream.return?.()
  await reading
  expect(seen).toEqual([0, 10, 20, 30, 40, 50])
})

test('a change after a quiet time is told at once', async () => {
  const { read, subscribe, set } = counter()
  const stream = watchState({ read, subscribe })
  await stream.next()
  await vi.advanceTimersByTimeAsync(5000)
  set(1)
  await vi.advanceTimersByTimeAsync(0)
  expect(await stream.next()).toEqual({ done: false, value: 1 })
})

test('a reader that is slow gets the latest value and no backlog', async () => {
  const { read, subscribe, set } = counter()
  const stream = watchState({ read, subscribe })
  for (let tick = 1; tick <= 20; tick++) {
    set(tick)
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(await stream.next()).toEqual({ done: false, value: 20 })
})

test.each(['return', 'abort'] as const)('lets a waiting reader go and unsubscribes on %s', async (how) => {
  const { read, subscribe, listeners, set } = counter()
  const leave = new AbortController()
  const stream = watchState({ read, subscribe, signal: leave.signal })
  await stream.next()
  const waiting = stream.next()
  set(1)
  if (how === 'return') await stream.return?.()
  else leave.abort()
  expect(await waiting).toEqual({ done: true, value: undefined })
  expect(listeners.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('a feed that has ended hands out what waits, then ends', async () => {
  const feed = new Feed<number>({})
  feed.push(1)
  feed.push(2)
  feed.end()
  feed.push(3)
  const seen: number[] = []
  for await (const value of feed) seen.push(value)
  expect(seen).toEqual([1, 2])
})
