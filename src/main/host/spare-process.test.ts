import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startModelProcess, type ModelProcess } from './model-process.ts'
import { startNodeChild } from './node-starter.ts'
import { SpareProcess } from './spare-process.ts'

const program = fileURLToPath(new URL('../model/index.ts', import.meta.url))
const quiet = { isQuiet: true }

/** A spare process of this program, what was started for it, and its changes one by one. */
function keepSpare(file = program) {
  const started: ModelProcess[] = []
  const listeners = new Set<() => void>()
  const first = Promise.withResolvers<null>()
  const spare = new SpareProcess({
    start() {
      const child = startModelProcess({
        ...{ start: startNodeChild, file, name: 'spare', env: { PLENUM_DEVICE: 'cpu' } },
      })
      started.push(child)
      first.resolve(null)
      return child
    },
    onChange: () => {
      for (const listener of listeners) listener()
    },
    quietMs: 0,
  })
  onTestFinished(async () => {
    await spare[Symbol.asyncDispose]()
    await Promise.all(started.map(async (child) => child[Symbol.asyncDispose]()))
  })
  const changed = async () =>
    new Promise<null>((resolve) => {
      const listener = () => {
        listeners.delete(listener)
        resolve(null)
      }
      listeners.add(listener)
    })
  return { spare, started, changed, firstStarted: first.promise }
}

test('is ready with the backend open, and belongs to the load that takes it', async () => {
  const { spare, started, changed } = keepSpare()
  expect(spare.take('nobody')).toBeNull()
  spare.want(true, { isQuiet: false })
  spare.want(true, quiet)
  await changed()
  expect(spare.state).toMatchObject({ processId: started[0]?.processId })
  expect(spare.state?.bytes).toBeGreaterThan(10 * 2 ** 20)
  // Asked again and again, it stays the one.
  spare.want(true, quiet)

  const taken = spare.take('Guide')
  expect([taken, spare.state, started.length]).toEqual([started[0], undefined, 1])
  // No longer its business.
  spare.want(false, quiet)
  process.kill(taken!.processId!, 'SIGKILL')
  await expect(taken!.client.usage()).rejects.toThrow('The process of "Guide" ended by itself')
})

test('is ended when it is not wanted, and started again', async () => {
  const { spare, started, changed } = keepSpare()
  spare.want(true, quiet)
  await changed()
  spare.want(false, quiet)
  expect(spare.state).toBeUndefined()
  await changed()
  await expect(started[0]!.client.usage()).rejects.toMatchObject({ code: 'MODEL_FAILED' })
  spare.want(true, quiet)
  await changed()
  expect(spare.state?.processId).toBe(started[1]?.processId)
})

test('may be taken before it is ready', async () => {
  const { spare, started, firstStarted } = keepSpare()
  spare.want(true, quiet)
  await firstStarted
  const taken = spare.take('Guide')
  expect(taken).toBe(started[0])
  expect(await taken!.client.usage()).toMatchObject({ deviceBytes: 0 })
  expect(spare.state).toBeUndefined()
})

test('one that dies is not started again before the next load', async () => {
  const { spare, started, changed } = keepSpare('/nowhere/model.mjs')
  spare.want(true, quiet)
  await changed()
  spare.want(true, quiet)
  expect(started).toHaveLength(1)
  expect(spare.take('Guide')).toBeNull()
  spare.want(true, quiet)
  await changed()
  expect(started).toHaveLength(2)
})
