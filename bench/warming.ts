/**
 * Time to the first token when a conversation goes to another resident model, which answered its first turn, after several turns of somebody
 * else: where it has read ahead while nobody answered, and where it has not. Medians. The models have about 100 million random weights.
 * `node bench/warming.ts [--runs 5] [--turns 2,4,8] [file.gguf]`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { ChatMessage, GenerateEvent } from '../src/contract/backend.ts'
import type { ResidentModel } from '../src/main/host/resident-model.ts'
import { median, openResident, percent, randomModel, spread } from './measure.ts'

type Done = Extract<GenerateEvent, { kind: 'done' }>

// The vocabulary of the random model has a token for each letter.
const question = 'And what else does it show?'
const answer = 'What each model takes, and what is free.'

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '5' },
      turns: { type: 'string', default: '2,4,8' },
    },
  })
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  try {
    const [file = randomModel(folder)] = positionals
    console.log(
      `${path.basename(file)}, ${cpus()[0]?.model ?? 'unknown processor'}, one thread, medians of ${values.runs} runs`,
    )
    await using model = await openResident(file)
    for (const turns of values.turns.split(',').map(Number))
      await measure(model, { turns, runs: Number(values.runs) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measure(model: ResidentModel, options: { turns: number; runs: number }): Promise<void> {
  const { turns, runs } = options
  const cold: Done[] = []
  const warm: Done[] = []
  const readingMs: number[] = []
  for (let run = 0; run < runs; run++)
    for (const isWarm of [false, true]) {
      model.forget('one')
      const messages: ChatMessage[] = [{ role: 'user', text: question }]
      await ask(model, messages)
      // Somebody else answers from here on.
      for (let turn = 1; turn < turns; turn++)
        messages.push({ role: 'assistant', text: answer }, { role: 'user', text: question })
      messages.push({ role: 'assistant', text: answer })
      const startedAt = performance.now()
      if (isWarm) await model.warm('one', messages)
      if (isWarm) readingMs.push(performance.now() - startedAt)
      messages.push({ role: 'user', text: question })
      const done = await ask(model, messages)
      if (isWarm) warm.push(done)
      else cold.push(done)
    }
  const [slow, fast] = [cold, warm].map((all) => all.map(({ timeToFirstTokenMs }) => timeToFirstTokenMs))
  console.log(`\n${String(turns)} turns, ${String(cold[0]?.promptTokens)} tokens`)
  console.log(`  without  ${spread(slow ?? [])} ms, ${String(cold[0]?.reusedTokens)} reused`)
  console.log(`  with     ${spread(fast ?? [])} ms, ${String(warm[0]?.reusedTokens)} reused`)
  console.log(`  ratio    ${percent(median(fast ?? []) / median(slow ?? []))}`)
  console.log(`  read ahead for ${spread(readingMs)} ms while nobody answered`)
}

async function ask(model: ResidentModel, messages: readonly ChatMessage[]): Promise<Done> {
  for await (const event of model.generate('one', messages, { sampling: { maxTokens: 1 } }))
    if (event.kind === 'done') return event
  throw new Error('The answer has no end')
}

await main()
