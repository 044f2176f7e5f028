/**
 * What it costs to have models in memory and the pool in view while nobody asks them anything: processor time of the host and of its model
 * processes, in per cent of one core. `node bench/idle.ts [--seconds 30]`; three demo models, Linux (it reads /proc).
 */
import { createRouterClient } from '@orpc/server'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createHost } from '../src/main/host/host.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { modelProgram, percent } from './measure.ts'

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
const seconds = Number(values.seconds)
const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-idle-'))
const host = await createHost({
  ...{ kind: 'headless', version: 'bench', device: 'cpu', threads: 1, dataFolder, home: dataFolder },
  demoFolder: fileURLToPath(new URL('../resources/demo-models', import.meta.url)),
  modelProgram,
  startChild: startNodeChild,
})
const client = createRouterClient(host.router, { context: {} })
for await (const pool of await client.pool.watch())
  if (pool.residents.filter(({ state }) => state === 'ready').length === 3) break

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, three models, ${values.seconds} s each`)
// What starting has left to do is done by then.
await wait(15_000)
await report('nobody looks')
const closing = new AbortController()
const looking = (async () => {
  const pools = await client.pool.watch(undefined, { signal: closing.signal })
  while ((await pools.next()).done !== true);
})().catch(() => undefined)
await report('the pool is in view')
closing.abort()
await looking
await host[Symbol.asyncDispose]()
rmSync(dataFolder, { recursive: true, force: true })

async function report(what: string): Promise<void> {
  const { residents } = await client.pool.get()
  const children = residents.flatMap(({ processId }) => (processId === null ? [] : [processId]))
  const times = () => [process.pid, ...children].map(processorSeconds)
  const before = times()
  await wait(1000 * seconds)
  const [own = 0, ...models] = times().map((time, index) => (time - (before[index] ?? 0)) / seconds)
  const modelShare = models.reduce((sum, share) => sum + share, 0)
  console.log(`${what.padEnd(20)}  host ${percent(own)}, models ${percent(modelShare)} of one core`)
}

/** User and system time of a process so far, in seconds. */
function processorSeconds(processId: number): number {
  const stat = readFileSync(`/proc/${processId}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
