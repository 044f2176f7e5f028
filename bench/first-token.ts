/**
 * Time to the first token on coming back to a resident model in a conversation of about 600 tokens, after another model has taken a
 * turn, against reading the conversation afresh. Medians. `node bench/first-token.ts [--runs 7] [file.gguf …]`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { ChatMessage, GenerateEvent } from '../src/contract/backend.ts'
import type { ResidentModel } from '../src/main/host/resident-model.ts'
import { demoModel, median, openResident, percent, randomModel, spread } from './measure.ts'

const conversationTokens = 600
type Done = Extract<GenerateEvent, { kind: 'done' }>

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: '7' } },
  })
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  try {
    const files = positionals.length > 0 ? positionals : [demoModel('guide-2.2m-f16'), randomModel(folder)]
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, one thread, medians of ${values.runs} runs`)
    await using other = await openResident(demoModel('judge-2.2m-q8_0'))
    for (const file of files) await measure(file, { other, runs: Number(values.runs) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measure(file: string, options: { other: ResidentModel; runs: number }): Promise<void> {
  const { other, runs } = options
  await using model = await openResident(file)
  const afresh: Done[] = []
  const back: Done[] = []
  for (let run = 0; run < runs; run++) {
    model.forget('one')
    other.forget('one')
    const messages = await conversationOf(model)
    model.forget('one')
    afresh.push(await ask(model, messages))
    // The other model answers this turn; coming back, its answer and the next question are new.
    await ask(other, messages)
    messages.push({ role: 'assistant', text: 'PASS' }, { role: 'user', text: 'Go on.' })
    back.push(await ask(model, messages))
  }
  const [slow, fast] = [afresh, back].map((all) => all.map(({ timeToFirstTokenMs }) => timeToFirstTokenMs))
  const [last] = back.slice(-1)
  console.log(`\n${path.basename(file)}`)
  console.log(`  afresh  ${spread(slow ?? [])} ms for ${String(afresh[0]?.promptTokens)} tokens`)
  console.log(
    `  back    ${spread(fast ?? [])} ms, ${String(last?.reusedTokens)} of ${String(last?.promptTokens)} reused`,
  )
  console.log(`  ratio   ${percent(median(fast ?? []) / median(slow ?? []))}`)
}

/** A conversation of about so many tokens as this model counts them, one question at the end. */
async function conversationOf(model: ResidentModel): Promise<ChatMessage[]> {
  const messages: ChatMessage[] = [{ role: 'user', text: 'Tell me about the pool.' }]
  while ((await ask(model, messages)).promptTokens < conversationTokens)
    messages.push(
      { role: 'assistant', text: 'The pool is the memory that all models share.' },
      { role: 'user', text: 'And what else does it show?' },
    )
  return messages
}

async function ask(model: ResidentModel, messages: readonly ChatMessage[]): Promise<Done> {
  for await (const event of model.generate('one', messages, { sampling: { maxTokens: 1 } }))
    if (event.kind === 'done') return event
  throw new Error('The answer has no end')
}

await main()
