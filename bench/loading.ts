/**
 * Time until a model of about 1 GB is ready, for each way to read its file, cold (pages dropped from the system's cache) and warm: through the whole
 * host, with a spare process and without one; and the time until `llama-server` of the bundled llama.cpp answers `/health` on the same
 * file, read in the same way, with the same context and threads. Then what a load costs another model that answers meanwhile. Runs in turn, medians.
 * `node bench/loading.ts [--runs 5] [--server path/to/llama-server] [--access mmap] [--file path/to/model.gguf]`
 */
import { createRouterClient } from '@orpc/server'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { GB } from '../src/contract/bytes.ts'
import type { FileAccess } from '../src/contract/model.ts'
import { createHost } from '../src/main/host/host.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import { llamaFile } from '../src/testing/shapes.ts'
import { median, modelProgram, openResident, randomModel, spread } from './measure.ts'

const contextTokens = 4096
const port = 18_431
const accesses = ['mmap', 'direct', 'read'] as const
/** As llama-server is told the same. */
const serverFlags = { mmap: ['-lm', 'mmap'], direct: ['-lm', 'dio'], read: ['-lm', 'none'] } as const

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      server: { type: 'string' },
      access: { type: 'string', default: accesses.join() },
      file: { type: 'string' },
    },
  })
  const runs = Number(values.runs)
  const ways = {
    runs,
    server: values.server,
    accesses: accesses.filter((each) => values.access.includes(each)),
  }
  if (values.file !== undefined) return compare(values.file, ways)
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
      await compare(file, ways)
      if (weights === 'F16') await besideAnswer(file, { runs, folder })
      rmSync(file)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function compare(
  file: string,
  options: { runs: number; server: string | undefined; accesses: readonly FileAccess[] },
): Promise<void> {
  const { runs, server } = options
  await using host = await startHost(file)
  const ways: { readonly name: string; readonly access: FileAccess; readonly once: () => Promise<number> }[] =
    []
  for (const access of options.accesses) {
    ways.push({ name: access, access, once: async () => host.load({ access, hasSpare: true }) })
    ways.push({
      ...{ name: `${access}, no spare`, access },
      once: async () => host.load({ access, hasSpare: false }),
    })
    if (server !== undefined)
      ways.push({
        name: `llama-server ${access}`,
        access,
        once: async () => serveOnce(server, { file, access }),
      })
  }
  for (const state of ['cold', 'warm'] as const) {
    const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]))
    for (let run = 0; run < runs; run++)
      for (const { name, once } of ways) {
        await host.settle({ hasSpare: !name.startsWith('llama') && !name.endsWith('no spare') })
        if (state === 'cold') dropPages(file)
        else spawnSync('cat', [file], { stdio: ['ignore', 'ignore', 'ignore'] })
        times.get(name)?.push(await once())
      }
    for (const { name, access } of ways) {
      const each = times.get(name) ?? []
      const theirs = median(times.get(`llama-server ${access}`) ?? [])
      const ratio = Number.isNaN(theirs) ? '' : `${(median(each) / theirs).toFixed(2)} ×`
      console.log(`  ${state} ${name.padEnd(20)} ${spread(each).padStart(28)} ms  ${ratio}`)
    }
  }
}

/** A host that knows one model, which is not resident. */
async function startHost(file: string) {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-host-'))
  const host = await createHost({
    ...{ kind: 'headless', version: '0', dataFolder, home: dataFolder, demoFolder: dataFolder },
    ...{ device: 'cpu', threads: 1, startChild: startNodeChild, modelProgram, spareQuietMs: 0 },
  })
  const client = createRouterClient(host.router, { context: {} })
  const [added] = await client.models.add({ path: file })
  if (added?.kind !== 'added') throw new Error(`"${file}" was not added`)
  const { id } = added.model
  return {
    /** Takes the model out and sees to it that there is a spare process, or none. */
    async settle({ hasSpare }: { hasSpare: boolean }): Promise<void> {
      await client.models.unload({ id })
      await client.settings.set({ spareProcess: hasSpare })
      for await (const { spare } of await client.pool.watch()) if ((spare !== undefined) === hasSpare) break
    },
    /** From the press of the button until the first context is warm. */
    async load({ access, hasSpare }: { access: FileAccess; hasSpare: boolean }): Promise<number> {
      const { spare } = await client.pool.get()
      if ((spare !== undefined) !== hasSpare) throw new Error('The spare process is not as it was asked for')
      const startedAt = performance.now()
      await client.models.load({ id, options: { fileAccess: access, contextTokens } })
      return performance.now() - startedAt
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await host[Symbol.asyncDispose]()
      rmSync(dataFolder, { recursive: true })
    },
  }
}

/** From the start of the process until it says that it is healthy, asked every 5 ms: it tells nobody by itself. */
async function serveOnce(
  server: string,
  { file, access }: { file: string; access: FileAccess },
): Promise<number> {
  const startedAt = performance.now()
  const options = {
    '-m': file,
    '-c': contextTokens,
    '-t': 1,
    '-np': 1,
    '-b': 512,
    '-ub': 512,
    '--port': port,
  }
  const args = [...Object.entries(options).flat().map(String), ...serverFlags[access]]
  const child = spawn(server, args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    while (child.exitCode === null && child.signalCode === null) {
      const isHealthy = await fetch(`http://127.0.0.1:${String(port)}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isHealthy) return performance.now() - startedAt
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`llama-server ended with ${String(child.exitCode ?? child.signalCode)}`)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/** Tokens a second of a model that answers: alone, and while another one loads. */
async function besideAnswer(file: string, { runs, folder }: { runs: number; folder: string }): Promise<void> {
  await using writer = await openResident(randomModel(folder))
  await using host = await startHost(file)
  const speeds = { alone: [] as number[], loading: [] as number[] }
  for (let run = 0; run < runs; run++) {
    await host.settle({ hasSpare: true })
    dropPages(file)
    const stop = new AbortController()
    let tokens = 0
    const answer = (async () => {
      const messages = [{ role: 'user' as const, text: 'Write on.' }]
      for await (const event of writer.generate(`run ${String(run)}`, messages, { signal: stop.signal }))
        if (event.kind === 'text') tokens = event.generatedTokens
    })()
    const rate = async (work: Promise<unknown>) => {
      const [from, startedAt] = [tokens, performance.now()]
      await work
      return ((tokens - from) * 1000) / (performance.now() - startedAt)
    }
    await rate(new Promise((resolve) => setTimeout(resolve, 500)))
    speeds.alone.push(await rate(new Promise((resolve) => setTimeout(resolve, 2000))))
    speeds.loading.push(await rate(host.load({ access: 'mmap', hasSpare: true })))
    stop.abort()
    await answer
  }
  const share = (100 * median(speeds.loading)) / median(speeds.alone)
  console.log(
    `  an answer beside a cold load: ${spread(speeds.loading)} tokens/s, alone ${spread(speeds.alone)}: ${share.toFixed(0)} %`,
  )
}

/** Takes a file out of the system's cache, as `dd` does it (`POSIX_FADV_DONTNEED`). Pages that were not written yet stay, so they are first. */
function dropPages(file: string): void {
  spawnSync('sync', [file])
  spawnSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], { stdio: 'ignore' })
}

await main()
