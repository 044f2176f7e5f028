/**
 * Whether loading and unloading again and again costs the host anything: `node --expose-gc bench/cycles.ts [cycles]`.
 * Real processes and demo models, 200 cycles by default; figures of the host's own process after each tenth of them.
 */
import { createRouterClient } from '@orpc/server'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { MB } from '../src/contract/bytes.ts'
import { createHost } from '../src/main/host/host.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { median } from './measure.ts'

const cycles = Number(process.argv[2] ?? 200)
const models = ['demo-guide-2.2m-f16', 'demo-coder-2.2m-f16', 'demo-judge-2.2m-q8_0'] as const
const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-cycles-'))
const host = await createHost({
  ...{ kind: 'headless', version: 'bench', device: 'cpu', threads: 1, dataFolder, home: dataFolder },
  demoFolder: fileURLToPath(new URL('../resources/demo-models', import.meta.url)),
  modelProgram: fileURLToPath(new URL('../src/main/model/index.ts', import.meta.url)),
  startChild: startNodeChild,
})
const client = createRouterClient(host.router, { context: {} })

for await (const pool of await client.pool.watch()) if (pool.counters.loads === models.length) break
for (const id of models) await client.models.unload({ id })
// What the first cycles leave is the cost of having started: code, caches, pools of buffers.
const figures: ReturnType<typeof measure>[] = []
const times: number[] = []
console.log('cycles  resident  heap      open files  reserved')
for (let cycle = 1; cycle <= cycles; cycle++) {
  const id = models[cycle % models.length] ?? models[0]
  const startedAt = performance.now()
  await client.models.load({ id })
  await client.models.unload({ id })
  times.push(performance.now() - startedAt)
  if (cycle % Math.max(1, Math.round(cycles / 10)) === 0) {
    const figure = measure(await client.pool.get())
    figures.push(figure)
    const { residentMb, heapMb, openFiles, reservedBytes } = figure
    console.log(
      `${String(cycle).padEnd(6)}  ${residentMb.toFixed(1).padEnd(5)} MB  ${heapMb.toFixed(2).padEnd(5)} MB  ${String(openFiles).padEnd(10)}  ${reservedBytes} B`,
    )
  }
}
const half = figures.length >> 1
const [before, after] = [figures.slice(0, half), figures.slice(half)]
const growth = (key: 'residentMb' | 'heapMb' | 'openFiles') =>
  median(after.map((each) => each[key])) - median(before.map((each) => each[key]))
console.log(`one cycle takes ${median(times).toFixed(0)} ms (median)`)
console.log(
  `second half against first half (medians): resident ${growth('residentMb').toFixed(1)} MB, heap ${growth('heapMb').toFixed(2)} MB, open files ${growth('openFiles')}`,
)
await host[Symbol.asyncDispose]()
rmSync(dataFolder, { recursive: true, force: true })

function measure({ domains }: { readonly domains: readonly { readonly usedBytes: number }[] }) {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    residentMb: rss / MB,
    heapMb: heapUsed / MB,
    openFiles: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    reservedBytes: domains.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
  }
}
