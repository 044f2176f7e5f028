import { expect, test } from 'vitest'
import { contextComputeBytes, kvCacheBytes } from '../core/footprint.ts'
import { ContextMemory } from './context-memory.ts'

const facts = {
  kvLayerGroups: [{ layers: 5, kvHeads: 2, keyLength: 32, valueLength: 32, windowTokens: null }],
  ...{ recurrentStateBytes: 0, headCount: 4, embeddingLength: 128, feedForwardLength: 384 },
  ...{ vocabularySize: 4096, experts: null },
}
const usage = { privateBytes: 50e6, mappedBytes: 4e6, deviceBytes: 0 }

test('a context of another size is judged by one that was measured, with what its size changes', () => {
  const memory = new ContextMemory({ facts, domains: { host: 'unified', device: 'unified' } })
  const made = { kvType: 'f16', flashAttention: false, batchTokens: 512, fullWindowCache: false } as const
  memory.start({
    usage,
    weights: { hostBytes: 4e6, deviceBytes: 0 },
    // As it was loaded, with the size that it began with.
    made: Object.assign({ contextTokens: 256 }, made),
  })
  const computeBytes = (contextTokens: number) => contextComputeBytes(facts, { ...made, contextTokens })
  const kvBytes = kvCacheBytes(facts, 256)
  // A tenth more than by arithmetic.
  const allocated = { hostBytes: kvBytes + 1.1 * computeBytes(256), deviceBytes: 0 }
  memory.takeSample({ contextTokens: 256, kvBytes, allocated })
  const prospect = memory.prospect(1024)
  expect(prospect.kvBytes).toBe(4 * kvBytes)
  expect(prospect.allocated.hostBytes).toBeCloseTo(4 * kvBytes + 1.1 * computeBytes(1024), 3)
  expect(computeBytes(1024)).toBeGreaterThan(2 * computeBytes(256))
  expect(memory.domainBytes(prospect, { kvBytes, allocated })).toEqual({
    unified: Math.round(prospect.allocated.hostBytes - allocated.hostBytes),
  })
})
