import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { getLlama, GgufInsights, LlamaLogLevel, readGgufFileInfo } from 'node-llama-cpp'
import { afterAll, describe, expect, it } from 'vitest'
import type { KvLayerGroup, ModelFacts } from '../../contract/model.ts'
import type { GgufFile } from '../../testing/gguf-file.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import {
  deepSeekFile,
  gemma3File,
  gptOssFile,
  llamaFile,
  mambaFile,
  qwen3MoeFile,
  qwen3NextFile,
  tinyShape,
} from '../../testing/shapes.ts'
import { describeModel } from './gguf-facts.ts'
import { readGgufHeader } from './gguf-header.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-layers-'))
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  logLevel: LlamaLogLevel.disabled,
})
afterAll(async () => {
  await llama.dispose()
  rmSync(folder, { recursive: true })
})

const options = { vocabulary: 300 }
const shapes: readonly (readonly [string, GgufFile])[] = [
  ['a tiny Llama', llamaFile(tinyShape)],
  ['Gemma 3 27B', gemma3File(options)],
  ['gpt-oss 20B', gptOssFile(options)],
  ['Qwen3 30B-A3B', qwen3MoeFile(options)],
  ['DeepSeek R1', deepSeekFile(options)],
  ['Qwen3-Next 80B', qwen3NextFile(options)],
  ['Mamba 2.8B', mambaFile(options)],
]

/** Small, so that what the graph needs for a token of context stays small beside the KV cache. */
const batchSize = 32

describe('describeLayers', () => {
  it.for(shapes)('agrees with the dry run of llama.cpp about %s', async ([name, file], { skip }) => {
    // llama.cpp stops there itself (https://github.com/ggml-org/llama.cpp/issues/18099).
    if (name === 'DeepSeek R1' && llama.systemInfo.includes('AMX_INT8 = 1'))
      skip('llama.cpp cannot open it on a processor with AMX')
    const place = path.join(folder, 'model.gguf')
    writeGgufFile(place, file)
    const { inspection } = describeModel([readGgufHeader(place)])
    if (inspection.kind !== 'model') throw new Error('It is a projector')
    const { facts } = inspection
    const fileInfo = await readGgufFileInfo(place, { sourceType: 'filesystem', logWarnings: false })
    const insights = await GgufInsights.from({ ...fileInfo, sourceData: [] }, llama)
    const bytes = async (contextSize: number, more: { swaFullCache?: boolean; sequences?: number } = {}) => {
      const { cpuRam } = await insights.estimateContextResourceRequirementsV2({
        contextSize,
        batchSize,
        sequences: 1,
        modelGpuLayers: 0,
        ...more,
      })
      return cpuRam
    }
    const [short, long] = [16_384, 65_536]
    const perToken = ((await bytes(long)) - (await bytes(short))) / (long - short)
    const full = bytesPerToken(facts, ({ windowTokens }) => windowTokens === null)
    expectNear(perToken, full, { relative: 0.01, absolute: 200 })

    // Windows, made as long as the context, grow by what they leave out otherwise.
    const grown = (await bytes(long, { swaFullCache: true })) - (await bytes(long))
    const window = facts.kvLayerGroups.reduce((sum, group) => sum + leftOut(group, long), 0)
    expectNear(grown, window, { relative: 0.01, absolute: 200 * batchSize * 1024 })

    if (facts.recurrentStateBytes > 0) {
      const kvBytes = 256 * facts.kvBytesPerToken
      const secondSequence = (await bytes(256, { sequences: 2 })) - (await bytes(256)) - kvBytes
      // The graph needs a little more for two sequences.
      expectNear(secondSequence, facts.recurrentStateBytes, { relative: 0.1, absolute: 2 ** 21 })
    }
  })
})

function bytesPerToken(facts: ModelFacts, isCounted: (group: KvLayerGroup) => boolean): number {
  return facts.kvLayerGroups.filter(isCounted).reduce((sum, group) => sum + bytesOf(group), 0)
}

function bytesOf({ layers, kvHeads, keyLength, valueLength }: KvLayerGroup): number {
  return layers * kvHeads * (keyLength + valueLength) * 2
}

/** llama.cpp keeps a batch more than the window, in steps of 256 tokens. */
function leftOut(group: KvLayerGroup, contextTokens: number): number {
  if (group.windowTokens === null) return 0
  const cells = Math.ceil((group.windowTokens + batchSize) / 256) * 256
  return (contextTokens - cells) * bytesOf(group)
}

function expectNear(
  actual: number,
  expected: number,
  { relative, absolute }: { relative: number; absolute: number },
): void {
  expect(Math.abs(actual - expected), `${String(actual)} beside ${String(expected)}`).toBeLessThanOrEqual(
    Math.max(expected * relative, absolute),
  )
}
