import type { Inspection } from '../../contract/backend.ts'
import type { ModelFacts } from '../../contract/model.ts'
import type { GgufHeader, GgufTensor } from './gguf-header.ts'
import { describeLayers } from './gguf-layers.ts'
import { GgufMetadata } from './gguf-metadata.ts'
import { fileTypeNames } from './gguf-types.ts'
import { recommendedSampling } from './gguf-sampling.ts'

/** What the headers of a file, or of all parts of a split file, say; and the chat template for trying it. */
export type HeaderDescription = { readonly inspection: Inspection; readonly chatTemplate: string | null }

/**
 * Turns the headers of one model into its facts. Files that are no chat model, split files that are not complete and
 * hyper-parameters that cannot be are refused with `BAD_MODEL_FILE`.
 */
export function describeModel(headers: readonly GgufHeader[]): HeaderDescription {
  const first = headers[0]
  if (first === undefined) throw new Error('No header to describe')
  const metadata = new GgufMetadata(first.path, first.metadata)
  const tensors = joinParts(headers)
  if (isProjector(metadata))
    return {
      inspection: { kind: 'projector', bytes: headers.reduce((sum, header) => sum + header.fileBytes, 0) },
      chatTemplate: null,
    }
  refuseOtherKinds(metadata, tensors)
  const facts = readFacts(metadata, tensors)
  return {
    inspection: { kind: 'model', facts, splitCount: headers.length },
    chatTemplate: readChatTemplate(metadata),
  }
}

const maxLayers = 512
const maxExperts = 1024
const maxEmbedding = 2 ** 20
const wrongHelp = 'The file is damaged or was converted wrongly. Get another GGUF of this model.'

/** The tensors of all parts, in order, after checking that the parts are one whole model. */
function joinParts(headers: readonly GgufHeader[]): readonly GgufTensor[] {
  const first = headers[0]
  if (first === undefined) return []
  const whole = new GgufMetadata(first.path, first.metadata)
  const declaredParts = whole.count('split.count') ?? 1
  if (declaredParts <= 1 && headers.length === 1) return first.tensors
  const partNumber = (header: GgufHeader) => new GgufMetadata(header.path, header.metadata).count('split.no')
  if (partNumber(first) !== 0)
    throw whole.refuse(
      `it is part ${String((partNumber(first) ?? 0) + 1)} of a split model, not its beginning`,
      'Add the first part (-00001-of-…); the others are found beside it.',
    )
  if (declaredParts !== headers.length)
    throw whole.refuse(
      `it is split into ${String(declaredParts)} parts, and ${String(headers.length)} ${headers.length === 1 ? 'is' : 'are'} there`,
      'Put all parts into one folder with their original names.',
    )
  const names = new Set<string>()
  for (const [index, header] of headers.entries()) {
    const part = new GgufMetadata(header.path, header.metadata)
    for (const key of ['split.no', 'split.count']) {
      const value = part.get(key)
      // llama.cpp aborts the process on another type.
      if (value?.kind !== 'scalar' || value.type !== 'uint16')
        throw part.refuse(`its "${key}" is missing or no 16-bit number`, wrongHelp)
    }
    if (part.count('split.no') !== index)
      throw part.refuse(
        `it says that it is part ${String((part.count('split.no') ?? 0) + 1)}, and its name says part ${String(index + 1)}`,
        'Restore the original names of the parts.',
      )
    for (const { name } of header.tensors) {
      if (names.has(name)) throw part.refuse(`the tensor "${name}" is in two parts`, wrongHelp)
      names.add(name)
    }
  }
  const declaredTensors = whole.count('split.tensors.count')
  if (declaredTensors !== null && declaredTensors !== names.size)
    throw whole.refuse(
      `its parts should hold ${String(declaredTensors)} tensors, and they hold ${String(names.size)}`,
      'The parts are not of the same model, or one is incomplete. Get all parts again.',
    )
  return headers.flatMap((header) => header.tensors)
}

function isProjector(metadata: GgufMetadata): boolean {
  return metadata.architecture === 'clip' || metadata.text('general.type') === 'mmproj'
}

const encoders = new Set([
  'bert',
  'modern-bert',
  'nomic-bert',
  'nomic-bert-moe',
  'neo-bert',
  'jina-bert-v2',
  'jina-bert-v3',
  'eurobert',
  'gemma-embedding',
  'llama-embed',
  't5encoder',
])
const otherKinds: ReadonlyMap<string, string> = new Map([
  ['dream', 'a diffusion model, which does not write from left to right'],
  ['llada', 'a diffusion model, which does not write from left to right'],
  ['llada-moe', 'a diffusion model, which does not write from left to right'],
  ['rnd1', 'a diffusion model, which does not write from left to right'],
  ['eagle3', 'a draft model that only works together with another'],
  ['dflash', 'a draft model that only works together with another'],
  ['gemma4-assistant', 'a draft model that only works together with another'],
  ['wavtokenizer-dec', 'a part of a speech model'],
  ['qwen3tts', 'a speech model'],
  ['pockettts', 'a speech model'],
  ['t5', 'a translation model with an encoder (T5)'],
])

function refuseOtherKinds(metadata: GgufMetadata, tensors: readonly GgufTensor[]): void {
  const { architecture } = metadata
  const refuse = (what: string, help = 'Plenum talks with chat models.') =>
    metadata.refuse(`not a chat model: it is ${what}`, help)
  const type = metadata.text('general.type')
  if (type === 'adapter' || metadata.get('adapter.type') !== undefined)
    throw refuse('an adapter (LoRA) for another model', 'Merge it into its model and convert that.')
  if (type === 'imatrix' || metadata.get('imatrix.datasets') !== undefined)
    throw refuse('an importance matrix, made for quantizing')
  if (architecture === '')
    throw metadata.refuse('it does not say its architecture ("general.architecture")', wrongHelp)
  if (encoders.has(architecture)) throw refuse(`an embedding or ranking model (${architecture})`)
  const other = otherKinds.get(architecture)
  if (other !== undefined) throw refuse(other)
  if (tensors.length === 0) throw refuse('a vocabulary without weights')
  // Qwen3-Embedding and its like have a chat architecture and a pooling layer.
  const pooling = metadata.count('.pooling_type') ?? 0
  if (pooling > 0) throw refuse(pooling === 4 ? 'a ranking model' : 'an embedding model')
  const tokenizer = metadata.text('tokenizer.ggml.model')
  if (tokenizer === null)
    throw metadata.refuse(
      'it has no tokenizer ("tokenizer.ggml.model")',
      'Get a GGUF with its vocabulary in it.',
    )
  if (tokenizer === 'none' || tokenizer === 'no_vocab') throw refuse('a model without a vocabulary')
}

function readFacts(metadata: GgufMetadata, tensors: readonly GgufTensor[]): ModelFacts {
  const layers = metadata.requiredCount('.block_count')
  if (layers > maxLayers)
    throw metadata.refuse(
      `it claims ${String(layers)} layers, and llama.cpp takes at most ${String(maxLayers)}`,
      wrongHelp,
    )
  const embeddingLength = metadata.requiredCount('.embedding_length')
  if (embeddingLength > maxEmbedding)
    throw metadata.refuse(`it claims an embedding of ${String(embeddingLength)} numbers`, wrongHelp)
  const trainContextTokens = metadata.requiredCount('.context_length')
  const headCount = checkHeads(metadata, layers)
  const experts = readExperts(metadata, { layers, tensors })
  const vocabularySize = checkVocabulary(metadata, tensors)
  const tokens = metadata.get('tokenizer.ggml.tokens')
  const fingerprint = tokens?.kind === 'array' ? tokens.fingerprint : undefined
  const { kvLayerGroups, recurrentStateBytes } = describeLayers(metadata, layers)
  const tensorTypes = summariseTypes(tensors)
  const feedForward =
    metadata.perLayer('.feed_forward_length', layers) ??
    metadata.perLayer('.expert_feed_forward_length', layers) ??
    []
  return {
    architecture: metadata.architecture,
    title: metadata.text('general.name'),
    parameters: tensors.reduce((sum, tensor) => sum + tensor.elements, 0),
    quantization: nameQuantization(metadata, tensorTypes),
    weightBytes: tensors.reduce((sum, tensor) => sum + tensor.bytes, 0),
    inputBytes: bytesOf(tensors, (name) => name === 'token_embd.weight'),
    outputBytes: bytesOf(tensors, (name) => !name.startsWith('blk.') && name !== 'token_embd.weight'),
    tensorTypes,
    layers,
    embeddingLength,
    feedForwardLength: Math.max(0, ...feedForward),
    headCount,
    vocabularySize,
    ...(fingerprint !== undefined && { vocabularyFingerprint: fingerprint }),
    mergeCount: countOf(metadata, 'tokenizer.ggml.merges'),
    trainContextTokens,
    kvLayerGroups: [...kvLayerGroups],
    recurrentStateBytes,
    kvBytesPerToken: kvLayerGroups.reduce(
      (sum, group) => sum + group.layers * group.kvHeads * (group.keyLength + group.valueLength) * 2,
      0,
    ),
    experts,
    dryRuns: [],
    recommendedSampling: recommendedSampling(metadata),
    hasChatTemplate: metadata.text('tokenizer.chat_template') !== null,
    license: metadata.text('general.license') ?? metadata.text('general.license.name'),
    author: metadata.text('general.author') ?? metadata.text('general.organization'),
    description: metadata.text('general.description'),
  }
}

/** Heads of the layer with most; refuses combinations on which llama.cpp aborts. */
function checkHeads(metadata: GgufMetadata, layers: number): number {
  const heads = metadata.perLayer('.attention.head_count', layers) ?? []
  const kvHeads = metadata.perLayer('.attention.head_count_kv', layers) ?? heads
  for (const [layer, count] of heads.entries()) {
    const kvCount = kvHeads[layer] ?? 0
    if (count > 65_536 || kvCount > 65_536)
      throw metadata.refuse(`it claims ${String(Math.max(count, kvCount))} attention heads`, wrongHelp)
    if (count > 0 && kvCount > 0 && count % kvCount !== 0)
      throw metadata.refuse(
        `its ${String(count)} attention heads cannot share ${String(kvCount)} KV heads`,
        wrongHelp,
      )
  }
  const first = heads[0] ?? 0
  const embedding = metadata.count('.embedding_length') ?? 0
  if (first > 0 && metadata.count('.attention.key_length') === null && embedding % first !== 0)
    throw metadata.refuse(
      `its embedding of ${String(embedding)} numbers cannot be shared by ${String(first)} attention heads`,
      wrongHelp,
    )
  for (const key of ['key_length', 'value_length', 'key_length_swa', 'value_length_swa']) {
    const length = metadata.count(`.attention.${key}`)
    if (length !== null && length > 65_536)
      throw metadata.refuse(`its attention ${key.replace('_', ' ')} is ${String(length)}`, wrongHelp)
  }
  return Math.max(0, ...heads)
}

function readExperts(
  metadata: GgufMetadata,
  { layers, tensors }: { readonly layers: number; readonly tensors: readonly GgufTensor[] },
): ModelFacts['experts'] {
  const count = metadata.count('.expert_count') ?? 0
  const used = Math.max(0, ...(metadata.perLayer('.expert_used_count', layers) ?? []))
  if (count > maxExperts)
    throw metadata.refuse(
      `it claims ${String(count)} experts, and llama.cpp takes at most ${String(maxExperts)}`,
      wrongHelp,
    )
  if (used > count && count > 0)
    throw metadata.refuse(`it uses ${String(used)} experts of ${String(count)}`, wrongHelp)
  if (count > 0 && used === 0)
    throw metadata.refuse(`it uses none of its ${String(count)} experts`, wrongHelp)
  // Where the file says nothing (Mixtral), an expert is as wide as a dense layer.
  const widths =
    metadata.perLayer('.expert_feed_forward_length', layers) ??
    metadata.perLayer('.feed_forward_length', layers) ??
    []
  const bytes = bytesOf(tensors, (name) => /_exps\b/.test(name))
  return count === 0 ? null : { count, used, feedForwardLength: Math.max(0, ...widths), bytes }
}

function checkVocabulary(metadata: GgufMetadata, tensors: readonly GgufTensor[]): number {
  const tokens = metadata.get('tokenizer.ggml.tokens')
  if (tokens?.kind !== 'array' || tokens.type !== 'string' || tokens.count === 0)
    throw metadata.refuse('its list of tokens ("tokenizer.ggml.tokens") is missing', wrongHelp)
  const lists = [
    ['tokenizer.ggml.scores', ['float32', 'int32']],
    ['tokenizer.ggml.token_type', ['int32', 'uint32']],
  ] as const
  for (const [key, types] of lists) {
    const list = metadata.get(key)
    if (list === undefined) continue
    if (
      list.kind !== 'array' ||
      !(types as readonly string[]).includes(list.type) ||
      list.count < tokens.count
    )
      throw metadata.refuse(
        `its "${key}" does not have a number for each of the ${String(tokens.count)} tokens`,
        wrongHelp,
      )
  }
  if (tensors.every((tensor) => tensor.name !== 'token_embd.weight'))
    throw metadata.refuse('its token embeddings ("token_embd.weight") are missing', wrongHelp)
  return tokens.count
}

function bytesOf(tensors: readonly GgufTensor[], isMeant: (name: string) => boolean): number {
  return tensors.reduce((sum, { name, bytes }) => (isMeant(name) ? sum + bytes : sum), 0)
}

function countOf(metadata: GgufMetadata, key: string): number {
  const value = metadata.get(key)
  return value?.kind === 'array' ? value.count : 0
}

function summariseTypes(tensors: readonly GgufTensor[]): ModelFacts['tensorTypes'] {
  const types = new Map<string, { type: string; tensors: number; bytes: number }>()
  for (const { type, bytes } of tensors) {
    const known = types.get(type.name) ?? { type: type.name, tensors: 0, bytes: 0 }
    types.set(type.name, { ...known, tensors: known.tensors + 1, bytes: known.bytes + bytes })
  }
  return [...types.values()].sort((one, other) => other.bytes - one.bytes)
}

function nameQuantization(metadata: GgufMetadata, types: ModelFacts['tensorTypes']): string {
  const dominant = types[0]?.type ?? 'F32'
  // Files with FP4 experts are often labelled with the type of the rest (gpt-oss: "F16").
  if (dominant === 'MXFP4' || dominant === 'NVFP4') return dominant
  const fileType = metadata.count('general.file_type')
  return (fileType === null ? undefined : fileTypeNames.get(fileType & 1023)) ?? dominant
}

function readChatTemplate(metadata: GgufMetadata): string | null {
  const value = metadata.get('tokenizer.chat_template')
  if (value?.kind === 'string' && value.text === null)
    throw metadata.refuse(
      `its chat template is ${String(value.bytes)} bytes long`,
      'A chat template has a few KB. Get another GGUF of this model.',
    )
  return metadata.text('tokenizer.chat_template')
}
