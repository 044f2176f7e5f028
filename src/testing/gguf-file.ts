import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'

/** Value types of GGUF metadata by name, with their numbers in the file. */
const valueTypeIds = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const
export type ValueTypeName = keyof typeof valueTypeIds

/**
 * Tensor types that test files use: number in the file, elements and bytes of a block. Written down here a second time
 * on purpose: files made with these numbers check the reader's.
 */
export const tensorTypes = {
  F32: { id: 0, blockElements: 1, blockBytes: 4 },
  F16: { id: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockElements: 32, blockBytes: 2 + 16 },
  Q8_0: { id: 8, blockElements: 32, blockBytes: 2 + 32 },
  Q4_K: { id: 12, blockElements: 256, blockBytes: 2 + 2 + 12 + 128 },
  Q6_K: { id: 14, blockElements: 256, blockBytes: 128 + 64 + 16 + 2 },
  BF16: { id: 30, blockElements: 1, blockBytes: 2 },
  /** 32 4-bit numbers and one 8-bit scale. */
  MXFP4: { id: 39, blockElements: 32, blockBytes: 1 + 16 },
  /** 64 4-bit numbers and four 8-bit scales. */
  NVFP4: { id: 40, blockElements: 64, blockBytes: 4 + 32 },
} as const
export type TensorTypeName = keyof typeof tensorTypes

/** One metadata entry, in file order; a key may come twice, and numbers may lie. */
export type MetadataEntry = {
  readonly key: string | Uint8Array
  readonly type: ValueTypeName | number
  readonly value: MetadataValue
  /** Written as the length of a string, or the count of an array, in place of the true one. */
  readonly claimedLength?: bigint
}
export type MetadataValue =
  | number
  | bigint
  | boolean
  | string
  | { readonly of: ValueTypeName | number; readonly values: readonly (number | bigint | boolean | string)[] }

/** One tensor, in file order. */
export type TensorEntry = {
  readonly name: string
  readonly type: TensorTypeName | number
  readonly dimensions: readonly (number | bigint)[]
  /** Where its data begins, when it is not where it should. */
  readonly offset?: bigint
  /** So many of its last rows are zero where the others are random. */
  readonly zeroRows?: number
}

/** A GGUF file to write. Everything that is not said is as it should be. */
export type GgufFile = {
  readonly magic?: string
  readonly version?: number
  readonly alignment?: number
  readonly metadata: readonly MetadataEntry[]
  readonly tensors: readonly TensorEntry[]
  readonly claimedTensors?: bigint
  readonly claimedMetadata?: bigint
  /** Bytes of tensor data in the file, when they are not what the tensors promise. Takes no room on the disk. */
  readonly dataBytes?: number
  /** `sparse` (default): all zero, and takes no room on the disk. `random`: small numbers in F32 and F16 tensors, random bytes elsewhere. `none`: not there. */
  readonly data?: 'sparse' | 'random' | 'none'
}

export const text = (key: string, value: string): MetadataEntry => ({ key, type: 'string', value })
export const uint32 = (key: string, value: number): MetadataEntry => ({ key, type: 'uint32', value })
export const uint16 = (key: string, value: number): MetadataEntry => ({ key, type: 'uint16', value })
export const float32 = (key: string, value: number): MetadataEntry => ({ key, type: 'float32', value })
export const flag = (key: string, value: boolean): MetadataEntry => ({ key, type: 'bool', value })
export const list = (
  key: string,
  of: ValueTypeName,
  values: readonly (number | bigint | boolean | string)[],
): MetadataEntry => ({ key, type: 'array', value: { of, values } })

/** Bytes of a tensor, without padding. */
function tensorBytes({ type, dimensions }: Pick<TensorEntry, 'type' | 'dimensions'>): number {
  if (typeof type === 'number') return 0
  const { blockElements, blockBytes } = tensorTypes[type]
  const elements = dimensions.reduce<number>((product, size) => product * Number(size), 1)
  return (elements / blockElements) * blockBytes
}

/** The header of a file, with the padding before its tensor data. */
export function encodeHeader(file: GgufFile): Uint8Array {
  const alignment = file.alignment ?? 32
  const bytes = new Bytes()
  bytes.raw(new TextEncoder().encode(file.magic ?? 'GGUF'))
  bytes.uint32(file.version ?? 3)
  bytes.uint64(file.claimedTensors ?? BigInt(file.tensors.length))
  bytes.uint64(file.claimedMetadata ?? BigInt(file.metadata.length))
  for (const entry of file.metadata) writeEntry(bytes, entry)
  let offset = 0
  for (const tensor of file.tensors) {
    bytes.string(tensor.name)
    bytes.uint32(tensor.dimensions.length)
    for (const size of tensor.dimensions) bytes.uint64(BigInt(size))
    bytes.uint32(typeof tensor.type === 'number' ? tensor.type : tensorTypes[tensor.type].id)
    bytes.uint64(tensor.offset ?? BigInt(offset))
    offset += pad(tensorBytes(tensor), alignment)
  }
  bytes.raw(new Uint8Array(pad(bytes.length, alignment) - bytes.length))
  return bytes.join()
}

/** Writes a file; its size in bytes. */
export function writeGgufFile(path: string, file: GgufFile): number {
  const header = encodeHeader(file)
  const alignment = file.alignment ?? 32
  const descriptor = openSync(path, 'w')
  try {
    writeSync(descriptor, header)
    if (file.data === 'none') return header.length
    const promised = file.tensors.reduce((sum, tensor) => sum + pad(tensorBytes(tensor), alignment), 0)
    const end = header.length + (file.dataBytes ?? promised)
    ftruncateSync(descriptor, end)
    if (file.data === 'random') {
      const random = randomBytes(1)
      let position = header.length
      for (const tensor of file.tensors) {
        const bytes = tensorBytes(tensor)
        writeSync(descriptor, randomTensor(tensor, bytes, random), 0, bytes, position)
        position += pad(bytes, alignment)
      }
    }
    return end
  } finally {
    closeSync(descriptor)
  }
}

/** Writes a model as `<stem>-00001-of-0000N.gguf` and so on, tensors shared out; the paths. */
export function writeSplitGgufFile(stem: string, file: GgufFile, parts: number): string[] {
  const perPart = Math.ceil(file.tensors.length / parts)
  return Array.from({ length: parts }, (_, index) => {
    const path = `${stem}-${String(index + 1).padStart(5, '0')}-of-${String(parts).padStart(5, '0')}.gguf`
    const split = [
      uint16('split.no', index),
      uint16('split.count', parts),
      { key: 'split.tensors.count', type: 'int32', value: file.tensors.length } as const,
    ]
    writeGgufFile(path, {
      ...file,
      metadata: index === 0 ? [...file.metadata, ...split] : split,
      tensors: file.tensors.slice(index * perPart, (index + 1) * perPart),
    })
    return path
  })
}

function writeEntry(bytes: Bytes, { key, type, value, claimedLength }: MetadataEntry): void {
  if (typeof key === 'string') bytes.string(key)
  else {
    bytes.uint64(BigInt(key.length))
    bytes.raw(key)
  }
  bytes.uint32(typeof type === 'number' ? type : valueTypeIds[type])
  if (typeof value === 'object') {
    bytes.uint32(typeof value.of === 'number' ? value.of : valueTypeIds[value.of])
    bytes.uint64(claimedLength ?? BigInt(value.values.length))
    for (const item of value.values) writeValue(bytes, value.of, item)
  } else if (typeof value === 'string' && claimedLength !== undefined) {
    bytes.uint64(claimedLength)
    bytes.raw(new TextEncoder().encode(value))
  } else writeValue(bytes, type, value)
}

/** An unknown type is written as four bytes, an array in an array not at all. */
function writeValue(
  bytes: Bytes,
  type: ValueTypeName | number,
  value: number | bigint | boolean | string,
): void {
  switch (type) {
    case 'string':
      bytes.string(String(value))
      break
    case 'array':
      break
    case 'uint8':
    case 'int8':
    case 'bool':
      bytes.number(1, (view) => view.setUint8(0, Number(value)))
      break
    case 'uint16':
    case 'int16':
      bytes.number(2, (view) => view.setUint16(0, Number(value), true))
      break
    case 'float32':
      bytes.number(4, (view) => view.setFloat32(0, Number(value), true))
      break
    case 'uint64':
    case 'int64':
      bytes.uint64(BigInt(value))
      break
    case 'float64':
      bytes.number(8, (view) => view.setFloat64(0, Number(value), true))
      break
    case 'uint32':
    case 'int32':
    default:
      bytes.uint32(Number(value))
  }
}

/** Grows by pieces. */
class Bytes {
  readonly #pieces: Uint8Array[] = []
  length = 0

  raw(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.length += piece.length
  }

  number(size: number, write: (view: DataView) => void): void {
    const piece = new Uint8Array(size)
    write(new DataView(piece.buffer))
    this.raw(piece)
  }

  uint32(value: number): void {
    this.number(4, (view) => view.setUint32(0, value, true))
  }

  uint64(value: bigint): void {
    this.number(8, (view) => view.setBigUint64(0, value, true))
  }

  string(value: string): void {
    const encoded = new TextEncoder().encode(value)
    this.uint64(BigInt(encoded.length))
    this.raw(encoded)
  }

  join(): Uint8Array {
    return Buffer.concat(this.#pieces)
  }
}

function pad(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment
}

/** The same bytes every time (xorshift). */
function randomBytes(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 0xff
  }
}

function randomTensor(tensor: TensorEntry, bytes: number, random: () => number): Uint8Array {
  const data = new Uint8Array(bytes)
  const view = new DataView(data.buffer)
  if (tensor.type === 'F32')
    for (let at = 0; at < bytes; at += 4) view.setFloat32(at, (random() - 127.5) / 2560, true)
  else if (tensor.type === 'F16')
    // Sign and a small exponent, so that no number is large or NaN.
    for (let at = 0; at < bytes; at += 2)
      view.setUint16(at, ((random() & 1) << 15) | (0x2400 + (random() << 2)), true)
  else for (let at = 0; at < bytes; at++) data[at] = random()
  const rows = Number(tensor.dimensions.at(-1) ?? 1)
  // Zero in all types that have data here: as a number, and as the scale of a block.
  data.fill(0, bytes - (bytes / rows) * (tensor.zeroRows ?? 0))
  return data
}
