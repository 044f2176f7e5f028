import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  closeSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import type { GgufFile, MetadataEntry, TensorEntry } from './gguf-file.ts'
import { encodeHeader, list, text, uint16, uint32, writeGgufFile, writeSplitGgufFile } from './gguf-file.ts'
import { llamaFile, tinyShape, transformerMetadata, vocabulary } from './shapes.ts'

/** A file that must not do harm. */
export type HostileFile = {
  /** What is wrong with it, in a few words; also the beginning of its file name. */
  readonly name: string
  /** What the error has to say. */
  readonly says: RegExp
  /** Who notices: the header check, llama.cpp's dry run, or the one who watches the child. */
  readonly noticedBy: 'header' | 'trial' | 'watcher'
  /** Makes it in a folder; the paths to inspect, or null where this machine cannot have such a file. */
  readonly create: (folder: string) => readonly string[] | null | Promise<readonly string[] | null>
}

/** A small model that is as it should be, to be spoiled. */
function soundModel(): GgufFile {
  return llamaFile(tinyShape)
}

/** Every hostile file. Each is made anew, and takes next to no room on the disk. */
export function hostileFiles(): readonly HostileFile[] {
  return [
    ...notModels(),
    ...notRegularFiles(),
    ...cutShort(),
    ...wrongVersions(),
    ...lyingCounts(),
    ...wrongMetadata(),
    ...wrongTensors(),
    ...absurdNumbers(),
    ...wrongVocabularies(),
    ...endlessTemplates(),
    ...otherKinds(),
    ...wrongSplits(),
  ]
}

type Options = { says: RegExp; noticedBy?: HostileFile['noticedBy'] }

function raw(name: string, says: RegExp, content: string | Uint8Array): HostileFile {
  return {
    name,
    says,
    noticedBy: 'header',
    create: (folder) => {
      const file = fileIn(folder, name)
      writeFileSync(file, content)
      return [file]
    },
  }
}

function gguf(name: string, options: Options, spoil: (file: GgufFile) => GgufFile): HostileFile {
  return {
    name,
    says: options.says,
    noticedBy: options.noticedBy ?? 'header',
    create: (folder) => {
      const file = fileIn(folder, name)
      writeGgufFile(file, spoil(soundModel()))
      return [file]
    },
  }
}

/** A sound model with metadata entries put in place of, or beside, its own. */
function metadata(name: string, options: Options, ...entries: readonly MetadataEntry[]): HostileFile {
  return gguf(name, options, (file) => ({ ...file, metadata: replaceEntries(file.metadata, entries) }))
}

function without(name: string, options: Options, ...keys: readonly string[]): HostileFile {
  return gguf(name, options, (file) => ({
    ...file,
    metadata: file.metadata.filter(({ key }) => typeof key !== 'string' || !keys.includes(key)),
  }))
}

/** A sound model whose third tensor (a query matrix or so) is changed. */
function tensor(name: string, options: Options, change: Partial<TensorEntry>): HostileFile {
  return gguf(name, options, (file) => ({
    ...file,
    dataBytes: 225_536,
    tensors: file.tensors.map((entry, index) => (index === 3 ? { ...entry, ...change } : entry)),
  }))
}

function template(name: string, options: Options, source: string): HostileFile {
  return metadata(name, options, text('tokenizer.chat_template', source))
}

function replaceEntries(
  entries: readonly MetadataEntry[],
  replacements: readonly MetadataEntry[],
): readonly MetadataEntry[] {
  const keys = new Set(replacements.map(({ key }) => key))
  return [...entries.filter(({ key }) => !keys.has(key)), ...replacements]
}

function fileIn(folder: string, name: string): string {
  return path.join(folder, `${name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.gguf`)
}

function notModels(): readonly HostileFile[] {
  const notGguf = /not a GGUF file/
  return [
    raw('text', notGguf, 'Once upon a time there was a model.\n'),
    raw('a web page', notGguf, '<!DOCTYPE html><html><body>404</body></html>'),
    raw(
      'a Git LFS pointer',
      notGguf,
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000000000\n',
    ),
    raw('a ZIP archive', notGguf, new Uint8Array([0x50, 0x4b, 3, 4, ...new Uint8Array(100)])),
    raw('a file of the time before GGUF', notGguf, `tjgg${'\0'.repeat(200)}`),
    raw(
      'random bytes',
      notGguf,
      Uint8Array.from({ length: 5000 }, (_, index) => (index * 7919 + 31) & 0xff),
    ),
    {
      name: 'a terabyte of nothing',
      says: notGguf,
      noticedBy: 'header',
      create: (folder) => {
        const file = fileIn(folder, 'a terabyte of nothing')
        writeFileSync(file, '')
        truncateSync(file, 2 ** 40)
        return [file]
      },
    },
    raw('zero bytes', /empty \(0 bytes\)/, ''),
  ]
}

function notRegularFiles(): readonly HostileFile[] {
  const special = (name: string, says: RegExp, make: (file: string) => void): HostileFile => ({
    name,
    says,
    noticedBy: 'header',
    create: (folder) => {
      const file = fileIn(folder, name)
      try {
        make(file)
      } catch {
        // Windows has neither FIFOs nor, for everybody, links.
        return null
      }
      return [file]
    },
  })
  return [
    special('a folder', /it is a folder/, (file) => mkdirSync(file)),
    special('a FIFO', /named pipe/, (file) => execFileSync('mkfifo', [file])),
    special('a link to a FIFO', /named pipe/, (file) => {
      execFileSync('mkfifo', [`${file}.pipe`])
      symlinkSync(`${file}.pipe`, file)
    }),
    special('a device', /a device/, (file) => symlinkSync('/dev/zero', file)),
    {
      name: 'a socket',
      says: /a socket/,
      noticedBy: 'header',
      create: async (folder) => {
        if (process.platform === 'win32') return null
        const file = fileIn(folder, 'a socket')
        const server = createServer()
        server.unref()
        await new Promise<void>((resolve) => server.listen(file, resolve))
        return [file]
      },
    },
    special('a link to itself', /leads back to itself/, (file) => symlinkSync(file, file)),
    special('a link to nothing', /no file at/, (file) => symlinkSync(`${file}.gone`, file)),
    {
      name: 'a file that has vanished',
      says: /no file at/,
      noticedBy: 'header',
      create: (folder) => [fileIn(folder, 'vanished')],
    },
    {
      name: 'a path through a file',
      says: /no file at/,
      noticedBy: 'header',
      create: (folder) => {
        const file = fileIn(folder, 'file')
        writeGgufFile(file, soundModel())
        return [path.join(file, 'model.gguf')]
      },
    },
    {
      name: 'no permission',
      says: /no permission/,
      noticedBy: 'header',
      create: (folder) => {
        // Permissions bind nobody on Windows by mode, and not root.
        if (process.platform === 'win32' || process.getuid?.() === 0) return null
        const file = fileIn(folder, 'no permission')
        writeGgufFile(file, soundModel())
        chmodSync(file, 0)
        return [file]
      },
    },
  ]
}

function cutShort(): readonly HostileFile[] {
  const says = /cut short|left of the file/
  const cut = (name: string, length: (sizes: { header: number; file: number }) => number): HostileFile => ({
    name: `cut ${name}`,
    says,
    noticedBy: 'header',
    create: (folder) => {
      const file = fileIn(folder, `cut ${name}`)
      const model = soundModel()
      const size = writeGgufFile(file, model)
      truncateSync(file, length({ header: encodeHeader(model).length, file: size }))
      return [file]
    },
  })
  return [
    cut('in the magic', () => 3),
    cut('after the magic', () => 4),
    cut('in the counts', () => 12),
    cut('after the counts', () => 24),
    cut('in the first key', () => 40),
    cut('in the middle of the header', ({ header }) => Math.round(header / 2)),
    cut('in the tensor list', ({ header }) => header - 400),
    cut('after the header', ({ header }) => header),
    cut('in the middle of the data', ({ header, file }) => Math.round((header + file) / 2)),
    // The last tensor ends with padding, so more than that is missing.
    cut('near the end', ({ file }) => file - 64),
  ]
}

function wrongVersions(): readonly HostileFile[] {
  const version = (number: number, says: RegExp) =>
    gguf(`version ${String(number)}`, { says }, (file) => ({ ...file, version: number }))
  return [
    version(0, /version 0/),
    version(1, /version 1, which llama\.cpp no longer reads/),
    version(4, /version 4/),
    version(2 ** 31 + 1, /version 2147483649/),
    version(0x03000000, /big-endian/),
  ]
}

function lyingCounts(): readonly HostileFile[] {
  const says = /claims/
  const claims = (name: string, change: Partial<GgufFile>) =>
    gguf(name, { says }, (file) => ({ ...file, ...change }))
  return [
    claims('2^63 tensors', { claimedTensors: 2n ** 63n }),
    claims('2^40 tensors', { claimedTensors: 2n ** 40n }),
    claims('2^31 tensors', { claimedTensors: 2n ** 31n }),
    gguf('one tensor too many', { says: /./ }, (file) => ({
      ...file,
      claimedTensors: BigInt(file.tensors.length + 1),
    })),
    claims('2^64-1 metadata entries', { claimedMetadata: 2n ** 64n - 1n }),
    claims('2^40 metadata entries', { claimedMetadata: 2n ** 40n }),
    gguf('one metadata entry too many', { says: /./ }, (file) => ({
      ...file,
      claimedMetadata: BigInt(file.metadata.length + 1),
    })),
    gguf('one metadata entry too few', { says: /./ }, (file) => ({
      ...file,
      claimedMetadata: BigInt(file.metadata.length - 1),
    })),
    metadata('a string of 2^31 bytes', { says }, { ...text('general.name', 'x'), claimedLength: 2n ** 31n }),
    metadata('a string of 2^40 bytes', { says }, { ...text('general.name', 'x'), claimedLength: 2n ** 40n }),
    metadata('a string of 2^63 bytes', { says }, { ...text('general.name', 'x'), claimedLength: 2n ** 63n }),
    metadata('a list of 2^40 bytes', { says }, { ...list('x', 'uint8', [1]), claimedLength: 2n ** 40n }),
    metadata('a list of 2^61 numbers', { says }, { ...list('x', 'uint64', [1]), claimedLength: 2n ** 61n }),
    metadata('a list of 2^31 strings', { says }, { ...list('x', 'string', ['y']), claimedLength: 2n ** 31n }),
    metadata('a list of 2^63 strings', { says }, { ...list('x', 'string', ['y']), claimedLength: 2n ** 63n }),
    {
      // Sixteen million empty strings that really are there.
      name: 'a list of strings in a terabyte',
      says: /./,
      noticedBy: 'header',
      create: (folder) => {
        const file = fileIn(folder, 'a list of strings in a terabyte')
        const header = encodeHeader({
          metadata: [{ ...list('x', 'string', []), claimedLength: 2n ** 24n }],
          tensors: [],
          claimedMetadata: 5n,
        })
        const descriptor = openSync(file, 'w')
        writeSync(descriptor, header)
        ftruncateSync(descriptor, 2 ** 40)
        closeSync(descriptor)
        return [file]
      },
    },
    raw('a key of 2^31 bytes', says, keyOf(2n ** 31n)),
    raw('a key of 2^64-1 bytes', says, keyOf(2n ** 64n - 1n)),
  ]
}

/** A header with one key, and only the length of it. */
function keyOf(length: bigint): Uint8Array {
  const end = new DataView(new ArrayBuffer(40))
  end.setBigUint64(0, length, true)
  const header = encodeHeader({ metadata: [], tensors: [], claimedMetadata: 1n, alignment: 8 })
  return Buffer.concat([header, new Uint8Array(end.buffer)])
}

function wrongMetadata(): readonly HostileFile[] {
  return [
    metadata('an empty key', { says: /is empty/ }, uint32('', 1)),
    metadata(
      'a key that is not UTF-8',
      { says: /not valid UTF-8/ },
      {
        key: new Uint8Array([0x61, 0xff, 0xfe, 0x62]),
        type: 'uint32',
        value: 1,
      },
    ),
    metadata('a key of 5,000 bytes', { says: /4\.88 KB long/ }, uint32('k'.repeat(5000), 1)),
    gguf('a key twice', { says: /there twice/ }, (file) => ({
      ...file,
      metadata: [...file.metadata, uint32('llama.block_count', 3)],
    })),
    metadata('an unknown value type', { says: /unknown value type 99/ }, { key: 'x', type: 99, value: 1 }),
    metadata(
      'a list of an unknown type',
      { says: /unknown value type 77/ },
      {
        key: 'x',
        type: 'array',
        value: { of: 77, values: [1, 2] },
      },
    ),
    metadata(
      'a list of lists',
      { says: /list of lists/ },
      {
        key: 'x',
        type: 'array',
        value: { of: 'array', values: [] },
      },
    ),
    gguf('too many keys', { says: /claims 70000 metadata entries/ }, (file) => ({
      ...file,
      metadata: Array.from({ length: 70_000 }, (_, index) => uint32(`key.${String(index)}`, index)),
    })),
    metadata('alignment 0', { says: /general\.alignment/ }, uint32('general.alignment', 0)),
    metadata('alignment 24', { says: /24, not a power of two/ }, uint32('general.alignment', 24)),
    metadata('alignment as a text', { says: /general\.alignment/ }, text('general.alignment', '32')),
  ]
}

function wrongTensors(): readonly HostileFile[] {
  return [
    tensor('a tensor of five dimensions', { says: /5 dimensions/ }, { dimensions: [2, 2, 2, 2, 2] }),
    tensor('a tensor with a dimension of 0', { says: /is empty/ }, { dimensions: [64, 0] }),
    tensor('a tensor of 2^64 elements', { says: /impossible shape/ }, { dimensions: [2n ** 32n, 2n ** 32n] }),
    tensor(
      'a tensor with a negative dimension',
      { says: /impossible shape/ },
      { dimensions: [2n ** 63n, 1] },
    ),
    tensor('a tensor larger than the file', { says: /cut short/ }, { dimensions: [2n ** 40n] }),
    tensor('an unknown tensor type', { says: /unknown type 200/ }, { type: 200 }),
    tensor('a removed tensor type', { says: /Q4_0_4_4/ }, { type: 31 }),
    tensor(
      'rows that are no whole blocks',
      { says: /blocks of 256/ },
      { type: 'Q4_K', dimensions: [64, 64] },
    ),
    tensor('a tensor name of 70 letters', { says: /70 B long/ }, { name: 'n'.repeat(70) }),
    tensor('a tensor without a name', { says: /is empty/ }, { name: '' }),
    tensor('a tensor twice', { says: /there twice/ }, { name: 'token_embd.weight' }),
    tensor('tensor data past the end', { says: /should begin at byte/ }, { offset: 2n ** 40n }),
    tensor('tensors that overlap', { says: /should begin at byte/ }, { offset: 0n }),
    tensor('a tensor out of alignment', { says: /should begin at byte/ }, { offset: 77n }),
  ]
}

function absurdNumbers(): readonly HostileFile[] {
  const trial = (says: RegExp): Options => ({ says, noticedBy: 'trial' })
  return [
    without('no architecture', { says: /does not say its architecture/ }, 'general.architecture'),
    gguf('an unknown architecture', trial(/architecture "hieroglyph" is not supported/), (file) => ({
      ...file,
      metadata: [...transformerMetadata({ ...tinyShape, architecture: 'hieroglyph' })],
    })),
    metadata('0 layers', { says: /block_count" is 0/ }, uint32('llama.block_count', 0)),
    without('no layer count', { says: /block_count/ }, 'llama.block_count'),
    metadata('2^31 layers', { says: /2147483648 layers/ }, uint32('llama.block_count', 2 ** 31)),
    metadata('layers as a text', { says: /block_count/ }, text('llama.block_count', '2')),
    metadata('more layers than tensors', trial(/./), uint32('llama.block_count', 3)),
    metadata('an embedding of 0', { says: /embedding_length" is 0/ }, uint32('llama.embedding_length', 0)),
    metadata(
      'an embedding of 2^31',
      { says: /2147483648 numbers/ },
      uint32('llama.embedding_length', 2 ** 31),
    ),
    metadata('an embedding of another size', trial(/./), uint32('llama.embedding_length', 128)),
    gguf('an embedding that the heads cannot share', { says: /cannot be shared/ }, (file) => ({
      ...file,
      metadata: replaceEntries(file.metadata, [uint32('llama.embedding_length', 65)]).filter(
        ({ key }) => key !== 'llama.attention.key_length',
      ),
    })),
    metadata('0 heads', trial(/./), uint32('llama.attention.head_count', 0)),
    metadata(
      '8 heads on 3 KV heads',
      { says: /cannot share 3 KV heads/ },
      uint32('llama.attention.head_count', 8),
      uint32('llama.attention.head_count_kv', 3),
    ),
    metadata('0 KV heads', trial(/./), uint32('llama.attention.head_count_kv', 0)),
    metadata(
      'KV heads for one layer of two',
      { says: /1 entries for 2 layers/ },
      list('llama.attention.head_count_kv', 'uint32', [2]),
    ),
    metadata(
      '-1 heads',
      { says: /head_count" is -1/ },
      { key: 'llama.attention.head_count', type: 'int32', value: -1 },
    ),
    metadata(
      '2^20 heads',
      { says: /1048576 attention heads/ },
      uint32('llama.attention.head_count', 2 ** 20),
    ),
    metadata(
      'a key length of 2^31',
      { says: /key length is 2147483648/ },
      uint32('llama.attention.key_length', 2 ** 31),
    ),
    metadata(
      '100,000 experts',
      { says: /100000 experts/ },
      uint32('llama.expert_count', 100_000),
      uint32('llama.expert_used_count', 2),
    ),
    metadata(
      '9 experts used of 8',
      { says: /9 experts of 8/ },
      uint32('llama.expert_count', 8),
      uint32('llama.expert_used_count', 9),
    ),
    metadata('0 experts used of 8', { says: /none of its 8 experts/ }, uint32('llama.expert_count', 8)),
    metadata(
      'experts that are not there',
      trial(/./),
      uint32('llama.expert_count', 8),
      uint32('llama.expert_used_count', 2),
    ),
    metadata('a context of 0', { says: /context_length" is 0/ }, uint32('llama.context_length', 0)),
    without('no context length', { says: /context_length/ }, 'llama.context_length'),
    metadata('a rotation of another size', trial(/./), uint32('llama.rope.dimension_count', 7)),
    without('no norm epsilon', trial(/./), 'llama.attention.layer_norm_rms_epsilon'),
    metadata('a feed-forward of another size', trial(/./), uint32('llama.feed_forward_length', 100)),
    metadata(
      'unknown rope scaling',
      { says: /./, noticedBy: 'watcher' },
      text('llama.rope.scaling.type', 'hieroglyph'),
    ),
    metadata(
      'more expert groups than experts',
      { says: /./, noticedBy: 'watcher' },
      uint32('llama.expert_count', 8),
      uint32('llama.expert_used_count', 2),
      uint32('llama.expert_group_count', 9),
    ),
    metadata(
      'more next-token layers than layers',
      { says: /./, noticedBy: 'watcher' },
      uint32('llama.nextn_predict_layers', 3),
    ),
    gguf('no output norm', trial(/./), (file) => ({
      ...file,
      tensors: file.tensors.filter(({ name }) => name !== 'output_norm.weight'),
    })),
    gguf('no token embeddings', { says: /token_embd\.weight/ }, (file) => ({
      ...file,
      tensors: file.tensors.filter(({ name }) => name !== 'token_embd.weight'),
    })),
  ]
}

function wrongVocabularies(): readonly HostileFile[] {
  const trial = (says: RegExp): Options => ({ says, noticedBy: 'trial' })
  return [
    without('no tokenizer', { says: /no tokenizer/ }, 'tokenizer.ggml.model'),
    metadata('an unknown tokenizer', trial(/hieroglyph/), text('tokenizer.ggml.model', 'hieroglyph')),
    metadata('an unknown pre-tokenizer', trial(/hieroglyph/), text('tokenizer.ggml.pre', 'hieroglyph')),
    without('no tokens', { says: /list of tokens/ }, 'tokenizer.ggml.tokens'),
    metadata(
      'tokens that are numbers',
      { says: /list of tokens/ },
      list('tokenizer.ggml.tokens', 'uint32', [1, 2, 3]),
    ),
    gguf('fewer tokens than embeddings', trial(/./), (file) => ({
      ...file,
      metadata: replaceEntries(file.metadata, vocabulary(290)),
    })),
    metadata(
      'fewer token types than tokens',
      { says: /a number for each of the 300 tokens/ },
      list('tokenizer.ggml.token_type', 'int32', [1, 1]),
    ),
    metadata(
      'scores that are texts',
      { says: /a number for each of the 300 tokens/ },
      list('tokenizer.ggml.scores', 'string', Array<string>(300).fill('x')),
    ),
    without('no merges', trial(/merges/), 'tokenizer.ggml.merges'),
    metadata(
      'a list of tokens that are all the same',
      { says: /./, noticedBy: 'trial' },
      list('tokenizer.ggml.tokens', 'string', Array<string>(300).fill('a')),
    ),
  ]
}

function endlessTemplates(): readonly HostileFile[] {
  const loop = Array.from('abcdef', (name) => `{% for ${name} in range(1000) %}`).join('')
  return [
    template(
      'a chat template that never ends',
      { says: /not done after/, noticedBy: 'watcher' },
      `${loop}x${'{% endfor %}'.repeat(6)}`,
    ),
    template(
      'a chat template that eats memory',
      { says: /more than 800 MB of memory|not done after/, noticedBy: 'watcher' },
      '{% set n = namespace(list=[1]) %}{% for i in range(60) %}{% set n.list = n.list + n.list %}{% endfor %}{{ n.list | length }}',
    ),
    template(
      'a chat template that calls itself',
      { says: /not done after|stopped the model reader/, noticedBy: 'watcher' },
      '{% macro again(x) %}{{ again(x) }}{% endmacro %}{{ again(1) }}',
    ),
    template(
      'a chat template of two megabytes',
      { says: /chat template is/ },
      `${'{# filling #}'.repeat(170_000)}{{ messages }}`,
    ),
  ]
}

function otherKinds(): readonly HostileFile[] {
  const says = /not a chat model/
  const architecture = (name: string, extra: readonly MetadataEntry[] = []) =>
    gguf(`a model of architecture ${name}`, { says }, (file) => ({
      ...file,
      metadata: [text('general.architecture', name), ...extra],
    }))
  return [
    metadata(
      'a LoRA adapter',
      { says: /an adapter/ },
      text('general.type', 'adapter'),
      text('adapter.type', 'lora'),
    ),
    gguf('an importance matrix', { says: /an importance matrix/ }, (file) => ({
      ...file,
      metadata: [text('general.type', 'imatrix'), list('imatrix.datasets', 'string', ['x'])],
    })),
    architecture('bert'),
    architecture('nomic-bert'),
    architecture('t5encoder'),
    architecture('dream'),
    architecture('eagle3'),
    architecture('wavtokenizer-dec'),
    metadata('an embedding model', { says }, uint32('llama.pooling_type', 3)),
    gguf('a vocabulary without weights', { says: /without weights/ }, (file) => ({ ...file, tensors: [] })),
    metadata(
      'a model without a vocabulary',
      { says: /without a vocabulary/ },
      text('tokenizer.ggml.model', 'none'),
    ),
  ]
}

function wrongSplits(): readonly HostileFile[] {
  const split = (
    name: string,
    says: RegExp,
    choose: (parts: readonly string[], folder: string) => readonly string[],
  ): HostileFile => ({
    name,
    says,
    noticedBy: 'header',
    create: (folder) => {
      const stem = fileIn(folder, name).replace(/\.gguf$/, '')
      return choose(writeSplitGgufFile(stem, soundModel(), 3), folder)
    },
  })
  return [
    split('one part of a split model', /split into 3 parts, and 1 is there/, ([first = '']) => [first]),
    split('the second part of a split model', /part 2 of a split model/, ([, second = '']) => [second]),
    split('parts in the wrong order', /says that it is part 3/, ([one = '', two = '', three = '']) => [
      one,
      three,
      two,
    ]),
    split('the same part twice', /says that it is part 2/, ([one = '', two = '']) => [one, two, two]),
    split('a split model with a part missing', /no file at/, ([one = '', two = '', three = '']) => [
      one,
      two,
      three.replace('00003-of', '00004-of'),
    ]),
    metadata(
      'a split model of 65,535 parts',
      { says: /split into 65535 parts/ },
      uint16('split.no', 0),
      uint16('split.count', 65_535),
      uint16('split.tensors.count', 21),
    ),
    metadata('a part number of another type', { says: /./ }, uint32('split.no', 0), uint32('split.count', 2)),
    {
      name: 'parts of different models',
      says: /tensors, and they hold|in two parts/,
      noticedBy: 'header',
      create: (folder) => {
        const stem = path.join(folder, 'parts-of-different-models')
        const [one = ''] = writeSplitGgufFile(`${stem}-a`, soundModel(), 2)
        const [, two = ''] = writeSplitGgufFile(`${stem}-b`, llamaFile({ ...tinyShape, layers: 4 }), 2)
        return [one, two]
      },
    },
  ]
}
