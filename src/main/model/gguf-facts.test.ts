import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ModelFacts } from '../../contract/model.ts'
import type { GgufFile, MetadataEntry } from '../../testing/gguf-file.ts'
import { list, text, uint32, writeGgufFile, writeSplitGgufFile } from '../../testing/gguf-file.ts'
import {
  deepSeekFile,
  gemma3File,
  gptOssFile,
  llama70bShape,
  llamaFile,
  mambaFile,
  qwen3MoeFile,
  qwen3NextFile,
  tinyShape,
} from '../../testing/shapes.ts'
import { describeModel } from './gguf-facts.ts'
import { readGgufHeader } from './gguf-header.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-facts-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** These say nothing of layers or sizes, and a small one is quicker to write. */
const vocabulary = 300

function factsOf(file: GgufFile): ModelFacts {
  const place = path.join(folder, 'model.gguf')
  writeGgufFile(place, file)
  const { inspection } = describeModel([readGgufHeader(place)])
  if (inspection.kind !== 'model') throw new Error('It is a projector')
  return inspection.facts
}

/** A Llama that says it is of another architecture, with metadata of that. */
function disguised(architecture: string, ...entries: readonly MetadataEntry[]): GgufFile {
  const shape = { ...tinyShape, architecture, layers: 8 }
  const keys = new Set(entries.map(({ key }) => key))
  const file = llamaFile(shape)
  return { ...file, metadata: [...file.metadata.filter(({ key }) => !keys.has(key)), ...entries] }
}

describe('describeModel', () => {
  it('knows everything about a demo model', () => {
    const place = path.resolve(
      import.meta.dirname,
      '../../../resources/demo-models/demo-judge-2.2m-q8_0.gguf',
    )
    expect(describeModel([readGgufHeader(place)]).inspection).toEqual({
      kind: 'model',
      splitCount: 1,
      facts: {
        architecture: 'llama',
        title: 'Demo Judge',
        parameters: 2_164_800,
        quantization: 'Q8_0',
        weightBytes: 2_306_304,
        tensorTypes: [
          { type: 'Q8_0', tensors: 36, bytes: 2_297_856 },
          { type: 'F32', tensors: 11, bytes: 8448 },
        ],
        inputBytes: 208_896,
        outputBytes: 768,
        mergeCount: 765,
        layers: 5,
        embeddingLength: 192,
        feedForwardLength: 512,
        headCount: 6,
        vocabularySize: 1024,
        vocabularyFingerprint: '5ebc400c7c28a398',
        trainContextTokens: 1024,
        kvLayerGroups: [{ layers: 5, kvHeads: 2, keyLength: 32, valueLength: 32, windowTokens: null }],
        recurrentStateBytes: 0,
        kvBytesPerToken: 1280,
        experts: null,
        dryRuns: [],
        hasChatTemplate: true,
        recommendedSampling: { temperature: 0 },
        license: 'mit',
        author: null,
        description: 'Demo model: sorts requests and checks answers.',
      },
    })
  })

  it('gives Llama 3 70B its 327,680 bytes a token', () => {
    const facts = factsOf(llamaFile(llama70bShape, { weights: 'Q4_K', vocabulary }))
    expect(facts).toMatchObject({ kvBytesPerToken: 327_680, layers: 80, quantization: 'Q4_K' })
  })

  it('sees the windows of Gemma 3 and of gpt-oss', () => {
    expect(factsOf(gemma3File({ vocabulary })).kvLayerGroups).toEqual([
      { layers: 52, kvHeads: 16, keyLength: 128, valueLength: 128, windowTokens: 1024 },
      { layers: 10, kvHeads: 16, keyLength: 128, valueLength: 128, windowTokens: null },
    ])
    expect(factsOf(gptOssFile({ vocabulary })).kvLayerGroups).toEqual([
      { layers: 12, kvHeads: 8, keyLength: 64, valueLength: 64, windowTokens: 128 },
      { layers: 12, kvHeads: 8, keyLength: 64, valueLength: 64, windowTokens: null },
    ])
  })

  it('recognises FP4 by the tensors, and sizes it exactly', () => {
    const facts = factsOf(gptOssFile({ vocabulary, extra: [uint32('general.file_type', 1)] }))
    // 24 layers of three matrices of 2880 × 2880 × 32 numbers, 17 bytes for each 32.
    const expertBytes = (24 * 3 * 2880 * 2880 * 32 * 17) / 32
    expect(facts).toMatchObject({
      quantization: 'MXFP4',
      experts: { count: 32, used: 4, feedForwardLength: 2880 },
    })
    expect(facts.tensorTypes[0]).toEqual({ type: 'MXFP4', tensors: 72, bytes: expertBytes })
    // With their biases.
    expect(facts.experts?.bytes).toBeGreaterThan(expertBytes)
    expect(facts.experts?.bytes).toBeLessThan(1.01 * expertBytes)

    const nvfp4 = factsOf(llamaFile(tinyShape, { weights: 'NVFP4' }))
    // Four scales and 32 bytes for each 64 numbers.
    const numbers = 112_448 - 5 * 64
    expect(nvfp4).toMatchObject({ quantization: 'NVFP4', weightBytes: (numbers / 64) * 36 + 5 * 64 * 4 })
  })

  it('takes the name of the file type where it is known, else of the type that holds most', () => {
    const named = factsOf(
      llamaFile(llama70bShape, { weights: 'Q4_K', vocabulary, extra: [uint32('general.file_type', 15)] }),
    )
    const guessed = factsOf(
      llamaFile(llama70bShape, {
        weights: 'Q4_K',
        vocabulary,
        extra: [uint32('general.file_type', 1024 + 14)],
      }),
    )
    const unknown = factsOf(
      llamaFile(llama70bShape, { weights: 'Q6_K', vocabulary, extra: [uint32('general.file_type', 999)] }),
    )
    expect([named, guessed, unknown].map(({ quantization }) => quantization)).toEqual([
      'Q4_K_M',
      'Q4_K_S',
      'Q6_K',
    ])
  })

  it('keeps one compressed vector a token for latent attention', () => {
    const facts = factsOf(deepSeekFile({ vocabulary, weights: 'Q4_0' }))
    expect(facts).toMatchObject({
      kvBytesPerToken: 61 * 576 * 2,
      kvLayerGroups: [{ layers: 61, kvHeads: 1, keyLength: 576, valueLength: 0, windowTokens: null }],
      experts: { count: 256, used: 8, feedForwardLength: 2048 },
    })
  })

  it('counts the state of recurrent layers and the KV cache of the others', () => {
    expect(factsOf(qwen3NextFile({ vocabulary, weights: 'Q4_K' }))).toMatchObject({
      kvLayerGroups: [{ layers: 12, kvHeads: 2, keyLength: 256, valueLength: 256, windowTokens: null }],
      recurrentStateBytes: 36 * (3 * (4096 + 2 * 16 * 128) + 128 * 4096) * 4,
    })
    expect(factsOf(mambaFile({ vocabulary }))).toMatchObject({
      kvLayerGroups: [],
      kvBytesPerToken: 0,
      recurrentStateBytes: 64 * (3 * 5120 + 16 * 5120) * 4,
    })
    expect(factsOf(qwen3MoeFile({ vocabulary, weights: 'Q4_K' }))).toMatchObject({
      recurrentStateBytes: 0,
      kvBytesPerToken: 48 * 4 * 256 * 2,
    })
  })

  it.each([
    ['gemma2', [], { window: 4, full: 4, tokens: 4096 }],
    ['cohere2', [uint32('cohere2.attention.sliding_window', 512)], { window: 6, full: 2, tokens: 512 }],
    ['llama4', [], { window: 6, full: 2, tokens: 8192 }],
    ['llama4', [uint32('llama4.attention.sliding_window', 0)], { window: 0, full: 8, tokens: 0 }],
    ['olmo2', [], { window: 0, full: 8, tokens: 0 }],
    ['phi3', [uint32('phi3.attention.sliding_window', 2047)], { window: 0, full: 8, tokens: 0 }],
    [
      'smallthinker',
      [uint32('smallthinker.attention.sliding_window', 1)],
      { window: 6, full: 2, tokens: 4096 },
    ],
    [
      'gpt-oss',
      [
        uint32('gpt-oss.attention.sliding_window', 128),
        uint32('gpt-oss.attention.sliding_window_pattern', 4),
      ],
      { window: 6, full: 2, tokens: 128 },
    ],
    [
      'gemma4',
      [
        uint32('gemma4.attention.sliding_window', 512),
        list('gemma4.attention.sliding_window_pattern', 'bool', [
          true,
          true,
          true,
          false,
          true,
          true,
          true,
          false,
        ]),
      ],
      { window: 6, full: 2, tokens: 512 },
    ],
  ] as const)('knows the windows of %s with %j', (architecture, entries, expected) => {
    const groups = factsOf(disguised(architecture, ...entries)).kvLayerGroups
    const layers = (isWindow: boolean) =>
      groups
        .filter(({ windowTokens }) => (windowTokens !== null) === isWindow)
        .reduce((sum, group) => sum + group.layers, 0)
    expect({
      window: layers(true),
      full: layers(false),
      tokens: groups.find(({ windowTokens }) => windowTokens !== null)?.windowTokens ?? 0,
    }).toEqual(expected)
  })

  it('reads KV heads that differ by layer, where 0 is a recurrent layer', () => {
    const facts = factsOf(
      disguised(
        'lfm2',
        list('lfm2.attention.head_count_kv', 'uint32', [0, 0, 2, 0, 0, 2, 0, 4]),
        uint32('lfm2.shortconv.l_cache', 3),
      ),
    )
    expect(facts.kvLayerGroups).toEqual([
      { layers: 2, kvHeads: 2, keyLength: 16, valueLength: 16, windowTokens: null },
      { layers: 1, kvHeads: 4, keyLength: 16, valueLength: 16, windowTokens: null },
    ])
    expect(facts.recurrentStateBytes).toBe(5 * 64 * 2 * 4)
  })

  it('joins the parts of a split model', () => {
    const whole = factsOf(llamaFile(tinyShape))
    const parts = writeSplitGgufFile(path.join(folder, 'split'), llamaFile(tinyShape), 3)
    const { inspection } = describeModel(parts.map(readGgufHeader))
    expect(inspection).toEqual({ kind: 'model', splitCount: 3, facts: whole })
  })

  it('recognises projectors', () => {
    const place = path.join(folder, 'mmproj.gguf')
    const bytes = writeGgufFile(place, {
      metadata: [text('general.architecture', 'clip')],
      tensors: [{ name: 'v.patch_embd.weight', type: 'F16', dimensions: [64] }],
    })
    expect(describeModel([readGgufHeader(place)]).inspection).toEqual({ kind: 'projector', bytes })
  })
})
