/**
 * Time until a model of about 1 GB is ready, for each way to read its file, cold (pages dropped from the system's cache) and warm; and the time until
 * `llama-server` of the bundled llama.cpp answers `/health` on the same file. Runs in turn, medians.
 * `node bench/loading.ts [--runs 5] [--server path/to/llama-server]`
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { GB } from '../src/contract/bytes.ts'
import type { FileAccess, ModelFacts } from '../src/contract/model.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { ResidentModel } from '../src/main/host/resident-model.ts'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import { llamaFile } from '../src/testing/shapes.ts'
import { factsOf, median, spread } from './measure.ts'

const program = fileURLToPath(new URL('../src/main/model/index.ts', import.meta.url))
const contextTokens = 4096
const port = 18_431

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '5' }, server: { type: 'string' } },
  })
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  try {
    for (const weights of ['F16', 'Q4_0'] as const) {
      const file = path.join(folder, `loading-${weights}.gguf`)
      const shape = {
        ...{
          architecture: 'llama',
          embedding: 2048,
          feedForward: 5632,
          heads: 32,
          kvHeads: 8,
          headLength: 64,
        },
        ...{ contextTokens, vocabulary: 32_000, layers: weights === 'F16' ? 10 : 36 },
      }
      const bytes = writeGgufFile(file, llamaFile(shape, { data: 'random', weights, merges: true }))
      console.log(`\n${weights}, ${(bytes / GB).toFixed(2)} GB`)
      const facts = await factsOf(file)
      const ways: [string, () => Promise<number>][] = (['mmap', 'direct', 'read'] as const).map((access) => [
        access,
        () => loadOnce(file, { access, facts }),
      ])
      const { server } = values
      if (server !== undefined) ways.push(['llama-server', () => serveOnce(server, file)])
      for (const state of ['cold', 'warm'] as const) {
        const times = new Map<string, number[]>(ways.map(([name]) => [name, []]))
        for (let run = 0; run < Number(values.runs); run++)
          for (const [name, once] of ways) {
            if (state === 'cold') dropPages(file)
            times.get(name)?.push(await once())
          }
        const theirs = median(times.get('llama-server') ?? [])
        for (const [name, each] of times) {
          const ratio = Number.isNaN(theirs) ? '' : `${(median(each) / theirs).toFixed(2)} ×`
          console.log(`  ${state} ${name.padEnd(13)} ${spread(each).padStart(28)} ms  ${ratio}`)
        }
      }
      rmSync(file)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** From the start of the process to the first context, warmed up. */
async function loadOnce(file: string, options: { access: FileAccess; facts: ModelFacts }): Promise<number> {
  const startedAt = performance.now()
  await using model = new ResidentModel({
    ...{ start: startNodeChild, program, env: { PLENUM_DEVICE: 'cpu' }, name: 'loading', path: file },
    ...{ facts: options.facts, threads: 1, gpuLayers: 0, contextTokens },
    load: {
      ...{ kvType: 'f16', flashAttention: true, batchTokens: 512, fileAccess: options.access },
      ...{ chatTemplate: null, thinking: null },
    },
    domains: { host: 'unified', device: 'unified' },
    resize: () => true,
  })
  await model.load()
  return performance.now() - startedAt
}

/** From the start of the process until it says that it is healthy, asked every 5 ms: it tells nobody by itself. */
async function serveOnce(server: string, file: string): Promise<number> {
  const startedAt = performance.now()
  const args = [
    '-m',
    file,
    '-c',
    String(contextTokens),
    '-t',
    '1',
    '-np',
    '1',
    '-ub',
    '512',
    '--port',
    String(port),
  ]
  const child = spawn(server, args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    while (child.exitCode === null) {
      const isHealthy = await fetch(`http://127.0.0.1:${String(port)}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isHealthy) return performance.now() - startedAt
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`llama-server ended with ${String(child.exitCode)}`)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/** Takes a file out of the system's cache, as `dd` does it (`POSIX_FADV_DONTNEED`). Pages that were not written yet stay, so they are first. */
function dropPages(file: string): void {
  spawnSync('sync', [file])
  spawnSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], { stdio: 'ignore' })
}

await main()
