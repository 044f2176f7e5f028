import { expect, test } from 'vitest'
import type { DryRun } from '../../contract/model.ts'
import { dryRunComputeBytes } from './dry-run.ts'

/** 10 bytes of KV cache a token. */
const kvBytes = ({ contextTokens }: { contextTokens: number }) => 10 * contextTokens
/** As llama.cpp does it: the larger of an output that grows with the batch, and an attention that grows with both. */
const computeOf = (contextTokens: number, batchTokens: number) =>
  Math.max(1000 * batchTokens, batchTokens * contextTokens)
const run = (contextTokens: number, batchTokens: number): DryRun => ({
  kvType: 'f16',
  flashAttention: true,
  contextTokens,
  batchTokens,
  bytes: kvBytes({ contextTokens }) + computeOf(contextTokens, batchTokens),
})
const dryRuns = [128, 512].flatMap((batch) => [512, 1024, 2048, 4096].map((context) => run(context, batch)))
const query = { kvType: 'f16', flashAttention: true } as const

test('is exact where a dry run was made', () => {
  for (const { contextTokens, batchTokens } of dryRuns)
    expect(dryRunComputeBytes(dryRuns, { ...query, contextTokens, batchTokens }, kvBytes)).toBe(
      computeOf(contextTokens, batchTokens),
    )
})

test('draws lines between them, and beyond the last one', () => {
  const at = (contextTokens: number, batchTokens: number) =>
    dryRunComputeBytes(dryRuns, { ...query, contextTokens, batchTokens }, kvBytes)
  expect(at(3072, 512)).toBe(computeOf(3072, 512))
  expect(at(8192, 512)).toBe(computeOf(8192, 512))
  expect(at(4096, 256)).toBe(computeOf(4096, 256))
  expect(at(4096, 1024)).toBe(computeOf(4096, 1024))
})

test('knows nothing of a KV type or an attention that was not tried', () => {
  const other = { contextTokens: 1024, batchTokens: 512 }
  expect(dryRunComputeBytes(dryRuns, { ...other, ...query, kvType: 'q8_0' }, kvBytes)).toBeNull()
  expect(dryRunComputeBytes(dryRuns, { ...other, ...query, flashAttention: false }, kvBytes)).toBeNull()
})
