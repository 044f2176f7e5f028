import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { DryRun, ModelFacts } from '../../contract/model.ts'
import type { GgufFile } from '../../testing/gguf-file.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import {
  deepSeekFile,
  gemma3File,
  gptOssFile,
  lfm2File,
  llamaFile,
  mambaFile,
  mixtralFile,
  phi3File,
  qwen3File,
  qwen3MoeFile,
  qwen3NextFile,
  type TransformerShape,
} from '../../testing/shapes.ts'
import { contextComputeBytes, kvCacheBytes } from '../core/footprint.ts'
import { startNodeChild } from './node-starter.ts'
import { createProbe } from './probe.ts'
import { hasAmx } from './processor.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-prediction-'))
const probe = createProbe({
  start: startNodeChild,
  file: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
  env: { PLENUM_DEVICE: 'cpu' },
  limitMs: 60_000,
})
afterAll(async () => {
  await probe[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const shape = {
  ...{ layers: 12, embedding: 2048, feedForward: 5632, heads: 32, kvHeads: 8, headLength: 64 },
  ...{ contextTokens: 131_072, vocabulary: 2000 },
} satisfies Omit<TransformerShape, 'architecture'>
const options = { vocabulary: 2000, weights: 'Q8_0' } as const
const files: readonly (readonly [string, GgufFile])[] = [
  ['grouped-query attention', llamaFile({ ...shape, architecture: 'llama' }, options)],
  ['multi-head attention', phi3File({ ...shape, kvHeads: 32 }, options)],
  ['tied embeddings', qwen3File(shape, { ...options, tied: true })],
  ['sliding windows', gemma3File({ ...options, layers: 12 })],
  ['sliding windows and experts', gptOssFile({ vocabulary: 2000, layers: 4 })],
  ['eight experts', mixtralFile(shape, options)],
  ['128 experts', qwen3MoeFile({ ...options, layers: 4 })],
  ['latent attention', deepSeekFile({ ...options, layers: 4 })],
  ['convolutions and attention', lfm2File(shape, options)],
  ['linear and full attention', qwen3NextFile({ ...options, layers: 8 })],
  ['no attention', mambaFile({ ...options, layers: 8 })],
]

/** Predicted against dry run, for each dry run between two others, predicted from the others. */
function errorsOf(facts: ModelFacts): number[] {
  const isBetween = (run: DryRun) => [1024, 4096, 16_384].includes(run.contextTokens)
  const known = { ...facts, dryRuns: facts.dryRuns.filter((run) => !isBetween(run)) }
  return facts.dryRuns
    .filter((run) => isBetween(run) && run.contextTokens > run.batchTokens)
    .map((run) => {
      const predicted = kvCacheBytes(known, run.contextTokens, run) + contextComputeBytes(known, run)
      return Math.abs(predicted / run.bytes - 1)
    })
}

test.for(files)('agrees with the dry run of a model with %s', async ([name, file], { skip }) => {
  const place = path.join(folder, 'model.gguf')
  writeGgufFile(place, file)
  // llama.cpp stops there itself: see `hasAmx`.
  if (name === 'latent attention' && hasAmx()) skip('llama.cpp cannot open it on a processor with AMX')
  const inspection = await probe.inspect([place])
  if (inspection.kind !== 'model') throw new Error('It is a projector')
  const errors = errorsOf(inspection.facts)
  // More where the machine is not too busy for them.
  expect(errors.length).toBeGreaterThan(1)
  // Most are exact; a line between sizes that are a factor of four apart cuts a corner here and there. In use they are a factor of two apart.
  expect(Math.max(...errors)).toBeLessThan(0.2)
  expect(errors.toSorted((a, b) => a - b)[errors.length >> 1]).toBeLessThan(0.02)
})
