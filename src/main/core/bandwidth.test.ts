import { expect, test } from 'vitest'
import { BandwidthMeter, tokenBytes } from './bandwidth.ts'

const dense = {
  ...{
    weightBytes: 1000,
    inputBytes: 200,
    outputBytes: 200,
    parameters: 500,
    layers: 2,
    embeddingLength: 10,
  },
  kvLayerGroups: [
    { layers: 2, kvHeads: 1, keyLength: 4, valueLength: 4, windowTokens: null },
    { layers: 1, kvHeads: 1, keyLength: 4, valueLength: 4, windowTokens: 10 },
  ],
  ...{ recurrentStateBytes: 7, experts: null },
}

test('reads all weights but the embeddings that are only looked up, and what the KV cache holds', () => {
  const { weightBytes, kvBytes } = tokenBytes(dense)
  expect(weightBytes).toBe(800)
  // 8 numbers of 2 bytes a layer; the window stops at 10 tokens.
  expect([kvBytes(0), kvBytes(10), kvBytes(100)]).toEqual([7, 7 + 320 + 160, 7 + 3200 + 160])
  expect(tokenBytes(dense, { kvType: 'q8_0' }).kvBytes(10)).toBeCloseTo(7 + 480 * (34 / 64))
  expect(tokenBytes({ ...dense, outputBytes: 0 }).weightBytes).toBe(1000)
})

test('of a mixture only the experts in use are read', () => {
  const experts = { count: 8, used: 2, feedForwardLength: 2 }
  expect(tokenBytes({ ...dense, experts: { ...experts, bytes: 400 } }).weightBytes).toBe(800 - 300)
  // 2 layers of 8 experts of 3 matrices of 2 × 10: 960 of 500 weights would be more than there are.
  expect(tokenBytes({ ...dense, parameters: 1920, experts }).weightBytes).toBe(800 - 1000 * 0.5 * 0.75)
})

function newMeter(bestBytesPerSecond: number | null = null) {
  const clock = { now: 0 }
  const meter = new BandwidthMeter({ now: () => clock.now, bestBytesPerSecond })
  /** Writes a token every so often, from now on. */
  const write = (
    modelId: string,
    how: { tokens: number; everyMs: number; bytesPerToken: number; from?: number },
  ) => {
    for (let token = 1; token <= how.tokens; token++) {
      const generatedTokens = (how.from ?? 0) + token
      meter.take(modelId, { generatedTokens, steps: generatedTokens, bytesPerStep: how.bytesPerToken })
      clock.now += how.everyMs
    }
  }
  return { clock, meter, write }
}

test('bandwidth is tokens a second times bytes a token, over the last second', () => {
  const { meter, write } = newMeter()
  expect(meter.reading()).toEqual({ bytesPerSecond: 0, decoding: [], bestBytesPerSecond: null })
  write('a', { tokens: 40, everyMs: 100, bytesPerToken: 1000 })
  write('a', { from: 40, tokens: 40, everyMs: 50, bytesPerToken: 1000 })
  expect(meter.reading()).toEqual({
    bytesPerSecond: 20_000,
    decoding: [{ modelId: 'a', tokensPerSecond: 20, bytesPerSecond: 20_000 }],
    bestBytesPerSecond: 20_000,
  })
  meter.end('a')
  expect(meter.reading()).toEqual({ bytesPerSecond: 0, decoding: [], bestBytesPerSecond: 20_000 })
})

test('models that decode beside each other are added up', () => {
  const { clock, meter } = newMeter()
  for (let token = 1; token <= 20; token++) {
    meter.take('a', { generatedTokens: token, steps: token, bytesPerStep: 100 })
    // Each second token was drafted.
    meter.take('b', { generatedTokens: 4 * token, steps: 2 * token, bytesPerStep: 300 })
    clock.now += 100
  }
  const { bytesPerSecond, decoding } = meter.reading()
  expect(bytesPerSecond).toBeCloseTo(1000 + 6000)
  expect(decoding.map(({ tokensPerSecond }) => Math.round(tokensPerSecond))).toEqual([10, 40])
})

test('a model of one token in three seconds is measured, one that stands still is not', () => {
  const { clock, meter, write } = newMeter(1e9)
  write('slow', { tokens: 4, everyMs: 3000, bytesPerToken: 40e9 })
  expect(meter.reading().decoding[0]?.tokensPerSecond).toBeCloseTo(1 / 3)
  expect(meter.bestBytesPerSecond).toBeCloseTo(40e9 / 3)
  clock.now += 20_000
  expect(meter.reading().decoding).toEqual([])
})

test('the first moments of an answer are no measurement', () => {
  const { meter, write } = newMeter()
  write('a', { tokens: 5, everyMs: 2, bytesPerToken: 1e9 })
  expect(meter.reading()).toEqual({ bytesPerSecond: 0, decoding: [], bestBytesPerSecond: null })
})
