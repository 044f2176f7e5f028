import { describe, expect, it } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import type { Domain, LoadPreview, PoolSnapshot, Resident } from '../../contract/memory.ts'
import {
  ghostOf,
  isMeasured,
  outsidePool,
  poolBlocks,
  residentBytes,
  sourceText,
  stateText,
  summarise,
  usedKvBytes,
  type Ghost,
} from './blocks.ts'

const resident = (modelId: string, gigabytes: number, changes: Partial<Resident> = {}): Resident => ({
  modelId,
  name: modelId,
  state: 'ready',
  pinned: false,
  leases: 0,
  footprint: [
    { part: 'weights', domain: 'unified', bytes: 0.75 * gigabytes * GB, source: 'measured' },
    { part: 'kvCache', domain: 'unified', bytes: 0.25 * gigabytes * GB, source: 'measured' },
  ],
  predicted: [],
  loadedWith: null,
  warnings: [],
  contexts: [],
  contextTokens: 1000,
  usedTokens: 100,
  kvBytesPerToken: 1024,
  kvBudgetBytes: GB,
  processId: 1,
  loadedBytes: null,
  waitingFor: null,
  problem: null,
  loadedAt: 0,
  lastUsedAt: 0,
  ...changes,
})

function poolOf(
  residents: readonly Resident[],
  { totalBytes, machine }: { totalBytes: number; machine: PoolSnapshot['machine'] },
): { readonly pool: PoolSnapshot; readonly domain: Domain } {
  const usedBytes = residents.reduce((sum, item) => sum + residentBytes(item), 0)
  const domain: Domain = {
    id: 'unified',
    name: 'Unified memory',
    totalBytes,
    reserveBytes: GB,
    otherBytes: 2 * GB,
    usedBytes,
    freeBytes: totalBytes - usedBytes - 3 * GB,
  }
  const counters = { loads: 0, unloads: 0, evictions: 0, refusals: 0, crashes: 0, reliefs: 0 }
  const pool: PoolSnapshot = {
    kind: 'unified',
    machine,
    device: 'CPU',
    domains: [domain],
    residents: [...residents],
    lastResidents: [],
    ...{ kv: { reservedBytes: 0, unusedBytes: 0, strandedBytes: 0 }, isUnderPressure: false, thrash: null },
    counters,
    events: [],
  }
  return { pool, domain }
}

const whole = { name: 'Machine', totalBytes: 24 * GB, otherBytes: 2 * GB }

describe('poolBlocks', () => {
  it('fills the machine exactly, largest block first', () => {
    const { pool, domain } = poolOf([resident('a', 4), resident('b', 8)], {
      totalBytes: 24 * GB,
      machine: whole,
    })
    const blocks = poolBlocks(pool, domain, { view: 'machine', models: [] })
    expect(blocks.map(({ key, bytes }) => [key, bytes / GB])).toEqual([
      ['free', 9],
      ['model:b', 8],
      ['model:a', 4],
      ['other', 2],
      ['reserve', 1],
    ])
  })

  it('shows what --pool-size leaves of the machine as blocks outside the pool', () => {
    const machine = { name: 'Machine', totalBytes: 24 * GB, otherBytes: 7 * GB }
    const { pool, domain } = poolOf([resident('a', 0.5)], { totalBytes: 8 * GB, machine })
    const blocks = poolBlocks(pool, domain, { view: 'machine', models: [] })
    expect(blocks.map(({ key, bytes }) => [key, bytes / GB])).toEqual([
      ['outside', 11],
      ['other', 7],
      ['free', 4.5],
      ['reserve', 1],
      ['model:a', 0.5],
    ])
    expect(blocks.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(machine.totalBytes)
    expect(outsidePool(pool, domain)).toEqual({ otherBytes: 5 * GB, restBytes: 11 * GB })
  })

  it('keeps models in view that hold nothing, and takes the price of a ghost from what is free', () => {
    const failed = resident('a', 0, { state: 'failed', footprint: [] })
    const { pool, domain } = poolOf([failed], { totalBytes: 24 * GB, machine: whole })
    const ghost = ghostOfBytes('b', 6 * GB)
    const keys = (view: 'machine' | 'models') =>
      poolBlocks(pool, domain, { view, models: [], ghost }).map(({ key, bytes }) => [key, bytes / GB])
    expect([keys('machine'), keys('models')]).toEqual([
      [
        ['free', 15],
        ['ghost:b', 6],
        ['other', 2],
        ['reserve', 1],
        ['model:a', 0],
      ],
      [
        ['ghost:b', 6],
        ['model:a', 0],
      ],
    ])
  })
})

describe('a ghost', () => {
  it('stands in place of the model that would be loaded again', () => {
    const { pool, domain } = poolOf([resident('a', 4), resident('b', 2)], {
      totalBytes: 24 * GB,
      machine: whole,
    })
    const blocks = poolBlocks(pool, domain, { view: 'machine', models: [], ghost: ghostOfBytes('a', 7 * GB) })
    expect(blocks.map(({ key, bytes }) => [key, bytes / GB])).toEqual([
      ['free', 12],
      ['ghost:a', 7],
      ['model:b', 2],
      ['other', 2],
      ['reserve', 1],
    ])
  })

  it('says in each domain what is taken there, with which context, and what that means', () => {
    const preview = previewOf({ kind: 'evicts', leaving: [{ modelId: 'b', name: 'B', freesBytes: GB }] })
    const inDomain = (domain: Domain['id']) => ghostOf(preview, { name: 'A', domain })
    expect([inDomain('unified'), inDomain('vram')]).toEqual([
      {
        ...{ modelId: 'a', name: 'A', bytes: 3 * GB, footprint: preview.footprint },
        ...{ notes: ['4.1k to 8.2k context', 'B leaves'], verdict: 'evicts' },
      },
      null,
    ])
    expect(ghostOf(previewOf({ kind: 'resident' }), { name: 'A', domain: 'unified' })).toBeNull()
  })
})

describe('usedKvBytes', () => {
  it('never says more than is reserved', () =>
    expect(usedKvBytes(resident('a', 1, { usedTokens: 10_000_000 }))).toBe(0.25 * GB))
})

describe('summarise', () => {
  it('says in one sentence what the picture shows', () => {
    const { pool, domain } = poolOf([resident('Guide', 4), resident('Coder', 8)], {
      totalBytes: 24 * GB,
      machine: whole,
    })
    expect(summarise(pool, domain)).toBe(
      'Unified memory, 24.0 GB: 2 models hold 12.0 GB (Coder 8.00 GB, Guide 4.00 GB), other programs hold 2.00 GB, 1.00 GB is kept in reserve, 9.00 GB is free.',
    )
  })
})

function ghostOfBytes(modelId: string, bytes: number): Ghost {
  return { modelId, name: modelId, bytes, footprint: [], notes: ['4.1k context', 'fits'], verdict: 'fits' }
}

function previewOf(verdict: LoadPreview['verdict']): LoadPreview {
  return {
    modelId: 'a',
    contextTokens: 8192,
    footprint: [
      { part: 'weights', domain: 'unified', bytes: 2 * GB, source: 'predicted' },
      { part: 'kvCache', domain: 'unified', bytes: GB, source: 'predicted' },
    ],
    loadedWith: {
      ...{ contextTokens: 4096, gpuLayers: null, kvType: 'f16', flashAttention: true, batchTokens: 512 },
      ...{ threads: 1, fileAccess: 'mmap' },
    },
    fullBytes: 4 * GB,
    warnings: [],
    verdict,
  }
}

describe('where numbers come from', () => {
  const sourcesOf = (weights: 'measured' | 'predicted') => {
    const footprint = [
      { part: 'weights', domain: 'unified', bytes: GB, source: weights },
      { part: 'kvCache', domain: 'unified', bytes: GB, source: 'predicted' },
    ] as const
    return [isMeasured({ footprint }), ...footprint.map((part) => sourceText({ footprint }, part))]
  }

  it('tells the computed KV cache of a loaded model from a prediction', () => {
    expect([sourcesOf('measured'), sourcesOf('predicted')]).toEqual([
      [true, 'measured', 'computed'],
      [false, 'predicted', 'predicted'],
    ])
  })
})

describe('stateText', () => {
  it('says what a model waits for in the words of the host', () => {
    const waitingFor = 'Waiting for "Guide" to be done'
    expect([
      stateText(resident('a', 1, { state: 'queued', waitingFor })),
      stateText(resident('a', 1, { state: 'queued' })),
    ]).toEqual([waitingFor, 'Waiting for its turn'])
  })
})
