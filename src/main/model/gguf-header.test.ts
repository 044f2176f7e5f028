import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, describe, expect, it } from 'vitest'
import { encodeHeader, list, tensorTypes, text, uint32, writeGgufFile } from '../../testing/gguf-file.ts'
import { readGgufHeader } from './gguf-header.ts'
import { ggmlTypes } from './gguf-types.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-header-'))
const file = path.join(folder, 'model.gguf')
afterAll(() => rmSync(folder, { recursive: true }))

describe('readGgufHeader', () => {
  it('reads every kind of value, and counts what is too long to keep', () => {
    writeGgufFile(file, {
      version: 2,
      metadata: [
        { key: 'a.uint8', type: 'uint8', value: 200 },
        { key: 'a.int8', type: 'int8', value: -3 },
        { key: 'a.uint16', type: 'uint16', value: 60_000 },
        { key: 'a.int16', type: 'int16', value: -300 },
        uint32('a.uint32', 4_000_000_000),
        { key: 'a.int32', type: 'int32', value: -70_000 },
        { key: 'a.float32', type: 'float32', value: 0.5 },
        { key: 'a.bool', type: 'bool', value: true },
        text('a.string', 'grüß dich'),
        { key: 'a.uint64', type: 'uint64', value: 2n ** 40n },
        { key: 'a.int64', type: 'int64', value: -5n },
        { key: 'a.float64', type: 'float64', value: 0.1 },
        list('a.list', 'uint32', [1, 2, 3]),
        list('a.long', 'float32', Array<number>(5000).fill(1)),
        list('a.strings', 'string', ['one', 'two']),
        text('a.story', 'x'.repeat(100_000)),
        text('tokenizer.chat_template', 'y'.repeat(100_000)),
      ],
      tensors: [],
    })
    const { version, metadata } = readGgufHeader(file)
    expect(version).toBe(2)
    expect([...metadata].map(([key, value]) => [key, 'value' in value ? value.value : value])).toEqual([
      ['a.uint8', 200],
      ['a.int8', -3],
      ['a.uint16', 60_000],
      ['a.int16', -300],
      ['a.uint32', 4_000_000_000],
      ['a.int32', -70_000],
      ['a.float32', 0.5],
      ['a.bool', true],
      ['a.string', { kind: 'string', text: 'grüß dich', bytes: 11 }],
      ['a.uint64', 2 ** 40],
      ['a.int64', -5],
      ['a.float64', 0.1],
      ['a.list', { kind: 'array', type: 'uint32', count: 3, numbers: [1, 2, 3] }],
      ['a.long', { kind: 'array', type: 'float32', count: 5000, numbers: null }],
      ['a.strings', { kind: 'array', type: 'string', count: 2, numbers: null }],
      ['a.story', { kind: 'string', text: null, bytes: 100_000 }],
      ['tokenizer.chat_template', { kind: 'string', text: 'y'.repeat(100_000), bytes: 100_000 }],
    ])
  })

  it('reads tensors with exact sizes, and does not ask for padding at the end', () => {
    const names = Object.keys(tensorTypes) as (keyof typeof tensorTypes)[]
    const model = {
      alignment: 64,
      metadata: [uint32('general.alignment', 64)],
      tensors: names.map((type) => ({ name: `a.${type}`, type, dimensions: [512, 3] })),
    }
    const lastBytes = (512 * 3 * tensorTypes.NVFP4.blockBytes) / tensorTypes.NVFP4.blockElements
    const padded = writeGgufFile(file, model)
    const dataBytes = padded - encodeHeader(model).length - (64 - (lastBytes % 64 || 64))
    writeGgufFile(file, { ...model, dataBytes })
    expect(
      readGgufHeader(file).tensors.map(({ type, elements, bytes }) => [type.name, elements, bytes]),
    ).toEqual(
      names.map((name) => {
        const { blockBytes, blockElements } = tensorTypes[name]
        return [name, 1536, (1536 / blockElements) * blockBytes]
      }),
    )
    writeGgufFile(file, { ...model, dataBytes: dataBytes - 1 })
    expect(() => readGgufHeader(file)).toThrow(/cut short: the header promises \d+ bytes|cut short/)
  })
})

describe('ggmlTypes', () => {
  it('has the sizes that llama.cpp itself has', async () => {
    await using llama = await getLlama({
      gpu: false,
      build: 'never',
      progressLogs: false,
      logLevel: LlamaLogLevel.disabled,
    })
    // Not in the library's published types, but where it takes its own sizes from.
    const bindings = (llama as unknown as { _bindings: GgmlSizes })._bindings
    for (const { id, blockElements, blockBytes } of ggmlTypes.values())
      expect([id, bindings.getBlockSizeForGgmlType(id), bindings.getTypeSizeForGgmlType(id)]).toEqual([
        id,
        blockElements,
        blockBytes,
      ])
  })
})

type GgmlSizes = {
  getBlockSizeForGgmlType(id: number): number | undefined
  getTypeSizeForGgmlType(id: number): number | undefined
}
