import path from 'node:path'
import { createRouterClient } from '@orpc/server'
import { createHost, type HostOptions } from './host.ts'
import { startNodeChild } from './node-starter.ts'

const root = path.resolve(import.meta.dirname, '../../..')

/** A host with the demo models on a data folder, and a client that calls it as the shells do; for tests. Models run on the CPU with one thread. Whoever calls ends it. */
export async function startTestHost(dataFolder: string, options: Partial<HostOptions> = {}) {
  const host = await createHost({
    ...{ kind: 'headless', version: '0.0.0', dataFolder, home: dataFolder, device: 'cpu', threads: 1 },
    demoFolder: path.join(root, 'resources/demo-models'),
    startChild: startNodeChild,
    modelProgram: path.join(root, 'src/main/model/index.ts'),
    ...options,
  })
  return { host, client: createRouterClient(host.router, { context: {} }) }
}
