import { expect, it } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import type { ModelFacts } from '../../contract/model.ts'
import type { PipelineFile, PipelineModel } from '../../contract/pipeline.ts'
import type { ThisMachine } from './pipeline-machine.ts'
import { planPipeline } from './pipeline-plan.ts'
import type { KnownModel } from './pipeline-sizes.ts'

const here: ThisMachine = {
  ...{ name: 'A desk', kind: 'unified', detectedBytes: 24 * GB, isCpu: true, hasAmx: false },
  rooms: [{ id: 'unified', name: 'Unified memory', totalBytes: 24 * GB, reserveBytes: 2 * GB }],
  ...{ bandwidth: null, operations: null, runtimeBytes: undefined },
  defaults: { contextTokens: 32_768, startContextTokens: 4096, evictionPolicy: 'cost', threads: 1 },
  reading: { platform: 'linux', device: { name: 'CPU', isUnified: true }, loads: [] },
  nvlink: { isThere: false, found: 'This machine has no NVLink C2C' },
  windowsArm: { isThere: false, found: 'Plenum runs natively on linux x64 here' },
}

const sample: PipelineFile = {
  memory: {
    ...{ pool_type: 'unified', total_gb: 128, reserve_gb: 8, eviction_policy: 'lru_access' },
    kv_cache_budget_gb: 6,
  },
  models: [
    model('orchestrator-70b', 42, { quantization: 'fp4', max_context: 4096 }),
    model('specialist-30b', 20, { quantization: 'q4_k_m', max_context: 2048 }),
    model('verifier-7b', 7, { quantization: 'q8_0', max_context: 1024, bandwidth_throttle: false }),
  ],
  runtime: { nvlink_c2c: 'enabled', windows_arm_native: true, speculative_decoding: false },
}

function model(id: string, gb: number, more: Partial<PipelineModel> = {}): PipelineModel {
  return { id, path: `${id}.gguf`, estimated_footprint_gb: gb, ...more }
}

const missing: KnownModel = {
  ...{ path: '/models/x.gguf', name: '', modelId: null, file: { kind: 'missing' }, lesson: undefined },
  ...{ readingSpeed: null, decodingSpeed: null },
}

function plan(file: PipelineFile, machine = here, known: readonly KnownModel[] = []) {
  const all = file.models.map((_, index) => known[index] ?? missing)
  const { plan: planned, findings } = planPipeline(file, { known: all, here: machine })
  return {
    ...planned,
    said: findings.map(({ severity, at, message }) => `${severity} ${at.join('.')}: ${message}`),
  }
}

it('adds up the sample: 42, 20 and 7 GB of 128 − 8 leave 51, and 33 with every KV cache at its budget', () => {
  const { rooms, fits, fitsHere, machine, reloadsPerTurn } = plan(sample)
  expect(rooms).toEqual([
    {
      ...{ domain: 'unified', name: 'Unified memory', totalBytes: 128 * GB, reserveBytes: 8 * GB },
      ...{ capacityBytes: 120 * GB, usedBytes: 69 * GB, grownBytes: 87 * GB },
    },
  ])
  expect({ fits, fitsHere, reloadsPerTurn }).toEqual({ fits: 'together', fitsHere: 'no', reloadsPerTurn: 0 })
  expect(machine).toMatchObject({
    isHere: false,
    name: 'A machine like RTX Spark',
    bandwidth: { value: 300e9 },
  })
})

it('expects what bandwidth ÷ bytes allow: not quite 7 tokens a second of 42 GB at 300 GB/s', () => {
  const { steps } = plan(sample)
  expect(
    steps.map(({ modelId, tokensPerSecond }) => [modelId, Number(tokensPerSecond?.value.toFixed(1))]),
  ).toEqual([
    ['orchestrator-70b', 6.7],
    ['specialist-30b', 14],
    ['verifier-7b', 39.9],
  ])
  const faster = plan({ ...sample, memory: { ...sample.memory, bandwidth_gb_s: 600 } })
  expect(faster.steps[0]?.tokensPerSecond).toMatchObject({ source: 'file' })
  expect(faster.steps[0]?.tokensPerSecond?.value).toBeCloseTo(2 * (steps[0]?.tokensPerSecond?.value ?? 0))
})

it('tells what each key of the sample has come to', () => {
  const { said } = plan(sample)
  expect(said.map((line) => line.split(':')[0])).toEqual([
    'warning memory.total_gb',
    'note memory.eviction_policy',
    'warning models.0.path',
    'warning models.1.path',
    'warning models.2.path',
    'warning models.1.max_context',
    'warning models.2.max_context',
    'warning models.2.bandwidth_throttle',
    'note runtime.nvlink_c2c',
    'note runtime.windows_arm_native',
    'note runtime.speculative_decoding',
  ])
  // 2,048 tokens of about 331 KB.
  expect(said[5]).toMatch(
    /holds 4,096 tokens and hands over .* holds 2,048: the KV cache of 2,048 tokens \(about 6\d\d MB\)/,
  )
  expect(said[7]).toContain('goes from 6.7 to about 3.3 tokens a second')
})

it('counts what has to be loaded again in each turn where the set does not fit', () => {
  const small: PipelineFile = {
    memory: { total_gb: 24, reserve_gb: 2, eviction_policy: 'lru' },
    models: [model('a', 10), model('b', 9), model('c', 8)],
  }
  const { fits, reloadsPerTurn, steps, said } = plan(small)
  expect(fits).toBe('inTurns')
  // Three in turn through room for two: least recently used is always the one that is needed next.
  expect(reloadsPerTurn).toBe(3)
  expect(steps.map(({ reload }) => reload?.leaving)).toEqual([['b'], ['c'], ['a']])
  expect(said.find((line) => line.startsWith('warning models:'))).toContain(
    'The set needs 27.0 GB, and models may have 22.0 GB',
  )
  const pinned = plan({
    ...small,
    models: [model('a', 10, { pinned: true }), model('b', 9, { pinned: true }), model('c', 8)],
  })
  expect(pinned.said.join()).toContain('beside pinned models "c" finds no room')
})

it('has one of several labels in each turn', () => {
  const labelled = (id: string, gb: number) => model(id, gb, { role: { labels: [{ name: id }] } })
  const { reloadsPerTurn, reloadBytesPerTurn } = plan({
    memory: { total_gb: 24, reserve_gb: 2, eviction_policy: 'lru' },
    models: [labelled('a', 12), labelled('b', 12)],
  })
  expect({ reloadsPerTurn, reloadBytesPerTurn }).toEqual({ reloadsPerTurn: 1, reloadBytesPerTurn: 12 * GB })
})

it('says of a model that does not fit where, and what would help', () => {
  const { fits, said } = plan({ models: [model('a', 30), model('b', 7168)] })
  expect(fits).toBe('no')
  expect(said.filter((line) => line.startsWith('error'))).toEqual([
    'error models.0.estimated_footprint_gb: "a" needs 30.0 GB of unified memory, and models may have 22.0 GB',
    'error models.1.estimated_footprint_gb: "b" needs 7.00 TB of unified memory, and models may have 22.0 GB',
  ])
  const { findings } = planPipeline({ models: [model('b', 7168)] }, { known: [missing], here })
  expect(findings.find(({ severity }) => severity === 'error')?.help).toBe('If these are MB, write 7')
  expect(plan({ models: [{ id: 'a', path: 'a.gguf' }] }).said.join()).toContain(
    'error models.0.path: "a" has no file',
  )
})

it('warns of batch jobs, and of steps that no context holds', () => {
  const file: PipelineFile = {
    ...sample,
    steps: [
      {
        step: 'answer',
        model: 'orchestrator-70b',
        prompt_tokens: 2000,
        answer_tokens: 500,
        requests: 10_000,
      },
      { step: 'verify', model: 'verifier-7b', prompt_tokens: 2000 },
    ],
  }
  const { said, steps } = plan(file)
  expect(said.join('\n')).toMatch(
    /warning steps\.0\.requests: 10,000 requests take about 1\d days, one after the other/,
  )
  expect(said.join('\n')).toContain('warning steps.1: The step "verify" reads 2,000')
  expect(steps[0]).toMatchObject({ requests: 10_000, promptTokens: 2000, answerTokens: 500 })
})

it('takes steps from roles: who routes and who verifies, and a repair that is rare', () => {
  const file: PipelineFile = {
    ...sample,
    models: [
      { ...sample.models[0]!, role: { labels: [{ name: 'hard' }] } },
      { ...sample.models[1]!, role: { labels: [{ name: 'code' }] } },
      { ...sample.models[2]!, role: { routes: true, verifies: true } },
    ],
  }
  const { steps, said, turnSeconds } = plan(file)
  // One of the two answers in each turn: the slower one counts.
  const counted = [steps[0], steps[1], steps[3]].map((step) => step?.seconds ?? 0)
  expect(turnSeconds).toBeCloseTo(counted.reduce((sum, each) => sum + each))
  expect(steps.map(({ label }) => label)).toEqual([null, 'hard', 'code', null, null])
  expect(steps.map(({ step, modelId, isRare }) => [step, modelId, isRare])).toEqual([
    ['route', 'verifier-7b', false],
    ['answer', 'orchestrator-70b', false],
    ['answer', 'specialist-30b', false],
    ['verify', 'verifier-7b', false],
    ['repair', 'specialist-30b', true],
  ])
  // Models with labels answer in place of each other: between them nothing is stranded.
  expect(said.filter((line) => line.includes('hands over'))).toHaveLength(1)
  const always = plan({ ...file, runtime: { ...file.runtime, early_stopping: false } })
  expect(always.steps.at(-1)?.isRare).toBe(false)
})

const facts: ModelFacts = {
  ...{ architecture: 'llama', title: 'A', parameters: 8e9, quantization: 'Q4_K_M', weightBytes: 4 * GB },
  ...{ tensorTypes: [], inputBytes: 200 * MB, outputBytes: 200 * MB, layers: 32, embeddingLength: 4096 },
  ...{
    feedForwardLength: 14_336,
    headCount: 32,
    vocabularySize: 128_256,
    mergeCount: 0,
    trainContextTokens: 8192,
  },
  kvLayerGroups: [{ layers: 32, kvHeads: 8, keyLength: 128, valueLength: 128, windowTokens: null }],
  ...{ recurrentStateBytes: 0, kvBytesPerToken: 131_072, experts: null, dryRuns: [], hasChatTemplate: true },
  ...{ recommendedSampling: {}, license: null, author: null, description: null },
}
const usable: KnownModel = { ...missing, name: 'A', modelId: 'a', file: { kind: 'usable', facts } }

it('predicts a file that is there by its parts, and goes by what was measured', () => {
  const file: PipelineFile = {
    memory: { kv_cache_budget_gb: 1 },
    models: [model('a', 20, { max_context: 16_384, quantization: 'q8_0' })],
  }
  const measured = { ...usable, readingSpeed: 100, decodingSpeed: 5 }
  const { models, steps, said, rooms } = plan(file, here, [measured])
  const [only] = models
  expect(only?.parts.map(({ part }) => part)).toEqual(['weights', 'kvCache', 'compute', 'runtime'])
  expect(only).toMatchObject({
    ...{ contextTokens: 8192, startContextTokens: 4096, kvBudgetBytes: GB, kvBudgetTokens: 8192 },
    kvBytesPerToken: { value: 131_072 },
  })
  // From 4,096 tokens to the 8,192 that the budget holds.
  expect((rooms[0]?.grownBytes ?? 0) - (rooms[0]?.usedBytes ?? 0)).toBe(GB / 2)
  expect(steps[0]).toMatchObject({
    tokensPerSecond: { value: 5, source: 'measured' },
    firstTokenMs: { value: 10_000, source: 'measured' },
  })
  expect(said).toEqual([
    'warning models.0.quantization: The file of "a" is Q4_K_M, not q8_0',
    'warning models.0.max_context: "a" was trained for 8,192 tokens: it gets no more',
    expect.stringMatching(/^note models\.0\.estimated_footprint_gb: "a" is predicted to take 4\.\d\d GB/),
  ])
})

it('reads of experts only those in use', () => {
  const experts: ModelFacts = {
    ...facts,
    ...{ parameters: 80e9, weightBytes: 45 * GB, layers: 48, embeddingLength: 2048 },
    experts: { count: 512, used: 10, feedForwardLength: 512 },
  }
  const machine: ThisMachine = {
    ...here,
    ...{ detectedBytes: 128 * GB, bandwidth: { value: 273e9, source: 'published', from: 'published' } },
    rooms: [{ id: 'unified', name: 'Unified memory', totalBytes: 128 * GB, reserveBytes: 8 * GB }],
  }
  const known: KnownModel = { ...usable, file: { kind: 'usable', facts: experts } }
  const { steps } = plan({ models: [{ id: 'a', path: 'a' }] }, machine, [known])
  // Dense it would be under 6.
  expect(steps[0]?.tokensPerSecond?.value).toBeGreaterThan(50)
})

it('puts the weights of a draft into the process of its model, unless drafts are off', () => {
  const file: PipelineFile = { models: [model('big', 10, { draft: 'small' }), model('small', 1)] }
  expect(plan(file).models.map(({ bytes }) => bytes / GB)).toEqual([11, 1])
  expect(
    plan({ ...file, runtime: { speculative_decoding: false } }).models.map(({ bytes }) => bytes / GB),
  ).toEqual([10, 1])
})
