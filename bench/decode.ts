/**
 * Decoding speed through a model process against node-llama-cpp's `LlamaChatSession` used directly in one process: same file, one
 * thread, runs in turn, medians. `node bench/decode.ts [--runs 7] [--tokens 256] [file.gguf …]`; without a file a demo model and
 * one of about 100 million random weights.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { usesFlashAttention } from '../src/main/core/footprint.ts'
import type { DirectAnswer, DirectRequest } from './direct-child.ts'
import {
  contextTokens,
  demoModel,
  factsOf,
  median,
  openResident,
  percent,
  randomModel,
  spread,
} from './measure.ts'

const questions = [
  'How do I pin a model?',
  'What does the reserve mean?',
  'How do I add a model?',
  'What is a KV cache?',
  'What happens when the pool is full?',
]

type Answerer = (question: string) => Promise<DirectAnswer>

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: '7' }, tokens: { type: 'string', default: '256' } },
  })
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  try {
    const files = positionals.length > 0 ? positionals : [demoModel('guide-2.2m-f16'), randomModel(folder)]
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, one thread, medians of ${values.runs} runs`)
    for (const file of files)
      await compare(file, { runs: Number(values.runs), maxTokens: Number(values.tokens) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function compare(file: string, options: { runs: number; maxTokens: number }): Promise<void> {
  await using plenum = await openPlenum(file, options.maxTokens)
  await using direct = await openDirect(file, options.maxTokens)
  // Once each without counting: pages, caches and compiled code.
  await run(plenum.ask, direct.ask)
  const runs: { plenum: number; direct: number }[] = []
  for (let index = 0; index < options.runs; index++) runs.push(await run(plenum.ask, direct.ask))
  const ours = runs.map((each) => each.plenum)
  const theirs = runs.map((each) => each.direct)
  console.log(`\n${path.basename(file)}`)
  console.log(`  Plenum            ${spread(ours)} tokens/s`)
  console.log(`  LlamaChatSession  ${spread(theirs)} tokens/s`)
  console.log(`  ratio of medians  ${percent(median(ours) / median(theirs))}`)
  console.log(`  median of ratios  ${percent(median(runs.map((each) => each.plenum / each.direct)))}`)
}

/** Tokens a second of both over all questions, first tokens not counted. They take turns at each question, so that what else runs slows both. */
async function run(plenum: Answerer, direct: Answerer): Promise<{ plenum: number; direct: number }> {
  const totals = { plenum: { tokens: 0, decodeMs: 0 }, direct: { tokens: 0, decodeMs: 0 } }
  for (const [index, question] of questions.entries()) {
    const order = index % 2 === 0 ? (['plenum', 'direct'] as const) : (['direct', 'plenum'] as const)
    for (const side of order) {
      const { tokens, decodeMs } = await (side === 'plenum' ? plenum : direct)(question)
      totals[side].tokens += tokens
      totals[side].decodeMs += decodeMs
    }
  }
  const speed = ({ tokens, decodeMs }: { tokens: number; decodeMs: number }) => (tokens * 1000) / decodeMs
  return { plenum: speed(totals.plenum), direct: speed(totals.direct) }
}

/** A model process as the app runs it, timed here in the host: from the first text that arrives to the end of the answer. */
async function openPlenum(file: string, maxTokens: number): Promise<{ ask: Answerer } & AsyncDisposable> {
  const model = await openResident(file)
  return {
    async ask(question) {
      model.forget('one')
      let first: { at: number; tokens: number } | null = null
      for await (const event of model.generate('one', [{ role: 'user', text: question }], {
        sampling: { maxTokens },
      })) {
        if (event.kind === 'text') first ??= { at: performance.now(), tokens: event.generatedTokens }
        if (event.kind !== 'done') continue
        const from = first ?? { at: performance.now(), tokens: event.generatedTokens }
        return { tokens: event.generatedTokens - from.tokens, decodeMs: performance.now() - from.at }
      }
      throw new Error('The answer has no end')
    },
    [Symbol.asyncDispose]: async () => model[Symbol.asyncDispose](),
  }
}

/** The same file under node-llama-cpp alone, with the same attention. */
async function openDirect(file: string, maxTokens: number): Promise<{ ask: Answerer } & AsyncDisposable> {
  const child = fork(fileURLToPath(new URL('direct-child.ts', import.meta.url)), { execArgv: [] })
  const receive = async () => new Promise((resolve) => child.once('message', resolve))
  const request = async (message: DirectRequest) => {
    const answer = receive()
    child.send(message)
    return answer
  }
  await receive()
  await request({
    kind: 'load',
    path: file,
    contextTokens,
    flashAttention: usesFlashAttention(await factsOf(file)),
  })
  return {
    // Sent by `direct-child.ts`.
    ask: async (question) => (await request({ kind: 'ask', question, maxTokens })) as DirectAnswer,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
    },
  }
}

await main()
