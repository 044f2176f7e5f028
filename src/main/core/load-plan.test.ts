import { describe, expect, test } from 'vitest'
import { MB } from '../../contract/bytes.ts'
import type { LoadOptions, ModelFacts } from '../../contract/model.ts'
import { resolveLoad } from './load-plan.ts'

/** 512 KV bytes a token, Q8_0 weights. */
const facts = {
  weightBytes: 100 * MB,
  inputBytes: 10 * MB,
  tensorTypes: [{ type: 'Q8_0', tensors: 1, bytes: 100 * MB }],
  trainContextTokens: 8192,
  recurrentStateBytes: 0,
  kvLayerGroups: [{ layers: 1, kvHeads: 2, keyLength: 64, valueLength: 64, windowTokens: null }],
} as unknown as ModelFacts

const resolve = (options: LoadOptions, changes: Partial<ModelFacts> = {}, isCpu = true) =>
  resolveLoad({ ...facts, ...changes }, options, {
    ...{ contextTokens: 4096, threads: 3, isCpu },
    reading: { platform: 'linux', device: { name: 'CPU', isUnified: true }, loads: [] },
  })

describe('how a model is loaded', () => {
  test('follows the settings where nothing is said', () => {
    expect(resolve({})).toEqual({
      contextTokens: 4096,
      kvType: 'f16',
      flashAttention: true,
      batchTokens: 512,
      threads: 3,
      fileAccess: 'mmap',
      fileAccessReason: 'what is in the system cache is there at once',
      fullWindowCache: false,
      warnings: [],
    })
  })

  test('follows what was asked for, up to the training context', () => {
    const options = { contextTokens: 100_000, threads: 1, batchTokens: 64, fileAccess: 'direct' } as const
    expect(resolve({ ...options, kvType: 'q8_0', flashAttention: 'on' })).toEqual({
      contextTokens: 8192,
      kvType: 'q8_0',
      flashAttention: true,
      batchTokens: 64,
      threads: 1,
      fileAccess: 'direct',
      fileAccessReason: null,
      fullWindowCache: false,
      warnings: [],
    })
  })

  test('leaves flash attention out for narrow heads, but not for a q8_0 cache', () => {
    const narrow = {
      kvLayerGroups: [{ layers: 1, kvHeads: 2, keyLength: 32, valueLength: 32, windowTokens: null }],
    }
    expect(resolve({}, narrow).flashAttention).toBe(false)
    expect(resolve({ flashAttention: 'on' }, narrow).flashAttention).toBe(true)
    expect(resolve({ kvType: 'q8_0' }, narrow)).toMatchObject({ flashAttention: true, kvType: 'q8_0' })
  })

  test('keeps a full window cache only for models that have windows', () => {
    const [group] = facts.kvLayerGroups
    const windowed = { kvLayerGroups: [{ ...group!, windowTokens: 1024 }] }
    expect(resolve({ fullWindowCache: true }, windowed).fullWindowCache).toBe(true)
    expect(resolve({}, windowed).fullWindowCache).toBe(false)
    expect(resolve({ fullWindowCache: true }).fullWindowCache).toBe(false)
  })

  test('takes f16 and says why where q8_0 cannot be', () => {
    const { kvType, flashAttention, warnings } = resolve({ kvType: 'q8_0', flashAttention: 'off' })
    expect({ kvType, flashAttention, warnings }).toEqual({
      kvType: 'f16',
      flashAttention: false,
      warnings: ['A q8_0 KV cache needs flash attention, which is switched off: it is f16 instead'],
    })
    const odd = {
      kvLayerGroups: [{ layers: 1, kvHeads: 2, keyLength: 80, valueLength: 80, windowTokens: null }],
    }
    expect(resolve({ kvType: 'q8_0' }, odd)).toMatchObject({
      kvType: 'f16',
      warnings: [
        'A q8_0 KV cache needs heads of a multiple of 32, which this model does not have: it is f16 instead',
      ],
    })
  })

  test('does without flash attention where keys and values differ in length', () => {
    const latent = {
      kvLayerGroups: [{ layers: 1, kvHeads: 1, keyLength: 576, valueLength: 0, windowTokens: null }],
    }
    expect(resolve({}, latent)).toMatchObject({ flashAttention: false, warnings: [] })
    expect(resolve({ flashAttention: 'on', kvType: 'q8_0' }, latent)).toMatchObject({
      flashAttention: false,
      kvType: 'f16',
      warnings: [
        'Flash attention is not supported for this model: it is off',
        'A q8_0 KV cache needs flash attention, which this model does not support: it is f16 instead',
      ],
    })
  })

  test('shortens the context to the KV budget', () => {
    expect(resolve({ kvBudgetBytes: 512 * 1100 })).toMatchObject({
      contextTokens: 1024,
      warnings: ['The KV budget holds 1024 of 4096 tokens'],
    })
    expect(resolve({ kvBudgetBytes: 512 * 1100, kvType: 'q8_0' }).contextTokens).toBe(2048)
    expect(resolve({ kvBudgetBytes: 10 })).toMatchObject({
      contextTokens: 256,
      warnings: ['The KV budget is smaller than the smallest context, of 256 tokens'],
    })
  })

  test('reads what the CPU rearranges anyway into memory, not so on a GPU', () => {
    const quantized = { tensorTypes: [{ type: 'Q4_K', tensors: 1, bytes: 100 * MB }] }
    expect(resolve({}, quantized).fileAccess).toBe('read')
    expect(resolve({}, quantized, false).fileAccess).toBe('mmap')
    expect(resolve({ fileAccess: 'mmap' }, quantized).fileAccess).toBe('mmap')
  })
})
