/**
 * Decoding speed without drafts, with looking up in the conversation, and with a draft model, on the CPU with one thread: acceptance, tokens a
 * second and the ratio to no drafts, medians of runs that take turns. Drafts are made at each step, whether they pay or not, but for the
 * row "auto", where an answer leaves out what does not pay. `node bench/drafting.ts [--runs 5] [--tokens 200] [--threads 1] [target.gguf draft.gguf]`;
 * without files pairs of random weights and of the demo models.
 *
 * Of random weights: a model of 16 layers of which all but the first add nothing to what it writes, and its first layer by itself as the draft. So
 * the draft is always right and costs little: the most that drafting can win there. And a draft of other weights, which is never right: what it
 * can cost.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { ChatMessage } from '../src/contract/backend.ts'
import { usesFlashAttention } from '../src/main/core/footprint.ts'
import type { AnswerOptions, ResidentModel } from '../src/main/host/resident-model.ts'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import { greedy, llamaFile, type ShapeOptions } from '../src/testing/shapes.ts'
import { contextTokens, demoModel, factsOf, median, openResident, percent, spread } from './measure.ts'

type Pair = {
  readonly name: string
  readonly target: string
  readonly draft: string
  readonly messages: readonly ChatMessage[]
}
type Run = { readonly speed: number; readonly proposed: number; readonly accepted: number }

const ways = {
  none: null,
  lookup: { kind: 'lookup', persists: true },
  'draft model': { kind: 'model', persists: true },
  'auto lookup': { kind: 'lookup' },
  'auto draft model': { kind: 'model' },
} as const satisfies Record<string, NonNullable<AnswerOptions['draft']> | null>

const question: ChatMessage[] = [{ role: 'user', text: 'How do I add a model?' }]
/** An answer that is asked for again in the same words. */
const repeated: ChatMessage[] = [
  { role: 'user', text: 'Who are you?' },
  { role: 'assistant', text: 'I am Guide, a demo model that knows this app.' },
  { role: 'user', text: 'Who are you?' },
]

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '5' },
      tokens: { type: 'string', default: '200' },
      threads: { type: 'string', default: '1' },
    },
  })
  const [runs, maxTokens, threads] = [values.runs, values.tokens, values.threads].map(Number)
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-drafting-'))
  const [target, draft] = positionals
  try {
    console.log(
      `${cpus()[0]?.model ?? 'unknown processor'}, threads: ${values.threads}, runs: ${values.runs}`,
    )
    const pairs =
      target !== undefined && draft !== undefined
        ? [
            {
              name: `${path.basename(target)} with ${path.basename(draft)}`,
              target,
              draft,
              messages: question,
            },
          ]
        : [...randomPairs(folder), ...demoPairs()]
    for (const pair of pairs)
      await compare(pair, { runs: runs ?? 5, maxTokens: maxTokens ?? 200, threads: threads ?? 1 })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function demoPairs(): Pair[] {
  const guide = demoModel('guide-2.2m-f16')
  const pair = { target: guide, draft: demoModel('coder-2.2m-f16') }
  return [
    { ...pair, name: 'Guide with Coder', messages: question },
    { ...pair, name: 'Guide with Coder, asked again', messages: repeated },
    { name: 'Guide with itself', target: guide, draft: guide, messages: question },
  ]
}

function randomPairs(folder: string): Pair[] {
  const write = (name: string, layers: number, options: ShapeOptions & { embedding?: number } = {}) => {
    const file = path.join(folder, `${name}.gguf`)
    const { embedding = 512, ...more } = options
    const shape = {
      ...{ architecture: 'llama', layers, embedding, feedForward: 1408, heads: 8, kvHeads: 4 },
      ...{ headLength: 64, contextTokens: 2048, vocabulary: 4000 },
    }
    writeGgufFile(file, llamaFile(shape, { data: 'random', weights: 'F16', name, extra: greedy, ...more }))
    return file
  }
  const target = write('16 layers', 16, { silentFrom: 1 })
  return [
    {
      name: '16 random layers, a draft that is right',
      target,
      draft: write('first layer', 1),
      messages: question,
    },
    {
      name: '16 random layers, a draft that is wrong',
      ...{ target, draft: write('another layer', 1, { embedding: 256 }), messages: question },
    },
  ]
}

async function compare(
  { name, target, draft, messages }: Pair,
  { runs, maxTokens, threads }: { runs: number; maxTokens: number; threads: number },
): Promise<void> {
  const facts = await factsOf(draft)
  await using model = await openResident(target, {
    threads,
    load: {
      ...{ kvType: 'f16', batchTokens: 512, fileAccess: 'mmap', chatTemplate: null, thinking: null },
      flashAttention: usesFlashAttention(await factsOf(target)),
      draft: {
        ...{ path: draft, name: path.basename(draft), contextTokens, batchTokens: 256, gpuLayers: 0 },
        flashAttention: usesFlashAttention(facts),
      },
    },
  })
  const found = new Map<string, Run[]>()
  // Once each without counting: pages, caches and compiled code.
  for (let index = -1; index < runs; index++)
    for (const [way, drafting] of Object.entries(ways)) {
      const run = await ask(model, messages, { draft: drafting, sampling: { maxTokens } })
      if (index >= 0) found.set(way, [...(found.get(way) ?? []), run])
    }
  console.log(`\n${name}`)
  const plain = median((found.get('none') ?? []).map(({ speed }) => speed))
  for (const [way, ran] of found) {
    const speeds = ran.map(({ speed }) => speed)
    const proposed = ran.reduce((sum, each) => sum + each.proposed, 0)
    const accepted = ran.reduce((sum, each) => sum + each.accepted, 0)
    const acceptance = proposed > 0 ? `, ${percent(accepted / proposed)} of ${String(proposed)} accepted` : ''
    const ratio = way === 'none' ? '' : `, ${percent(median(speeds) / plain)} of none`
    console.log(`  ${way.padEnd(17)} ${spread(speeds)} tokens/s${ratio}${acceptance}`)
  }
}

async function ask(
  model: ResidentModel,
  messages: readonly ChatMessage[],
  options: AnswerOptions,
): Promise<Run> {
  model.forget('one')
  for await (const event of model.generate('one', messages, options)) {
    if (event.kind !== 'done') continue
    const { draft, tokensPerSecond } = event
    return {
      speed: tokensPerSecond ?? 0,
      proposed: draft?.proposedTokens ?? 0,
      accepted: draft?.acceptedTokens ?? 0,
    }
  }
  throw new Error('The answer has no end')
}

await main()
