import { describe, expect, it } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import type { Domain, LoadPreview } from '../../contract/memory.ts'
import {
  ghostOf,
  isMeasured,
  outsidePool,
  poolBlocks,
  sourceText,
  stateText,
  summarise,
  usedKvBytes,
  type Block,
  type Ghost,
} from './blocks.ts'
import { footprintOf, poolOf, recordedSplitPool, residentOf as resident } from './testing-pool.ts'

describe('poolBlocks', () => {
  it('fills the machine exactly, largest block first', () => {
    const { pool, domain } = poolOf([resident('a', 4), resident('b', 8)])
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
    const { pool, domain } = poolOf([failed])
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
    const { pool, domain } = poolOf([resident('a', 4), resident('b', 2)])
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
    const { pool, domain } = poolOf([resident('Guide', 4), resident('Coder', 8)])
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
    startContextTokens: 4096,
    contextTokens: 8192,
    footprint: [
      { part: 'weights', domain: 'unified', bytes: 2 * GB, source: 'predicted' },
      { part: 'kvCache', domain: 'unified', bytes: GB, source: 'predicted' },
    ],
    loadedWith: {
      ...{ contextTokens: 4096, gpuLayers: null, kvType: 'f16', flashAttention: true, batchTokens: 512 },
      ...{ threads: 1, fileAccess: 'mmap', fullWindowCache: false },
    },
    grownBytes: 4 * GB,
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

describe('a split pool', () => {
  // Constructed: a 24 GB card beside 64 GB of main memory, and a 70B that is half on the card.
  const half = resident('half', 0, {
    footprint: [
      ...footprintOf({ weights: 19, kvCache: 1, compute: 0.5 }, { domain: 'vram', source: 'measured' }),
      ...footprintOf(
        { weights: 21, kvCache: 1.25, compute: 0.25, runtime: 0.25 },
        { domain: 'ram', source: 'measured' },
      ),
    ],
  })
  const inMain = resident('small', 0, {
    footprint: footprintOf({ weights: 2 }, { domain: 'ram', source: 'measured' }),
  })
  const domains: readonly Domain[] = [
    {
      ...{ id: 'vram', name: 'NVIDIA RTX 4090', totalBytes: 24 * GB, reserveBytes: 1.5 * GB, otherBytes: 0 },
      ...{ usedBytes: 20.5 * GB, freeBytes: 2 * GB },
    },
    {
      ...{ id: 'ram', name: 'Main memory', totalBytes: 64 * GB, reserveBytes: 4 * GB, otherBytes: 6 * GB },
      ...{ usedBytes: 24.75 * GB, freeBytes: 29.25 * GB },
    },
  ]
  const { pool } = poolOf([half, inMain], {
    ...{ kind: 'split', domains: [...domains], device: 'NVIDIA RTX 4090' },
    machine: { name: 'Machine', totalBytes: 64 * GB, otherBytes: 6 * GB },
  })
  const blocksIn = (domain: Domain) =>
    poolBlocks(pool, domain, { view: 'machine', models: [] }).map(({ key, bytes }) => [key, bytes / GB])

  it('shows each domain whole, and a model in both of them with what it takes there', () => {
    expect(domains.map((domain) => blocksIn(domain))).toEqual([
      [
        ['model:half', 20.5],
        ['free', 2],
        ['reserve', 1.5],
      ],
      [
        ['free', 29.25],
        ['model:half', 22.75],
        ['other', 6],
        ['reserve', 4],
        ['model:small', 2],
      ],
    ])
    expect(
      domains.map((domain) => blocksIn(domain).reduce((sum, [, size]) => sum + Number(size), 0)),
    ).toEqual([24, 64])
  })

  it('says in a sentence of each domain what is in it', () => {
    expect(domains.map((domain) => summarise(pool, domain))).toEqual([
      'NVIDIA RTX 4090, 24.0 GB: 1 model holds 20.5 GB (half 20.5 GB), other programs hold 0 B, 1.50 GB is kept in reserve, 2.00 GB is free.',
      'Main memory, 64.0 GB: 2 models hold 24.8 GB (half 22.8 GB, small 2.00 GB), other programs hold 6.00 GB, 4.00 GB is kept in reserve, 29.3 GB is free.',
    ])
  })

  it('adds up in both domains as a host with a real device tells it', () => {
    const recorded = recordedSplitPool()
    for (const domain of recorded.domains) {
      const blocks = poolBlocks(recorded, domain, { view: 'machine', models: [] })
      const sum = (items: readonly Block[]) => items.reduce((bytes, block) => bytes + block.bytes, 0)
      expect(sum(blocks)).toBe(domain.totalBytes)
      expect(sum(blocks.filter(({ kind }) => kind === 'resident'))).toBe(domain.usedBytes)
    }
    const [guide] = recorded.residents.filter(({ name }) => name === 'Guide')
    // All of the KV cache is on the card, so what is used of it is there, too.
    expect(guide && [usedKvBytes(guide, 'vram'), usedKvBytes(guide, 'ram')]).toEqual([29 * 1280, 0])
  })
})
