/**
 * What loads are predicted to take against what they take: files of real architectures' shapes (zeros for weights, so that they take no
 * room on the disk), on the CPU with one thread. First the error before a file was ever loaded, at 4,096 tokens and f16; then, with what that load
 * has taught, at context sizes and KV types that were not measured. Measured is what the pool counts: private and mapped memory of the
 * process after an answer, and what llama.cpp has allocated beside that and not touched yet. `node bench/prediction.ts [name …]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { MB } from '../src/contract/bytes.ts'
import { toProblem } from '../src/contract/errors.ts'
import type { Footprint, LoadedWith } from '../src/contract/memory.ts'
import type { LoadOptions, ModelFacts } from '../src/contract/model.ts'
import { correctFootprint } from '../src/main/core/correction.ts'
import { predictFootprint } from '../src/main/core/footprint.ts'
import { resolveLoad } from '../src/main/core/load-plan.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { createProbe } from '../src/main/host/probe.ts'
import { hasAmx } from '../src/main/host/processor.ts'
import { ResidentModel } from '../src/main/host/resident-model.ts'
import type { GgufFile } from '../src/testing/gguf-file.ts'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import * as shapes from '../src/testing/shapes.ts'
import { percent } from './measure.ts'

const program = fileURLToPath(new URL('../src/main/model/index.ts', import.meta.url))
const env = { PLENUM_DEVICE: 'cpu' }
const contextTokens = 40_960
const base = { contextTokens, heads: 16, kvHeads: 4, headLength: 64, embedding: 1024, feedForward: 2816 }

/** Real models' shapes with fewer layers, so that files have 50 MB to 1 GB. */
const models: Readonly<Record<string, GgufFile>> = {
  'llama 3.2 1B, 4 layers': shapes.llamaFile(
    {
      ...base,
      architecture: 'llama',
      layers: 4,
      embedding: 2048,
      feedForward: 8192,
      heads: 32,
      kvHeads: 8,
      vocabulary: 128_256,
    },
    { weights: 'Q8_0', tied: true, merges: true },
  ),
  'llama 2, multi-head, Q4_0': shapes.llamaFile(
    {
      ...base,
      architecture: 'llama',
      layers: 8,
      embedding: 2048,
      feedForward: 5504,
      heads: 16,
      kvHeads: 16,
      headLength: 128,
      vocabulary: 32_000,
    },
    { weights: 'Q4_0' },
  ),
  'smollm, grouped, F16': shapes.llamaFile(
    {
      ...base,
      architecture: 'llama',
      layers: 12,
      embedding: 576,
      feedForward: 1536,
      heads: 9,
      kvHeads: 3,
      vocabulary: 49_152,
    },
    { tied: true, merges: true },
  ),
  'demo-like, heads of 32': shapes.llamaFile(
    {
      ...base,
      architecture: 'llama',
      layers: 12,
      embedding: 768,
      feedForward: 2048,
      heads: 24,
      kvHeads: 8,
      headLength: 32,
      vocabulary: 16_000,
    },
    { merges: true },
  ),
  'mistral, Q4_K': shapes.llamaFile(
    {
      ...base,
      architecture: 'llama',
      layers: 4,
      embedding: 4096,
      feedForward: 14_336,
      heads: 32,
      kvHeads: 8,
      headLength: 128,
      vocabulary: 32_768,
    },
    { weights: 'Q4_K', merges: true },
  ),
  'qwen3 0.6B, 12 layers': shapes.qwen3File(
    {
      ...base,
      layers: 12,
      embedding: 1024,
      feedForward: 3072,
      heads: 16,
      kvHeads: 8,
      headLength: 128,
      vocabulary: 151_936,
    },
    { weights: 'Q8_0', tied: true, merges: true },
  ),
  'gemma 3 1B, windows': shapes.gemma3File(
    { weights: 'Q8_0', merges: true },
    {
      layers: 12,
      embedding: 1152,
      feedForward: 6912,
      heads: 4,
      kvHeads: 1,
      headLength: 256,
      vocabulary: 262_144,
      windowTokens: 512,
      contextTokens,
    },
  ),
  'phi 3, multi-head': shapes.phi3File(
    {
      ...base,
      layers: 4,
      embedding: 3072,
      feedForward: 8192,
      heads: 32,
      kvHeads: 32,
      headLength: 96,
      vocabulary: 32_064,
    },
    { weights: 'Q6_K', merges: true },
  ),
  'mixtral, 2 layers': shapes.mixtralFile(
    { ...base, layers: 2, embedding: 2048, feedForward: 5632, heads: 32, kvHeads: 8, vocabulary: 32_000 },
    { weights: 'Q4_0', merges: true },
  ),
  'qwen3 30B-A3B, 1 layer': shapes.qwen3MoeFile({
    layers: 1,
    weights: 'Q4_K',
    vocabulary: 64_000,
    merges: true,
  }),
  'gpt-oss 20B, 2 layers': shapes.gptOssFile({ layers: 2, vocabulary: 32_000, merges: true }),
  'deepseek V3, 1 layer': shapes.deepSeekFile({
    layers: 1,
    weights: 'Q4_0',
    vocabulary: 32_000,
    merges: true,
  }),
  'mamba 370M, 24 layers': shapes.mambaFile({ layers: 24, vocabulary: 50_280 }, { embedding: 1024 }),
  'lfm2 350M, hybrid': shapes.lfm2File(
    { ...base, layers: 15, embedding: 1024, feedForward: 4608, heads: 16, kvHeads: 8, vocabulary: 65_536 },
    { weights: 'Q8_0', merges: true },
  ),
}

const first: LoadOptions = { contextTokens: 4096 }
const others: readonly LoadOptions[] = [
  { contextTokens: 2048 },
  { contextTokens: 32_768 },
  { contextTokens: 8192, kvType: 'q8_0' },
  { contextTokens: 32_768, kvType: 'q8_0' },
]

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  const wanted = process.argv.slice(2)
  const errors = { before: [] as number[], after: [] as number[] }
  try {
    await using probe = createProbe({ start: startNodeChild, file: program, env, limitMs: 60_000 })
    const { runtimeBytes = 0 } = await probe.device()
    console.log(
      `A process with llama.cpp and no model: ${inMb(runtimeBytes)} MB. All in MB; error = predicted against measured`,
    )
    console.log(
      row([
        'model',
        'file',
        'context',
        'weights',
        'KV',
        'compute',
        'runtime',
        'predicted',
        'measured',
        'error',
        'touched',
      ]),
    )
    for (const [name, file] of Object.entries(models)) {
      if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
      const place = path.join(folder, 'model.gguf')
      const fileBytes = writeGgufFile(place, file)
      const inspection = await probe.inspect([place]).catch(toProblem)
      if ('code' in inspection) {
        console.log(`${name}: ${inspection.message}`)
        continue
      }
      if (inspection.kind !== 'model') throw new Error(`"${name}" is no model`)
      const of = { place, facts: inspection.facts, runtimeBytes }
      const start = await measure(of, first)
      const show = ({ plan, predicted, measured, touchedBytes }: Measured) => {
        const error = total(predicted) / total(measured) - 1
        const label = `${String(plan.contextTokens)} ${plan.kvType}`
        const parts = (['weights', 'kvCache', 'compute', 'draft', 'runtime'] as const).map((part) => {
          const bytes = (of: Footprint) => total(of.filter((each) => each.part === part))
          return `${inMb(bytes(predicted))}/${inMb(bytes(measured))}`
        })
        console.log(
          row([
            name,
            inMb(fileBytes),
            label,
            ...parts,
            inMb(total(predicted)),
            inMb(total(measured)),
            percent(error),
            inMb(touchedBytes),
          ]),
        )
        return error
      }
      errors.before.push(show(start))
      for (const options of others) {
        const load = await measure(of, options)
        const predicted = correctFootprint(load.predicted, {
          loadedWith: load.plan,
          lesson: { loadedWith: start.plan, predicted: start.predicted, measured: start.measured },
        })
        errors.after.push(show({ ...load, predicted }))
      }
      rmSync(place)
    }
    for (const [when, target] of [
      ['before', 8],
      ['after', 3],
    ] as const) {
      const sizes = errors[when].map(Math.abs)
      const within = sizes.filter((size) => size <= target / 100).length
      console.log(
        `${when} the first load: largest ${percent(Math.max(...sizes))}, ${String(within)} of ${String(sizes.length)} within ${String(target)} %`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

type Measured = {
  readonly plan: LoadedWith
  readonly predicted: Footprint
  readonly measured: Footprint
  /** Private and mapped memory alone. */
  readonly touchedBytes: number
}

async function measure(
  { place, facts, runtimeBytes }: { place: string; facts: ModelFacts; runtimeBytes: number },
  options: LoadOptions,
): Promise<Measured> {
  const { warnings, ...resolved } = resolveLoad(facts, options, {
    ...{ contextTokens: 4096, threads: 1, isCpu: true, hasAmx: hasAmx() },
    reading: { platform: process.platform, device: { name: 'CPU', isUnified: true }, loads: [] },
  })
  for (const warning of warnings) console.log(warning)
  const plan: LoadedWith = { ...resolved, gpuLayers: 0 }
  const measurements: Footprint[] = []
  await using model = new ResidentModel({
    ...{
      start: startNodeChild,
      program,
      env,
      name: 'measured',
      path: place,
      facts,
      threads: 1,
      gpuLayers: 0,
    },
    contextTokens: plan.contextTokens,
    load: { ...plan, draft: null, chatTemplate: null, thinking: null },
    domains: { host: 'unified', device: 'unified' },
    resize: () => true,
    onMeasured: (footprint) => measurements.push(footprint),
  })
  await model.load()
  for (const warning of model.warnings) console.log(warning)
  const answered = Promise.withResolvers<null>()
  for await (const event of model.generate('a', [{ role: 'user', text: 'A few words.' }], {
    sampling: { maxTokens: 2 },
  }))
    if (event.kind === 'done') answered.resolve(null)
  await answered.promise
  const { privateBytes, mappedBytes } = await model.usage()
  return {
    plan,
    predicted: predictFootprint(facts, { ...plan, runtimeBytes, hasAmx: hasAmx() }),
    measured: measurements[0] ?? model.footprint(),
    touchedBytes: privateBytes + mappedBytes,
  }
}

function total(footprint: Footprint): number {
  return footprint.reduce((sum, { bytes }) => sum + bytes, 0)
}

function inMb(bytes: number): string {
  return (bytes / MB).toFixed(0)
}

const widths = [24, 6, 12, 11, 11, 11, 9, 9, 9, 8, 8]
function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(24) : cell.padStart(widths[index] ?? 8)))
    .join(' ')
}

await main()
