import { expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import type { ModelFacts } from '../../contract/model.ts'
import { footprintBytes } from './domain-bytes.ts'
import {
  checkpointBytes,
  computeBytes,
  contextComputeBytes,
  kvBytesPerToken,
  kvCacheBytes,
  predictFootprint,
  rearrangedBytes,
  withAdmissionMargin,
} from './footprint.ts'

const llama70b: ModelFacts = {
  architecture: 'llama',
  title: 'Llama 3 70B',
  parameters: 70_553_706_496,
  quantization: 'Q8_0',
  weightBytes: 74_967_187_456,
  inputBytes: 1_116_340_224,
  outputBytes: 1_116_372_992,
  mergeCount: 0,
  dryRuns: [],
  tensorTypes: [],
  layers: 80,
  embeddingLength: 8192,
  feedForwardLength: 28672,
  headCount: 64,
  vocabularySize: 128256,
  trainContextTokens: 131072,
  kvLayerGroups: [{ layers: 80, kvHeads: 8, keyLength: 128, valueLength: 128, windowTokens: null }],
  recurrentStateBytes: 0,
  kvBytesPerToken: 327680,
  experts: null,
  hasChatTemplate: true,
  recommendedSampling: {},
  license: null,
  author: null,
  description: null,
}

/** What llama.cpp's dry run (node-llama-cpp 3.21.1, flash attention, on the CPU) says a context takes, KV cache included. */
const dryRuns = [
  {
    name: 'Llama 3 70B',
    vocabulary: 128256,
    embedding: 8192,
    feedForward: 28672,
    kv: 327680,
    contextTokens: 4096,
    bytes: 1638402048,
  },
  {
    name: 'Llama 3 8B',
    vocabulary: 128256,
    embedding: 4096,
    feedForward: 14336,
    kv: 131072,
    contextTokens: 32768,
    bytes: 4574414848,
  },
  {
    name: 'Llama 3.2 1B',
    vocabulary: 128256,
    embedding: 2048,
    feedForward: 8192,
    kv: 32768,
    contextTokens: 512,
    bytes: 287836160,
  },
  {
    name: 'Llama 2 7B',
    vocabulary: 32000,
    embedding: 4096,
    feedForward: 11008,
    kv: 524288,
    contextTokens: 4096,
    bytes: 2252879872,
  },
  {
    name: 'Qwen3 32B',
    vocabulary: 151936,
    embedding: 5120,
    feedForward: 25600,
    kv: 262144,
    contextTokens: 32768,
    bytes: 8922073088,
  },
  {
    name: 'Qwen3 0.6B',
    vocabulary: 151936,
    embedding: 1024,
    feedForward: 3072,
    kv: 114688,
    contextTokens: 4096,
    bytes: 797718528,
  },
  {
    name: 'a small vocabulary',
    vocabulary: 2048,
    embedding: 4096,
    feedForward: 14336,
    kv: 16384,
    contextTokens: 32768,
    bytes: 692074496,
  },
] as const

test.each(dryRuns)('agrees with the dry run of $name within 2 %', (shape) => {
  const facts = {
    vocabularySize: shape.vocabulary,
    embeddingLength: shape.embedding,
    feedForwardLength: shape.feedForward,
    experts: null,
  }
  const predicted = shape.kv * shape.contextTokens + computeBytes(facts, shape.contextTokens)
  expect(predicted / shape.bytes).toBeGreaterThan(0.98)
  expect(predicted / shape.bytes).toBeLessThan(1.02)
})

/** Gemma 3 4B: five of 34 layers see everything, the others a window of 1,024 tokens. */
const gemma = {
  kvLayerGroups: [
    { layers: 5, kvHeads: 4, keyLength: 256, valueLength: 256, windowTokens: null },
    { layers: 29, kvHeads: 4, keyLength: 256, valueLength: 256, windowTokens: 1024 },
  ],
  recurrentStateBytes: 0,
}

test.each([
  { contextTokens: 512, bytes: 618661888 },
  { contextTokens: 4096, bytes: 850427936 },
  { contextTokens: 32768, bytes: 1437630496 },
])(
  'agrees with the dry run of Gemma 3 4B at $contextTokens tokens within 2 %',
  ({ contextTokens, bytes }) => {
    const facts = { vocabularySize: 262144, embeddingLength: 2560, feedForwardLength: 10240, experts: null }
    const predicted = kvCacheBytes(gemma, contextTokens) + computeBytes(facts, contextTokens)
    expect(Math.abs(predicted / bytes - 1)).toBeLessThan(0.02)
  },
)

test('counts the vectors of each expert in use, as the dry run of Mixtral 8x7B does with four of its layers', () => {
  const facts = {
    vocabularySize: 32000,
    embeddingLength: 4096,
    feedForwardLength: 14336,
    experts: { count: 8, used: 2, feedForwardLength: 14336 },
  }
  expect(Math.abs((32768 * 16384 + computeBytes(facts, 32768)) / 780154880 - 1)).toBeLessThan(0.001)
})

test('counts the KV cache of Llama 3 70B as 327,680 bytes a token', () => {
  expect(kvBytesPerToken(llama70b.kvLayerGroups)).toBe(327_680)
  expect(kvCacheBytes(llama70b, 4096)).toBe(4096 * 327_680)
})

test('rounds contexts up to 256 cells, as llama.cpp does', () => {
  expect([1, 256, 257].map((tokens) => kvCacheBytes(llama70b, tokens) / 327_680)).toEqual([256, 256, 512])
})

test('lets window layers stop at the window and one batch, padded', () => {
  const windowLayers = { ...gemma, kvLayerGroups: gemma.kvLayerGroups.slice(1) }
  const cells = (tokens: number) =>
    kvCacheBytes(windowLayers, tokens) / kvBytesPerToken(windowLayers.kvLayerGroups)
  expect([512, 1024, 2048, 131072].map(cells)).toEqual([512, 1024, 1792, 1792])
})

test('holds recurrent state constant, however long the context', () => {
  const hybrid = { ...llama70b, kvLayerGroups: [], recurrentStateBytes: 5 * MB }
  expect([512, 65536].map((tokens) => kvCacheBytes(hybrid, tokens))).toEqual([5 * MB, 5 * MB])
})

test('tells the parts of a footprint, all in one pool', () => {
  const footprint = predictFootprint(llama70b, { contextTokens: 4096, contexts: 2, runtimeBytes: 100 * MB })
  expect(footprint).toEqual([
    { part: 'weights', domain: 'unified', bytes: 74_967_187_456, source: 'predicted' },
    { part: 'kvCache', domain: 'unified', bytes: 2 * 4096 * 327_680, source: 'predicted' },
    { part: 'compute', domain: 'unified', bytes: 2 * computeBytes(llama70b, 4096), source: 'predicted' },
    // The process, what it takes with any model, and the tokenizer.
    { part: 'runtime', domain: 'unified', bytes: 106 * MB + 128256 * 150, source: 'predicted' },
  ])
})

test.each([0, 1, 40, 80, 81, 99])(
  'splits everything between GPU and CPU with %i layers on the GPU, losing no byte',
  (gpuLayers) => {
    const whole = predictFootprint(llama70b, { contextTokens: 4096 })
    const split = predictFootprint(llama70b, { contextTokens: 4096, placement: { kind: 'split', gpuLayers } })
    for (const part of ['weights', 'kvCache'] as const) {
      const of = (footprint: typeof whole) => footprintBytes(footprint.filter((one) => one.part === part))
      expect(of(split)).toBe(of(whole))
    }
    const bytesOf = (name: string, id: string, footprint = split) =>
      footprint.find(({ part, domain }) => part === name && domain === id)?.bytes ?? 0
    // The output goes first, then the last layers; the rows of the embeddings are taken in main memory.
    const layers = Math.max(0, Math.min(gpuLayers - 1, 80))
    expect(bytesOf('kvCache', 'vram')).toBe(Math.round((bytesOf('kvCache', 'unified', whole) * layers) / 80))
    expect(bytesOf('weights', 'vram') > 0).toBe(gpuLayers > 0)
    if (gpuLayers > 80) expect(bytesOf('weights', 'ram')).toBe(llama70b.inputBytes)
    // What is computed in batches is computed on the card, with the output copied over where it is not there.
    const copied = gpuLayers > 0 ? 0 : llama70b.outputBytes
    expect(bytesOf('compute', 'vram')).toBe(bytesOf('compute', 'unified', whole) + copied)
  },
)

test('adds 15 % to what was only predicted, never to weights or to what was measured', () => {
  expect(
    withAdmissionMargin([
      { part: 'weights', domain: 'unified', bytes: 10 * GB, source: 'predicted' },
      { part: 'kvCache', domain: 'unified', bytes: 1001, source: 'predicted' },
      { part: 'compute', domain: 'unified', bytes: 1000, source: 'measured' },
    ]).map(({ bytes }) => bytes),
  ).toEqual([10 * GB, 1152, 1000])
})

// 12 layers of which 10 see 1,024 tokens: what llama.cpp allocates (node-llama-cpp 3.21.1, flash attention, on the CPU).
const windowed = {
  ...llama70b,
  kvLayerGroups: [
    { layers: 2, kvHeads: 2, keyLength: 64, valueLength: 64, windowTokens: null },
    { layers: 10, kvHeads: 2, keyLength: 64, valueLength: 64, windowTokens: 1024 },
  ],
}

test('a full sliding-window cache takes what llama.cpp allocates for it, and needs no checkpoint', () => {
  const sliding = { contextTokens: 4096, kvType: 'f16', flashAttention: true, batchTokens: 512 } as const
  const full = { ...sliding, fullWindowCache: true }
  const dryRuns = [{ ...sliding, bytes: 24_160_992 }]
  const bytesOf = (options: typeof full | typeof sliding) =>
    kvCacheBytes(windowed, 4096, options) + contextComputeBytes({ ...windowed, dryRuns }, options)
  expect(bytesOf(sliding)).toBe(24_160_992)
  expect(bytesOf(full) / 38_295_552).toBeCloseTo(1, 2)
  expect(checkpointBytes(windowed, full)).toBe(0)
})

test('a checkpoint is as large as the windows and the recurrent state, within a hundredth', () => {
  expect(checkpointBytes(windowed, { contextTokens: 4096 }) / 5_255_432).toBeCloseTo(1, 2)
  expect(checkpointBytes(windowed, { contextTokens: 512 })).toBe(5120 * 512)
  expect(checkpointBytes(llama70b, { contextTokens: 4096 })).toBe(0)
  const recurrent = { kvLayerGroups: [], recurrentStateBytes: 311_296 }
  expect(checkpointBytes(recurrent, { contextTokens: 4096 }) / 311_516).toBeCloseTo(1, 2)
})

// Measured with AMX and without, files mapped: llama 3.2 1B of 4 layers, where the embeddings are the output too, as bench/prediction.ts has it.
test('knows which weights the processor computes with in another order', () => {
  const file = {
    tensorTypes: [
      { type: 'Q8_0', tensors: 29, bytes: 537_395_200 },
      { type: 'F32', tensors: 9, bytes: 73_728 },
    ],
    ...{ weightBytes: 537_468_928, inputBytes: 279_085_056, outputBytes: 8192, vocabularySize: 128_256 },
    experts: null,
  }
  const layersBytes = 537_395_200 - 279_085_056
  const none = { movedBytes: 0, madeBytes: 0 }
  expect(rearrangedBytes(file)).toEqual(none)
  const { movedBytes, madeBytes } = rearrangedBytes(file, { hasAmx: true })
  expect(movedBytes).toBe(layersBytes)
  expect(madeBytes).toBeCloseTo((537_395_200 * 38) / 34, -1)
  // A vocabulary that cannot be cut into pieces of 32 rows stays as an output.
  const odd = rearrangedBytes({ ...file, vocabularySize: 50_280 }, { hasAmx: true })
  expect(odd.madeBytes).toBeCloseTo((layersBytes * 38) / 34, -1)
  // Experts do not go to the matrix unit.
  const experts = { count: 8, used: 2, feedForwardLength: 5632 }
  expect(rearrangedBytes({ ...file, experts }, { hasAmx: true })).toEqual(none)

  const weights = (fileAccess: 'mmap' | 'read') =>
    predictFootprint({ ...llama70b, ...file }, { contextTokens: 4096, fileAccess, hasAmx: true })[0]?.bytes
  expect(weights('mmap')).toBeCloseTo(file.weightBytes + madeBytes, -1)
  expect(weights('read')).toBeCloseTo(file.weightBytes + madeBytes - layersBytes, -1)
})
