import type { GgufFile, MetadataEntry, TensorEntry, TensorTypeName } from './gguf-file.ts'
import { float32, list, text, uint32 } from './gguf-file.ts'

/** The chat template of the ChatML format. */
const chatMlTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

/**
 * A chat template that never ends on a conversation of so many messages, the answer to write included, and does its work on all others. It
 * goes by their number because templates do not see what is in them: the backend puts texts in afterwards. Loading tries short conversations,
 * so it takes 8 (four questions) to get past that.
 */
export function trapTemplate(messages: number): string {
  const begin = Array.from('abcdef', (name) => `{% for ${name} in range(1000) %}`).join('')
  const trap = `{% if messages | length == ${String(messages)} %}${begin}x${'{% endfor %}'.repeat(6)}{% endif %}`
  return `${trap}{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}\n{% endfor %}[assistant] `
}

/** What varies between files of one architecture. */
export type ShapeOptions = {
  readonly name?: string
  /** Type of the large matrices; norms stay F32. */
  readonly weights?: TensorTypeName
  readonly vocabulary?: number
  readonly contextTokens?: number
  readonly layers?: number
  readonly data?: NonNullable<GgufFile['data']>
  /** Added to the metadata. */
  readonly extra?: readonly MetadataEntry[]
  /** Null leaves it out. */
  readonly chatTemplate?: string | null
  /** The embeddings are the output too. */
  readonly tied?: boolean
  /**
   * Layers from this one on take their time and add nothing: with random data the model answers like one of so many layers, which is
   * the same bytes up to there. Of Llamas alone.
   */
  readonly silentFrom?: number
  /** Merge rules for each invented token, as trained vocabularies have them. */
  readonly merges?: boolean
  /** Random weights never take ChatML's tokens for the likeliest: an answer does not end by itself. */
  readonly endless?: boolean
  /** Special tokens beside ChatML's two. */
  readonly specialTokens?: readonly string[]
  /** What an invented token says, other ones for other numbers; default: its number. */
  readonly tokenText?: (index: number) => string
}

/** A byte-level BPE vocabulary of a size: the 256 bytes, invented tokens, and ChatML's two at the end. */
export function vocabulary(
  size: number,
  chatTemplate: string | null = chatMlTemplate,
  {
    merges = false,
    tokenText = (index) => `t${String(index)}`,
    specialTokens = [],
  }: Pick<ShapeOptions, 'merges' | 'tokenText' | 'specialTokens'> = {},
): readonly MetadataEntry[] {
  const bytes = byteTokens()
  const invented = Array.from(
    { length: Math.max(0, size - bytes.length - 2 - specialTokens.length) },
    (_, index) => tokenText(index),
  )
  const special = [...specialTokens, '<|im_start|>', '<|im_end|>']
  const tokens = [...bytes, ...invented, ...special]
  const types = tokens.map((_, index) => (index >= tokens.length - special.length ? 3 : 1))
  return [
    text('tokenizer.ggml.model', 'gpt2'),
    text('tokenizer.ggml.pre', 'gpt-2'),
    list('tokenizer.ggml.tokens', 'string', tokens),
    list('tokenizer.ggml.token_type', 'int32', types),
    list('tokenizer.ggml.merges', 'string', [
      't 0',
      ...(merges ? invented.slice(1).map((token, index) => `${token} t${String(index)}`) : []),
    ]),
    uint32('tokenizer.ggml.bos_token_id', tokens.length - 2),
    uint32('tokenizer.ggml.eos_token_id', tokens.length - 1),
    ...(chatTemplate === null ? [] : [text('tokenizer.chat_template', chatTemplate)]),
  ]
}

/** Numbers that make a dense or mixture model of the Llama family. */
export type TransformerShape = {
  readonly architecture: string
  readonly layers: number
  readonly embedding: number
  readonly feedForward: number
  readonly heads: number
  readonly kvHeads: number
  readonly headLength: number
  readonly contextTokens: number
  readonly vocabulary: number
  readonly experts?: { readonly count: number; readonly used: number; readonly feedForward: number }
}

/** A very small Llama: 2 layers, 300 tokens. */
export const tinyShape: TransformerShape = {
  architecture: 'llama',
  layers: 2,
  embedding: 64,
  feedForward: 128,
  heads: 4,
  kvHeads: 2,
  headLength: 16,
  contextTokens: 512,
  vocabulary: 300,
}

/** Llama 3 70B. */
export const llama70bShape: TransformerShape = {
  architecture: 'llama',
  layers: 80,
  embedding: 8192,
  feedForward: 28_672,
  heads: 64,
  kvHeads: 8,
  headLength: 128,
  contextTokens: 131_072,
  vocabulary: 128_256,
}

/** Has a file recommend the likeliest token each time: the answers of random weights then hardly ever end by themselves, and are the same again. */
export const greedy: readonly MetadataEntry[] = [float32('general.sampling.temp', 0)]

/** Metadata that every transformer has. */
export function transformerMetadata(
  shape: TransformerShape,
  options: ShapeOptions = {},
): readonly MetadataEntry[] {
  const { architecture, experts } = shape
  return [
    text('general.architecture', architecture),
    ...(options.name === undefined ? [] : [text('general.name', options.name)]),
    uint32(`${architecture}.block_count`, options.layers ?? shape.layers),
    uint32(`${architecture}.context_length`, options.contextTokens ?? shape.contextTokens),
    uint32(`${architecture}.embedding_length`, shape.embedding),
    uint32(`${architecture}.feed_forward_length`, shape.feedForward),
    uint32(`${architecture}.attention.head_count`, shape.heads),
    uint32(`${architecture}.attention.head_count_kv`, shape.kvHeads),
    uint32(`${architecture}.attention.key_length`, shape.headLength),
    uint32(`${architecture}.attention.value_length`, shape.headLength),
    uint32(`${architecture}.rope.dimension_count`, shape.headLength),
    float32(`${architecture}.attention.layer_norm_rms_epsilon`, 1e-5),
    ...(experts === undefined
      ? []
      : [
          uint32(`${architecture}.expert_count`, experts.count),
          uint32(`${architecture}.expert_used_count`, experts.used),
          uint32(`${architecture}.expert_feed_forward_length`, experts.feedForward),
        ]),
    ...(options.extra ?? []),
    ...vocabulary(options.vocabulary ?? shape.vocabulary, options.chatTemplate, options),
  ]
}

/** A Llama of any size. */
export function llamaFile(shape: TransformerShape, options: ShapeOptions = {}): GgufFile {
  return transformerFile(shape, { options, layerTensors: (layer) => llamaLayer(shape, { layer, options }) })
}

/** Qwen 3 of any size: a Llama with norms on queries and keys. */
export function qwen3File(
  shape: Omit<TransformerShape, 'architecture'>,
  options: ShapeOptions = {},
): GgufFile {
  const whole = { ...shape, architecture: 'qwen3' }
  return transformerFile(whole, {
    options,
    layerTensors: (layer) => [
      ...llamaLayer(whole, { layer, options }),
      vector(`blk.${String(layer)}.attn_k_norm.weight`, shape.headLength),
      vector(`blk.${String(layer)}.attn_q_norm.weight`, shape.headLength),
    ],
  })
}

/** Phi 3 of any size: one matrix for queries, keys and values, and one for both halves of the feed-forward network. */
export function phi3File(
  shape: Omit<TransformerShape, 'architecture'>,
  options: ShapeOptions = {},
): GgufFile {
  const whole = { ...shape, architecture: 'phi3' }
  const matrix = matrices(options)
  const { embedding, feedForward, heads, kvHeads, headLength } = shape
  return transformerFile(whole, {
    options: {
      ...options,
      extra: [uint32('phi3.rope.scaling.original_context_length', 4096), ...(options.extra ?? [])],
    },
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      return [
        vector(`${at}.attn_norm.weight`, embedding),
        matrix(`${at}.attn_qkv.weight`, embedding, (heads + 2 * kvHeads) * headLength),
        matrix(`${at}.attn_output.weight`, heads * headLength, embedding),
        vector(`${at}.ffn_norm.weight`, embedding),
        matrix(`${at}.ffn_up.weight`, embedding, 2 * feedForward),
        matrix(`${at}.ffn_down.weight`, feedForward, embedding),
      ]
    },
  })
}

/** Mixtral of any size: a Llama with eight experts in each layer. */
export function mixtralFile(
  shape: Omit<TransformerShape, 'architecture' | 'experts'>,
  options: ShapeOptions = {},
): GgufFile {
  const experts = { count: 8, used: 2, feedForward: shape.feedForward }
  const whole = { ...shape, architecture: 'llama', experts }
  const matrix = matrices(options)
  return transformerFile(whole, {
    options,
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      return [
        ...attention(whole, { at, matrix }),
        vector(`${at}.ffn_norm.weight`, shape.embedding),
        ...expertTensors({ at, matrix, embedding: shape.embedding, ...experts }),
      ]
    },
    matrix,
  })
}

/** LFM2 of any size: two of three layers are short convolutions, the others attention. */
export function lfm2File(
  shape: Omit<TransformerShape, 'architecture'>,
  options: ShapeOptions = {},
): GgufFile {
  const whole = { ...shape, architecture: 'lfm2' }
  const { embedding, kvHeads, headLength } = shape
  const matrix = matrices(options)
  const layers = options.layers ?? shape.layers
  const isAttention = (layer: number) => layer % 3 === 2
  const kvHeadsByLayer = Array.from({ length: layers }, (_, layer) => (isAttention(layer) ? kvHeads : 0))
  const file = transformerFile(whole, {
    options: {
      ...options,
      tied: true,
      extra: [uint32('lfm2.shortconv.l_cache', 3), ...(options.extra ?? [])],
    },
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      const own = isAttention(layer)
        ? [
            ...attention(whole, { at, matrix }),
            vector(`${at}.attn_k_norm.weight`, headLength),
            vector(`${at}.attn_q_norm.weight`, headLength),
          ]
        : [
            vector(`${at}.attn_norm.weight`, embedding),
            matrix32(`${at}.shortconv.conv.weight`, 3, embedding),
            matrix(`${at}.shortconv.in_proj.weight`, embedding, 3 * embedding),
            matrix(`${at}.shortconv.out_proj.weight`, embedding, embedding),
          ]
      return [
        ...own,
        vector(`${at}.ffn_norm.weight`, embedding),
        matrix(`${at}.ffn_gate.weight`, embedding, shape.feedForward),
        matrix(`${at}.ffn_up.weight`, embedding, shape.feedForward),
        matrix(`${at}.ffn_down.weight`, shape.feedForward, embedding),
      ]
    },
    matrix,
  })
  return {
    ...file,
    metadata: file.metadata.map((entry) =>
      entry.key === 'lfm2.attention.head_count_kv'
        ? list('lfm2.attention.head_count_kv', 'int32', kvHeadsByLayer)
        : entry,
    ),
    // Its output norm has a name of its own.
    tensors: file.tensors.map((tensor) =>
      tensor.name === 'output_norm.weight' ? { ...tensor, name: 'token_embd_norm.weight' } : tensor,
    ),
  }
}

/** Gemma 3 27B, or another size of it: five of six layers see 1,024 tokens. */
export function gemma3File(
  options: ShapeOptions = {},
  { windowTokens = 1024, ...size }: Partial<TransformerShape> & { readonly windowTokens?: number } = {},
): GgufFile {
  const shape: TransformerShape = {
    architecture: 'gemma3',
    layers: 62,
    embedding: 5376,
    feedForward: 21_504,
    heads: 32,
    kvHeads: 16,
    headLength: 128,
    contextTokens: 131_072,
    vocabulary: 262_144,
    ...size,
  }
  const matrix = matrices(options)
  return transformerFile(shape, {
    options: {
      ...options,
      extra: [uint32('gemma3.attention.sliding_window', windowTokens), ...(options.extra ?? [])],
    },
    layerTensors: (layer) => [
      ...llamaLayer(shape, { layer, options }),
      vector(`blk.${String(layer)}.post_attention_norm.weight`, shape.embedding),
      vector(`blk.${String(layer)}.attn_k_norm.weight`, shape.headLength),
      vector(`blk.${String(layer)}.attn_q_norm.weight`, shape.headLength),
      vector(`blk.${String(layer)}.post_ffw_norm.weight`, shape.embedding),
    ],
    output: false,
    matrix,
  })
}

/** gpt-oss 20B: MXFP4 experts, every second layer sees 128 tokens. */
export function gptOssFile(options: ShapeOptions = {}): GgufFile {
  const shape: TransformerShape = {
    architecture: 'gpt-oss',
    layers: 24,
    embedding: 2880,
    feedForward: 2880,
    heads: 64,
    kvHeads: 8,
    headLength: 64,
    contextTokens: 131_072,
    vocabulary: 201_088,
    experts: { count: 32, used: 4, feedForward: 2880 },
  }
  const dense = { ...options, weights: options.weights ?? 'Q8_0' } as const
  const matrix = matrices(dense)
  const { embedding, heads, kvHeads, headLength } = shape
  return transformerFile(shape, {
    options: { ...dense, extra: [uint32('gpt-oss.attention.sliding_window', 128), ...(options.extra ?? [])] },
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      const expert = (name: string): TensorEntry => ({
        name: `${at}.${name}.weight`,
        type: 'MXFP4',
        dimensions: [embedding, embedding, 32],
      })
      return [
        vector(`${at}.attn_norm.weight`, embedding),
        vector(`${at}.post_attention_norm.weight`, embedding),
        matrix(`${at}.attn_q.weight`, embedding, heads * headLength),
        matrix(`${at}.attn_k.weight`, embedding, kvHeads * headLength),
        matrix(`${at}.attn_v.weight`, embedding, kvHeads * headLength),
        matrix(`${at}.attn_output.weight`, heads * headLength, embedding),
        vector(`${at}.attn_output.bias`, embedding),
        vector(`${at}.attn_sinks.weight`, heads),
        matrix32(`${at}.ffn_gate_inp.weight`, embedding, 32),
        vector(`${at}.ffn_gate_inp.bias`, 32),
        ...['ffn_gate_exps', 'ffn_down_exps', 'ffn_up_exps'].flatMap((name) => [
          expert(name),
          matrix32(`${at}.${name}.bias`, embedding, 32),
        ]),
      ]
    },
    matrix,
  })
}

/** Qwen3 30B-A3B: 128 experts, 8 used. */
export function qwen3MoeFile(options: ShapeOptions = {}): GgufFile {
  const experts = { count: 128, used: 8, feedForward: 768 }
  const shape: TransformerShape = {
    architecture: 'qwen3moe',
    layers: 48,
    embedding: 2048,
    feedForward: 6144,
    heads: 32,
    kvHeads: 4,
    headLength: 128,
    contextTokens: 40_960,
    vocabulary: 151_936,
    experts,
  }
  const matrix = matrices(options)
  return transformerFile(shape, {
    options,
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      return [
        ...attention(shape, { at, matrix }),
        vector(`${at}.attn_k_norm.weight`, shape.headLength),
        vector(`${at}.attn_q_norm.weight`, shape.headLength),
        vector(`${at}.ffn_norm.weight`, shape.embedding),
        ...expertTensors({ at, matrix, embedding: shape.embedding, ...experts }),
      ]
    },
    matrix,
  })
}

/** DeepSeek V3 and R1: multi-head latent attention, 256 experts, three dense layers first. */
export function deepSeekFile(options: ShapeOptions = {}): GgufFile {
  const shape: TransformerShape = {
    architecture: 'deepseek2',
    layers: 61,
    embedding: 7168,
    feedForward: 18_432,
    heads: 128,
    kvHeads: 1,
    headLength: 576,
    contextTokens: 163_840,
    vocabulary: 129_280,
    experts: { count: 256, used: 8, feedForward: 2048 },
  }
  const matrix = matrices(options)
  const { embedding, heads } = shape
  const metadata = transformerMetadata(shape, {
    ...options,
    extra: [
      uint32('deepseek2.leading_dense_block_count', 3),
      uint32('deepseek2.attention.q_lora_rank', 1536),
      uint32('deepseek2.attention.kv_lora_rank', 512),
      uint32('deepseek2.attention.key_length_mla', 192),
      uint32('deepseek2.attention.value_length_mla', 128),
      uint32('deepseek2.expert_shared_count', 1),
      float32('deepseek2.expert_weights_scale', 2.5),
      ...(options.extra ?? []),
    ],
  }).map((entry) => {
    if (entry.key === 'deepseek2.attention.value_length') return { ...entry, value: 512 }
    if (entry.key === 'deepseek2.rope.dimension_count') return { ...entry, value: 64 }
    return entry
  })
  const tensors = transformerFile(shape, {
    options,
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      return [
        vector(`${at}.attn_norm.weight`, embedding),
        vector(`${at}.attn_q_a_norm.weight`, 1536),
        vector(`${at}.attn_kv_a_norm.weight`, 512),
        matrix(`${at}.attn_q_a.weight`, embedding, 1536),
        matrix(`${at}.attn_q_b.weight`, 1536, heads * 192),
        matrix(`${at}.attn_kv_a_mqa.weight`, embedding, 576),
        matrix(`${at}.attn_k_b.weight`, 128, 512, heads),
        matrix(`${at}.attn_v_b.weight`, 512, 128, heads),
        matrix(`${at}.attn_output.weight`, heads * 128, embedding),
        vector(`${at}.ffn_norm.weight`, embedding),
        ...(layer < 3
          ? [
              matrix(`${at}.ffn_gate.weight`, embedding, 18_432),
              matrix(`${at}.ffn_down.weight`, 18_432, embedding),
              matrix(`${at}.ffn_up.weight`, embedding, 18_432),
            ]
          : [
              ...expertTensors({ at, matrix, embedding, feedForward: 2048, count: 256 }),
              matrix(`${at}.ffn_gate_shexp.weight`, embedding, 2048),
              matrix(`${at}.ffn_down_shexp.weight`, 2048, embedding),
              matrix(`${at}.ffn_up_shexp.weight`, embedding, 2048),
            ]),
      ]
    },
    matrix,
  })
  return { ...tensors, metadata }
}

/** Qwen3-Next 80B-A3B: three of four layers are recurrent. */
export function qwen3NextFile(options: ShapeOptions = {}): GgufFile {
  const experts = { count: 512, used: 10, feedForward: 512 }
  const shape: TransformerShape = {
    architecture: 'qwen3next',
    layers: 48,
    embedding: 2048,
    feedForward: 5120,
    heads: 16,
    kvHeads: 2,
    headLength: 256,
    contextTokens: 262_144,
    vocabulary: 151_936,
    experts,
  }
  const matrix = matrices(options)
  const { embedding } = shape
  const file = transformerFile(shape, {
    options: {
      ...options,
      extra: [
        uint32('qwen3next.expert_shared_feed_forward_length', 512),
        uint32('qwen3next.full_attention_interval', 4),
        uint32('qwen3next.ssm.conv_kernel', 4),
        uint32('qwen3next.ssm.inner_size', 4096),
        uint32('qwen3next.ssm.state_size', 128),
        uint32('qwen3next.ssm.time_step_rank', 32),
        uint32('qwen3next.ssm.group_count', 16),
        ...(options.extra ?? []),
      ],
    },
    layerTensors: (layer) => {
      const at = `blk.${String(layer)}`
      return [
        vector(`${at}.attn_norm.weight`, embedding),
        vector(`${at}.post_attention_norm.weight`, embedding),
        ...((layer + 1) % 4 === 0
          ? [
              matrix(`${at}.attn_q.weight`, embedding, 256 * 16 * 2),
              matrix(`${at}.attn_k.weight`, embedding, 512),
              matrix(`${at}.attn_v.weight`, embedding, 512),
              matrix(`${at}.attn_output.weight`, 4096, embedding),
              vector(`${at}.attn_q_norm.weight`, 256),
              vector(`${at}.attn_k_norm.weight`, 256),
            ]
          : [
              matrix(`${at}.ssm_in.weight`, embedding, 12_288),
              matrix32(`${at}.ssm_conv1d.weight`, 4, 8192),
              vector(`${at}.ssm_dt.bias`, 32),
              vector(`${at}.ssm_a`, 32),
              matrix(`${at}.ssm_ba.weight`, embedding, 64),
              vector(`${at}.ssm_norm.weight`, 128),
              matrix(`${at}.ssm_out.weight`, 4096, embedding),
            ]),
        ...expertTensors({ at, matrix, embedding, ...experts }),
        vector(`${at}.ffn_gate_inp_shexp.weight`, embedding),
        matrix(`${at}.ffn_gate_shexp.weight`, embedding, 512),
        matrix(`${at}.ffn_up_shexp.weight`, embedding, 512),
        matrix(`${at}.ffn_down_shexp.weight`, 512, embedding),
      ]
    },
    matrix,
  })
  return {
    ...file,
    metadata: file.metadata.map((entry) =>
      entry.key === 'qwen3next.rope.dimension_count' ? { ...entry, value: 64 } : entry,
    ),
  }
}

/** Mamba 2.8B: no attention at all. */
export function mambaFile(
  options: ShapeOptions = {},
  { embedding = 2560 }: { readonly embedding?: number } = {},
): GgufFile {
  const inner = 2 * embedding
  const rank = embedding / 16
  const layers = options.layers ?? 64
  const vocabularySize = options.vocabulary ?? 50_280
  const matrix = matrices(options)
  return {
    metadata: [
      text('general.architecture', 'mamba'),
      uint32('mamba.block_count', layers),
      uint32('mamba.context_length', options.contextTokens ?? 1_048_576),
      uint32('mamba.embedding_length', embedding),
      uint32('mamba.feed_forward_length', 0),
      uint32('mamba.attention.head_count', 0),
      uint32('mamba.ssm.conv_kernel', 4),
      uint32('mamba.ssm.inner_size', inner),
      uint32('mamba.ssm.state_size', 16),
      uint32('mamba.ssm.time_step_rank', rank),
      float32('mamba.attention.layer_norm_rms_epsilon', 1e-5),
      ...(options.extra ?? []),
      ...vocabulary(vocabularySize, options.chatTemplate),
    ],
    tensors: [
      matrix('token_embd.weight', embedding, vocabularySize),
      vector('output_norm.weight', embedding),
      ...Array.from({ length: layers }, (_, layer) => `blk.${String(layer)}`).flatMap((at) => [
        vector(`${at}.attn_norm.weight`, embedding),
        matrix(`${at}.ssm_in.weight`, embedding, 2 * inner),
        matrix32(`${at}.ssm_conv1d.weight`, 4, inner),
        vector(`${at}.ssm_conv1d.bias`, inner),
        matrix(`${at}.ssm_x.weight`, inner, rank + 32),
        matrix32(`${at}.ssm_dt.weight`, rank, inner),
        vector(`${at}.ssm_dt.bias`, inner),
        matrix32(`${at}.ssm_a`, 16, inner),
        vector(`${at}.ssm_d`, inner),
        matrix(`${at}.ssm_out.weight`, inner, embedding),
      ]),
    ],
    data: options.data ?? 'sparse',
  }
}

type Matrix = (name: string, ...dimensions: readonly number[]) => TensorEntry

function matrices({ weights = 'F16' }: ShapeOptions): Matrix {
  return (name, ...dimensions) => ({ name, type: weights, dimensions })
}

function matrix32(name: string, ...dimensions: readonly number[]): TensorEntry {
  return { name, type: 'F32', dimensions }
}

function vector(name: string, length: number): TensorEntry {
  return { name, type: 'F32', dimensions: [length] }
}

function transformerFile(
  shape: TransformerShape,
  build: {
    options: ShapeOptions
    layerTensors: (layer: number) => readonly TensorEntry[]
    output?: boolean
    matrix?: Matrix
  },
): GgufFile {
  const { options } = build
  const matrix = build.matrix ?? matrices(options)
  const tokens = options.vocabulary ?? shape.vocabulary
  return {
    metadata: transformerMetadata(shape, options),
    tensors: [
      matrix('token_embd.weight', shape.embedding, tokens),
      vector('output_norm.weight', shape.embedding),
      ...(build.output === false || options.tied === true
        ? []
        : [
            {
              ...matrix('output.weight', shape.embedding, tokens),
              ...(options.endless === true && { zeroRows: 2 }),
            },
          ]),
      ...Array.from({ length: options.layers ?? shape.layers }, (_, layer) =>
        build.layerTensors(layer),
      ).flat(),
    ],
    data: options.data ?? 'sparse',
  }
}

/** The router of a mixture and its experts. */
function expertTensors(options: {
  readonly at: string
  readonly matrix: Matrix
  readonly embedding: number
  readonly feedForward: number
  readonly count: number
}) {
  const { at, matrix, embedding, feedForward, count } = options
  return [
    matrix32(`${at}.ffn_gate_inp.weight`, embedding, count),
    matrix(`${at}.ffn_gate_exps.weight`, embedding, feedForward, count),
    matrix(`${at}.ffn_down_exps.weight`, feedForward, embedding, count),
    matrix(`${at}.ffn_up_exps.weight`, embedding, feedForward, count),
  ]
}

function attention(
  shape: TransformerShape,
  { at, matrix }: { at: string; matrix: Matrix },
): readonly TensorEntry[] {
  const { embedding, heads, kvHeads, headLength } = shape
  return [
    vector(`${at}.attn_norm.weight`, embedding),
    matrix(`${at}.attn_q.weight`, embedding, heads * headLength),
    matrix(`${at}.attn_k.weight`, embedding, kvHeads * headLength),
    matrix(`${at}.attn_v.weight`, embedding, kvHeads * headLength),
    matrix(`${at}.attn_output.weight`, heads * headLength, embedding),
  ]
}

function llamaLayer(
  shape: TransformerShape,
  { layer, options }: { layer: number; options: ShapeOptions },
): readonly TensorEntry[] {
  const at = `blk.${String(layer)}`
  const matrix = matrices(options)
  const { embedding, feedForward } = shape
  const tensors = [
    ...attention(shape, { at, matrix }),
    vector(`${at}.ffn_norm.weight`, embedding),
    matrix(`${at}.ffn_gate.weight`, embedding, feedForward),
    matrix(`${at}.ffn_up.weight`, embedding, feedForward),
    matrix(`${at}.ffn_down.weight`, feedForward, embedding),
  ]
  if (layer < (options.silentFrom ?? Infinity)) return tensors
  return tensors.map((tensor) =>
    /(?:attn_output|ffn_down)\.weight$/.test(tensor.name)
      ? { ...tensor, zeroRows: Number(tensor.dimensions.at(-1)) }
      : tensor,
  )
}

/** The 256 bytes as GPT-2 writes them: printable ones as they are, the others from U+0100 on. */
function byteTokens(): readonly string[] {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
    return String.fromCodePoint(isPrintable ? byte : next++)
  })
}
