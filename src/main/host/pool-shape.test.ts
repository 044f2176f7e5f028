import { describe, expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import type { ModelFacts } from '../../contract/model.ts'
import { placeModel, poolDomains, poolShape } from './pool-shape.ts'

const detected = { poolSizeBytes: null, reserveBytes: null }
const cpu = { name: 'CPU', totalBytes: 0, isUnified: true }
const card = { name: 'NVIDIA RTX 4090', totalBytes: 24 * GB, isUnified: false }

/** A 70B of Llama's shape, 40 GB of weights. */
const facts = {
  weightBytes: 40 * GB,
  inputBytes: 0,
  outputBytes: GB / 2,
  mergeCount: 0,
  dryRuns: [],
  tensorTypes: [],
  layers: 80,
  embeddingLength: 8192,
  feedForwardLength: 28_672,
  vocabularySize: 128_256,
  experts: null,
  recurrentStateBytes: 0,
  kvLayerGroups: [{ layers: 80, kvHeads: 8, keyLength: 128, valueLength: 128, windowTokens: null }],
} as unknown as ModelFacts

describe('the domains of a pool', () => {
  test('are one where CPU and GPU share their memory, a sixteenth of it in reserve', () => {
    expect(poolDomains(poolShape(cpu, 128 * GB), detected)).toEqual([
      { id: 'unified', name: 'Unified memory', totalBytes: 128 * GB, reserveBytes: 8 * GB },
    ])
  })

  test('keep what the device may not use, such as beyond the wired limit of a Mac', () => {
    const mac = { name: 'Metal: Apple M4 Max', totalBytes: 96 * GB, isUnified: true }
    expect(poolDomains(poolShape(mac, 128 * GB), detected)[0]?.reserveBytes).toBe(32 * GB)
  })

  test('have the size and reserve that were set', () => {
    expect(poolDomains(poolShape(cpu, 128 * GB), { poolSizeBytes: 4 * GB, reserveBytes: 512 * MB })).toEqual([
      { id: 'unified', name: 'Unified memory', totalBytes: 4 * GB, reserveBytes: 512 * MB },
    ])
  })

  test('are two where a card has memory of its own; what is set is for the card', () => {
    expect(poolDomains(poolShape(card, 64 * GB), { poolSizeBytes: 16 * GB, reserveBytes: null })).toEqual([
      { id: 'vram', name: 'NVIDIA RTX 4090', totalBytes: 16 * GB, reserveBytes: GB },
      { id: 'ram', name: 'Main memory', totalBytes: 64 * GB, reserveBytes: 4 * GB },
    ])
  })

  test('are refused when the reserve leaves nothing', () => {
    expect(() => poolDomains(poolShape(cpu, 8 * GB), { poolSizeBytes: GB, reserveBytes: GB })).toThrow(
      'Cannot reserve the whole pool: nothing would be left for models',
    )
  })
})

describe('the place of a model', () => {
  test('is the whole of a unified pool', () => {
    const shape = poolShape(cpu, 128 * GB)
    const domains = poolDomains(shape, detected)
    expect(
      placeModel(facts, { shape, domains, load: { contextTokens: 4096 }, gpuLayers: undefined }),
    ).toEqual({
      kind: 'unified',
    })
  })

  test('is the card for as many layers as it could hold, unless somebody says how many', () => {
    const shape = poolShape(card, 64 * GB)
    const domains = poolDomains(shape, detected)
    const place = (gpuLayers: number | undefined, model = facts) =>
      placeModel(model, { shape, domains, load: { contextTokens: 4096 }, gpuLayers })
    // 22.5 GB are not in reserve; a layer takes half a GB.
    expect(place(undefined)).toEqual({ kind: 'split', gpuLayers: 43 })
    expect(place(12)).toEqual({ kind: 'split', gpuLayers: 12 })
    expect(place(500)).toEqual({ kind: 'split', gpuLayers: 81 })
    expect(place(undefined, { ...facts, weightBytes: 10 * GB })).toEqual({ kind: 'split', gpuLayers: 81 })
    // Not one of its layers, but the output.
    expect(place(undefined, { ...facts, weightBytes: 9000 * GB })).toEqual({ kind: 'split', gpuLayers: 1 })
  })
})
