import { formatBytes } from '../../contract/bytes.ts'
import type { GgmlType, GgufValueTypeName } from './gguf-types.ts'
import { ggmlTypes, ggufValueTypes, removedGgmlTypes } from './gguf-types.ts'
import { badModelFile, formatUnequalBytes, ModelFile } from './model-file.ts'

/** One metadata value. 64-bit numbers beyond 2^53 are rounded. */
export type GgufValue =
  | { readonly kind: 'scalar'; readonly type: GgufValueTypeName; readonly value: number | boolean }
  /** `text` is null for strings that are too long to keep. */
  | { readonly kind: 'string'; readonly text: string | null; readonly bytes: number }
  /** `numbers` is null for strings and for arrays that are too long to keep. */
  | {
      readonly kind: 'array'
      readonly type: GgufValueTypeName
      readonly count: number
      readonly numbers: readonly number[] | null
      /** Of the list of tokens alone: a hash of its texts, see `fingerprintOf`. */
      readonly fingerprint?: string
    }

/** A tensor as the header declares it. */
export type GgufTensor = {
  readonly name: string
  readonly type: GgmlType
  readonly elements: number
  readonly bytes: number
}

/** A GGUF header that was checked: what it promises is in the file. */
export type GgufHeader = {
  readonly path: string
  readonly fileBytes: number
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly GgufTensor[]
}

/** A chat template is a few KB; what is longer is no template. */
const maxTemplateBytes = 2 ** 20
const maxStringBytes = 2 ** 16
const maxKeptBytes = 2 ** 24
const maxKeyBytes = 1024
const maxMetadataCount = 65_536
const maxTensorCount = 262_144
const maxStringsInArray = 2 ** 24
/** Per-layer arrays have an entry a layer, and llama.cpp takes at most 512 layers. */
const maxKeptNumbers = 1024
const maxDimensions = 4
/** GGML_MAX_NAME, with its closing zero. */
const maxTensorNameBytes = 63
const damaged = 'The file is damaged or was not written by a GGUF tool. Download it again.'

/**
 * Reads and checks the header of one GGUF file (version 2 or 3, little-endian). Every count and length is compared
 * with what is left of the file before anything is allocated; token lists are skipped, so that memory stays within
 * a few MB. What does not hold is refused with `BAD_MODEL_FILE`.
 * The rules are those of gguf_init_from_reader in https://github.com/ggml-org/llama.cpp (ggml/src/gguf.cpp).
 */
export function readGgufHeader(path: string): GgufHeader {
  using file = new ModelFile(path)
  const reader = new Reader(file)
  const version = readVersion(reader)
  const tensorCount = reader.count('tensors', { max: maxTensorCount, bytesEach: 24 })
  const metadataCount = reader.count('metadata entries', { max: maxMetadataCount, bytesEach: 13 })
  const metadata = readMetadata(reader, metadataCount)
  const tensors = readTensors(reader, { count: tensorCount, alignment: readAlignment(reader, metadata) })
  return { path, fileBytes: file.bytes, version, metadata, tensors }
}

function readVersion(reader: Reader): number {
  const magic = reader.bytes(4, 'the first four bytes')
  const text = new TextDecoder('latin1').decode(magic)
  if (text !== 'GGUF')
    throw reader.refuse(`not a GGUF file, it begins with ${quoteBytes(magic)}`, magicHelp(text))
  const version = reader.uint32('the version')
  if (version === 2 || version === 3) return version
  if (version !== 0 && (version & 0xffff) === 0)
    throw reader.refuse('written for big-endian machines', 'Get the little-endian GGUF of this model.')
  if (version === 1)
    throw reader.refuse('GGUF version 1, which llama.cpp no longer reads', 'Get a newer GGUF of this model.')
  throw reader.refuse(
    `GGUF version ${String(version)}, and only 2 and 3 are known`,
    version > 3 && version < 100 ? 'A newer Plenum may read it.' : damaged,
  )
}

function magicHelp(magic: string): string {
  if (['ggjt', 'tjgg', 'ggml', 'lmgg', 'ggla', 'algg'].includes(magic))
    return 'This is a format from before GGUF. Get a GGUF of this model.'
  if (magic.startsWith('PK')) return 'This is a ZIP archive or a PyTorch file. Get a GGUF of this model.'
  if (magic.startsWith('<') || magic.startsWith('vers'))
    return 'The download saved a web page or a pointer instead of the file. Download it again.'
  return 'Choose a file in the GGUF format.'
}

function readMetadata(reader: Reader, count: number): ReadonlyMap<string, GgufValue> {
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < count; index++) {
    const key = reader.name(`key ${String(index + 1)} of ${String(count)}`, { max: maxKeyBytes })
    if (metadata.has(key)) throw reader.refuse(`the key "${key}" is there twice`, damaged)
    metadata.set(key, readValue(reader, key))
  }
  return metadata
}

function readValue(reader: Reader, key: string): GgufValue {
  const type = readValueType(reader, key)
  if (type === 'array') return readArray(reader, key)
  if (type === 'string') {
    const max = key.startsWith('tokenizer.chat_template') ? maxTemplateBytes : maxStringBytes
    return { kind: 'string', ...reader.text(`the value of "${key}"`, { max }) }
  }
  return { kind: 'scalar', type, value: reader.scalar(type, `the value of "${key}"`) }
}

function readArray(reader: Reader, key: string): GgufValue {
  const type = readValueType(reader, key)
  const what = `values of "${key}"`
  if (type === 'array') throw reader.refuse(`"${key}" is a list of lists, which GGUF does not allow`, damaged)
  if (type === 'string') {
    const count = reader.count(what, { max: maxStringsInArray, bytesEach: 8 })
    if (key === 'tokenizer.ggml.tokens' && count <= maxFingerprinted)
      return { kind: 'array', type, count, numbers: null, fingerprint: fingerprintOf(reader, count) }
    for (let index = 0; index < count; index++) reader.skip(reader.length(`one of the ${what}`), what)
    return { kind: 'array', type, count, numbers: null }
  }
  const bytesEach = ggufValueTypes[type].bytes
  const count = reader.count(what, { max: 2 ** 30, bytesEach })
  if (count > maxKeptNumbers) {
    reader.skip(count * bytesEach, what)
    return { kind: 'array', type, count, numbers: null }
  }
  const numbers = Array.from({ length: count }, () => Number(reader.scalar(type, what)))
  return { kind: 'array', type, count, numbers }
}

/** Vocabularies are padded at their end, to a size that differs between models of a family: what is beyond whole thousands does not count. */
const fingerprintStep = 1024
/** Signs for unknown and such differ between models of a family, as llama.cpp has it for drafts. */
const firstFingerprinted = 5
const maxFingerprinted = 2 ** 20
const maxTokenBytes = 2 ** 10

/** Reads the texts of so many tokens; a hash of those that are the same in all models of a family (FNV-1a twice, with two bases). */
function fingerprintOf(reader: Reader, count: number): string {
  const compared = count < 2 * fingerprintStep ? count : count - (count % fingerprintStep)
  let [one, other] = [0x811c9dc5, 0x9e3779b9]
  const take = (byte: number) => {
    one = Math.imul(one ^ byte, 0x01000193)
    other = Math.imul(other ^ byte, 0x01000193)
  }
  const what = 'one of the values of "tokenizer.ggml.tokens"'
  for (let token = 0; token < count; token++) {
    const length = reader.length(what)
    if (token < firstFingerprinted || token >= compared || length > maxTokenBytes) {
      reader.skip(length, what)
      continue
    }
    for (const byte of reader.bytes(length, what)) take(byte)
    take(256)
  }
  return [one, other].map((hash) => (hash >>> 0).toString(16).padStart(8, '0')).join('')
}

const valueTypeNames = new Map(
  Object.entries(ggufValueTypes).map(([name, { id }]) => [id as number, name as GgufValueTypeName]),
)

function readValueType(reader: Reader, key: string): GgufValueTypeName {
  const id = reader.uint32(`the type of "${key}"`)
  const type = valueTypeNames.get(id)
  if (type === undefined) throw reader.refuse(`"${key}" has the unknown value type ${String(id)}`, damaged)
  return type
}

function readAlignment(reader: Reader, metadata: ReadonlyMap<string, GgufValue>): number {
  const value = metadata.get('general.alignment')
  if (value === undefined) return 32
  const alignment = value.kind === 'scalar' && value.type === 'uint32' ? Number(value.value) : 0
  if (alignment === 0 || !Number.isInteger(Math.log2(alignment)))
    throw reader.refuse(
      `"general.alignment" is ${alignment === 0 ? '0 or no number' : String(alignment)}, not a power of two`,
      damaged,
    )
  return alignment
}

function readTensors(reader: Reader, options: { count: number; alignment: number }): readonly GgufTensor[] {
  const names = new Set<string>()
  const tensors: GgufTensor[] = []
  let expectedOffset = 0n
  for (let index = 0; index < options.count; index++) {
    const which = `tensor ${String(index + 1)} of ${String(options.count)}`
    const name = reader.name(`the name of ${which}`, { max: maxTensorNameBytes })
    if (names.has(name)) throw reader.refuse(`the tensor "${name}" is there twice`, damaged)
    names.add(name)
    const { tensor, bytes } = readTensor(reader, name)
    tensors.push(tensor)
    const offset = reader.uint64(`the offset of tensor "${name}"`)
    if (offset !== expectedOffset)
      throw reader.refuse(
        `the data of tensor "${name}" should begin at byte ${String(expectedOffset)}, the header says ${String(offset)}`,
        damaged,
      )
    expectedOffset += pad(bytes, BigInt(options.alignment))
  }
  const dataStart = pad(BigInt(reader.position), BigInt(options.alignment))
  const lastTensor = tensors.at(-1)
  if (lastTensor !== undefined) {
    // The last tensor's padding may be missing, its data may not.
    const padding = pad(BigInt(lastTensor.bytes), BigInt(options.alignment)) - BigInt(lastTensor.bytes)
    refuseCutShort(reader, Number(dataStart + expectedOffset - padding))
  }
  return tensors
}

function readTensor(reader: Reader, name: string): { tensor: GgufTensor; bytes: bigint } {
  const dimensionCount = reader.uint32(`the dimensions of tensor "${name}"`)
  if (dimensionCount > maxDimensions)
    throw reader.refuse(
      `tensor "${name}" has ${String(dimensionCount)} dimensions, and at most ${String(maxDimensions)} are possible`,
      damaged,
    )
  const dimensions = Array.from({ length: dimensionCount }, () =>
    reader.uint64(`the dimensions of tensor "${name}"`),
  )
  const typeId = reader.uint32(`the type of tensor "${name}"`)
  const type = ggmlTypes.get(typeId)
  if (type === undefined) {
    const removed = removedGgmlTypes.get(typeId)
    throw removed === undefined
      ? reader.refuse(
          `tensor "${name}" has the unknown type ${String(typeId)}`,
          'A newer Plenum may read it.',
        )
      : reader.refuse(
          `tensor "${name}" has the type ${removed}, which llama.cpp no longer reads`,
          'Get a newer GGUF of this model.',
        )
  }
  const shape = `[${dimensions.map(String).join(', ')}]`
  const elements = dimensions.reduce((product, size) => product * size, 1n)
  if (elements === 0n) throw reader.refuse(`tensor "${name}" is empty, its shape is ${shape}`, damaged)
  if (elements >= 2n ** 63n)
    throw reader.refuse(`tensor "${name}" has the impossible shape ${shape}`, damaged)
  const row = dimensions[0] ?? 1n
  if (row % BigInt(type.blockElements) !== 0n)
    throw reader.refuse(
      `tensor "${name}" has rows of ${String(row)} elements, and ${type.name} comes in blocks of ${String(type.blockElements)}`,
      damaged,
    )
  const bytes = (elements / BigInt(type.blockElements)) * BigInt(type.blockBytes)
  if (bytes > BigInt(reader.fileBytes)) refuseCutShort(reader, reader.position + Number(bytes))
  return { tensor: { name, type, elements: Number(elements), bytes: Number(bytes) }, bytes }
}

function refuseCutShort(reader: Reader, promisedBytes: number): void {
  if (promisedBytes <= reader.fileBytes) return
  const [promised, there] = formatUnequalBytes(promisedBytes, reader.fileBytes)
  throw reader.refuse(
    `cut short: the header promises ${promised}, the file has ${there}`,
    'The download or copy did not finish. Get the file again.',
  )
}

function pad(bytes: bigint, alignment: bigint): bigint {
  return ((bytes + alignment - 1n) / alignment) * alignment
}

function quoteBytes(bytes: Uint8Array): string {
  const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return printable
    ? `"${new TextDecoder('latin1').decode(bytes)}"`
    : `bytes ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`
}

/** Reads a file forwards through one buffer, and never past its end. */
class Reader {
  readonly fileBytes: number
  readonly #file: ModelFile
  readonly #buffer = new Uint8Array(2 ** 18)
  readonly #view = new DataView(this.#buffer.buffer)
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #bufferStart = 0
  #buffered = 0
  #position = 0
  #keptBytes = 0

  constructor(file: ModelFile) {
    this.#file = file
    this.fileBytes = file.bytes
  }

  get position(): number {
    return this.#position
  }

  refuse(fact: string, help: string): Error {
    return badModelFile(this.#file.path, fact, { help })
  }

  /** A number of things that are still to come, each of at least `bytesEach` bytes. */
  count(what: string, options: { max: number; bytesEach: number }): number {
    const count = this.uint64(`the number of ${what}`)
    const left = this.fileBytes - this.#position
    if (count > BigInt(options.max) || Number(count) * options.bytesEach > left)
      throw this.refuse(
        count > BigInt(options.max)
          ? `it claims ${String(count)} ${what}, and at most ${String(options.max)} make sense`
          : `it claims ${String(count)} ${what}, and ${formatBytes(left)} are left of the file`,
        damaged,
      )
    return Number(count)
  }

  /** A length in bytes that the rest of the file can hold. */
  length(what: string): number {
    const length = this.uint64(what)
    const left = this.fileBytes - this.#position
    if (length > BigInt(left))
      throw this.refuse(
        `${what} claims ${length < 2n ** 53n ? formatBytes(Number(length)) : `${String(length)} bytes`}, and ${formatBytes(left)} are left of the file`,
        damaged,
      )
    return Number(length)
  }

  /** A name: a short string that is not empty and is valid UTF-8. */
  name(what: string, options: { max: number }): string {
    const length = this.length(what)
    if (length === 0) throw this.refuse(`${what} is empty`, damaged)
    if (length > options.max)
      throw this.refuse(
        `${what} is ${formatBytes(length)} long, and at most ${String(options.max)} make sense`,
        damaged,
      )
    try {
      return this.#decoder.decode(this.bytes(length, what))
    } catch (error) {
      if (error instanceof TypeError) throw this.refuse(`${what} is not valid UTF-8`, damaged)
      throw error
    }
  }

  /** A string, kept when it is not longer than `max` and not too much was kept before. */
  text(what: string, options: { max: number }): { text: string | null; bytes: number } {
    const bytes = this.length(what)
    if (bytes > options.max || this.#keptBytes + bytes > maxKeptBytes) {
      this.skip(bytes, what)
      return { text: null, bytes }
    }
    this.#keptBytes += bytes
    return { text: new TextDecoder().decode(this.bytes(bytes, what)), bytes }
  }

  scalar(type: Exclude<GgufValueTypeName, 'string' | 'array'>, what: string): number | boolean {
    const at = this.#take(ggufValueTypes[type].bytes, what)
    switch (type) {
      case 'uint8':
        return this.#view.getUint8(at)
      case 'int8':
        return this.#view.getInt8(at)
      case 'uint16':
        return this.#view.getUint16(at, true)
      case 'int16':
        return this.#view.getInt16(at, true)
      case 'uint32':
        return this.#view.getUint32(at, true)
      case 'int32':
        return this.#view.getInt32(at, true)
      case 'float32':
        return this.#view.getFloat32(at, true)
      case 'bool':
        return this.#view.getUint8(at) !== 0
      case 'uint64':
        return Number(this.#view.getBigUint64(at, true))
      case 'int64':
        return Number(this.#view.getBigInt64(at, true))
      case 'float64':
        return this.#view.getFloat64(at, true)
      default:
        return type satisfies never
    }
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true)
  }

  uint64(what: string): bigint {
    return this.#view.getBigUint64(this.#take(8, what), true)
  }

  /** The next bytes, as a copy. */
  bytes(length: number, what: string): Uint8Array {
    if (length <= this.#buffer.length) {
      const at = this.#take(length, what)
      return this.#buffer.slice(at, at + length)
    }
    this.#requireLeft(length, what)
    const bytes = new Uint8Array(length)
    this.#fill(bytes, this.#position)
    this.#position += length
    return bytes
  }

  skip(length: number, what: string): void {
    this.#requireLeft(length, what)
    this.#position += length
  }

  /** Makes the next bytes available; where they begin in the buffer. */
  #take(length: number, what: string): number {
    this.#requireLeft(length, what)
    const end = this.#bufferStart + this.#buffered
    if (this.#position < this.#bufferStart || this.#position + length > end) {
      const want = Math.min(this.#buffer.length, this.fileBytes - this.#position)
      this.#fill(this.#buffer.subarray(0, want), this.#position)
      this.#bufferStart = this.#position
      this.#buffered = want
    }
    const at = this.#position - this.#bufferStart
    this.#position += length
    return at
  }

  #fill(target: Uint8Array, position: number): void {
    for (let done = 0; done < target.length;) {
      const read = this.#file.read(target.subarray(done), position + done)
      if (read === 0)
        throw this.refuse(
          'it became shorter while it was read',
          'Wait until the file is complete, and try again.',
        )
      done += read
    }
  }

  #requireLeft(length: number, what: string): void {
    if (length <= this.fileBytes - this.#position) return
    throw this.refuse(
      `cut short: it ends after ${formatBytes(this.fileBytes)}, in ${what}`,
      'The download or copy did not finish. Get the file again.',
    )
  }
}
