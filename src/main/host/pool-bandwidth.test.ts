import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDatabase } from './database.ts'
import { PoolBandwidth } from './pool-bandwidth.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

function write(pool: PoolBandwidth, { tokens, everyMs }: { tokens: number; everyMs: number }) {
  const meter = pool.follow('coder')
  meter.take({ kind: 'reading', promptTokens: 100, reusedTokens: 0, readTokens: 100 })
  for (let generatedTokens = 1; generatedTokens <= tokens; generatedTokens++) {
    meter.take({ kind: 'text', text: 'a', generatedTokens })
    vi.advanceTimersByTime(everyMs)
  }
  return meter
}

test('follows answers, and keeps the best of each device over restarts', () => {
  const database = openDatabase(':memory:')
  const state = { device: 'CPU', changes: 0 }
  const newPool = () =>
    new PoolBandwidth({
      database,
      device: () => state.device,
      bytesOf: () => ({ weightBytes: 1e9, kvBytes: (tokens) => tokens * 1e6 }),
      onChange: () => state.changes++,
    })
  const pool = newPool()
  const meter = write(pool, { tokens: 21, everyMs: 100 })
  const { bytesPerSecond, decoding } = pool.reading()
  // Ten tokens a second, each for the weights and 111 to 121 tokens of KV cache.
  expect(decoding).toMatchObject([{ modelId: 'coder', tokensPerSecond: 10 }])
  expect(bytesPerSecond / 1e9).toBeCloseTo(11.17, 1)
  meter.end()
  expect([pool.reading().decoding, state.changes]).toEqual([[], 1])
  expect(newPool().reading().bestBytesPerSecond).toBe(bytesPerSecond)
  // Slower: the best stays.
  write(pool, { tokens: 5, everyMs: 400 }).end()
  expect(newPool().reading().bestBytesPerSecond).toBe(bytesPerSecond)
  state.device = 'Vulkan: a card'
  expect(pool.reading().bestBytesPerSecond).toBeNull()
  database.close()
})
