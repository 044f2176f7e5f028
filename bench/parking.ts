/**
 * What it costs to go on with a conversation: restoring its KV state from disk, or moving it to a larger context, against reading it again. And how
 * fast states come and go against plain writes and reads of as many bytes. One thread on the CPU, medians.
 * `node bench/parking.ts [--runs 5] [--tokens 500,2000,8000]`; the model has about 100 million random weights.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { ChatMessage } from '../src/contract/backend.ts'
import { greedySampling } from '../src/contract/sampling.ts'
import { openDatabase } from '../src/main/host/database.ts'
import { Parking, type ModelParking } from '../src/main/host/parking.ts'
import { startModelProcess, type BackendClient } from '../src/main/host/model-process.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { median, modelProgram, percent, randomModel } from './measure.ts'

const contextId = 'bench'
const stateFormat = 'bench'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      tokens: { type: 'string', default: '500,2000,8000' },
    },
  })
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  const database = openDatabase(path.join(folder, 'plenum.db'))
  try {
    const file = randomModel(folder)
    const parking = new Parking({
      database,
      folder: path.join(folder, 'parked'),
      limits: () => ({ isOn: true, budgetBytes: null }),
    })
    await using model = startModelProcess({
      start: startNodeChild,
      file: modelProgram,
      name: path.basename(file),
      env: { PLENUM_DEVICE: 'cpu' },
    })
    const load = { path: file, threads: 1, gpuLayers: 0, flashAttention: true }
    const loading = await model.client.load(load)
    while ((await loading.next()).done !== true);
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, one thread, medians of ${values.runs} runs`)
    for (const tokens of values.tokens.split(',').map(Number)) {
      const states = await parking.ofModel('bench', [file])
      await measure(model.client, { states, folder, tokens, runs: Number(values.runs) })
    }
  } finally {
    database.close()
    rmSync(folder, { recursive: true })
  }
}

type Times = Record<'prefill' | 'park' | 'restore' | 'grow' | 'write' | 'read', number[]>

async function measure(
  client: BackendClient,
  options: { states: ModelParking; folder: string; tokens: number; runs: number },
): Promise<void> {
  const { states, folder, tokens, runs } = options
  // One token for each letter: the vocabulary has no words.
  const messages: ChatMessage[] = [{ role: 'user', text: 'x'.repeat(tokens) }]
  const contextTokens = Math.ceil((tokens + 300) / 256) * 256
  const times: Times = { prefill: [], park: [], restore: [], grow: [], write: [], read: [] }
  let held = 0
  let bytes = 0
  for (let run = 0; run < runs; run++) {
    await client.openContext({ contextId, contextTokens })
    times.prefill.push(
      await timed(async () => {
        const request = { contextId, messages, sampling: { ...greedySampling, maxTokens: 1 } }
        for await (const event of await client.generate(request))
          if (event.kind === 'done') held = event.usedTokens
      }),
    )
    times.park.push(
      await timed(async () => {
        const outcome = await states.park('bench', {
          stateFormat,
          mostBytes: 1,
          save: async (file) => client.save({ contextId, path: file }),
        })
        if (outcome.kind !== 'parked') throw new Error(outcome.reason)
        bytes = outcome.bytes
      }),
    )
    times.grow.push(
      await timed(async () => {
        const file = path.join(folder, 'moving.tmp')
        await client.resizeContext({ contextId, contextTokens: 2 * contextTokens, path: file })
      }),
    )
    await client.clearContext({ contextId })
    times.restore.push(
      await timed(async () => {
        const outcome = await states.restore('bench', {
          stateFormat,
          restore: async (file) => client.restore({ contextId, path: file }),
        })
        if (outcome.kind !== 'restored' || outcome.tokens !== held) throw new Error('It did not come back')
      }),
    )
    await client.closeContext({ contextId })
    await plain(folder, bytes, times)
  }
  const { prefill, park, restore, grow, write, read } = times
  const rate = (each: readonly number[]) => `${((bytes / median(each)) * (1000 / 2 ** 20)).toFixed(0)} MB/s`
  const share = (each: readonly number[]) => percent(median(each) / median(prefill))
  console.log(`\n${String(held)} tokens, ${(bytes / 2 ** 20).toFixed(1)} MB`)
  console.log(`  prefill  ${median(prefill).toFixed(0)} ms`)
  console.log(
    `  restore  ${median(restore).toFixed(1)} ms, ${share(restore)} of prefill, ${rate(restore)}; plain read ${rate(read)}`,
  )
  console.log(
    `  park     ${median(park).toFixed(1)} ms, ${share(park)} of prefill, ${rate(park)}; plain write ${rate(write)}`,
  )
  console.log(`  grow     ${median(grow).toFixed(1)} ms, ${share(grow)} of prefill`)
}

/** Writes and reads as many bytes as the state has, as programs usually do: the system's cache is part of both. */
async function plain(folder: string, bytes: number, times: Times): Promise<void> {
  const file = path.join(folder, 'plain.tmp')
  const content = randomBytes(bytes)
  times.write.push(await timed(async () => writeFile(file, content)))
  times.read.push(await timed(async () => readFile(file)))
  rmSync(file)
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await action()
  return performance.now() - startedAt
}

await main()
