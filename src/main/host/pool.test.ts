import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import { openDatabase } from './database.ts'
import type { Library } from './library.ts'
import { Parking } from './parking.ts'
import { Pool } from './pool.ts'
import type { Device } from './probe.ts'
import { SettingsStore } from './settings.ts'

const cpu: Device = { name: 'CPU', totalBytes: 0, isUnified: true }
const card: Device = { name: 'NVIDIA RTX 4090', totalBytes: 24 * GB, isUnified: false }

/** A pool of 64 GB without models, of which other programs hold 20 GB. */
function newPool(options: { found?: Promise<Device>; poolSizeBytes?: number; reserveBytes?: number } = {}) {
  const database = openDatabase(':memory:')
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-parked-'))
  const settings = new SettingsStore(database)
  if (options.reserveBytes !== undefined) settings.set({ reserveBytes: options.reserveBytes })
  const readings = { count: 0 }
  const pool = new Pool({
    database,
    settings,
    // An empty library is all that is asked for.
    library: { list: () => [], get: () => undefined, onChange: () => () => undefined } as unknown as Library,
    parking: new Parking({ database, folder, limits: () => ({ isOn: true, budgetBytes: null }) }),
    machine: { name: 'AMD Ryzen AI Max+ 395', totalBytes: 64 * GB },
    device: { likely: cpu, found: options.found ?? Promise.resolve(cpu) },
    readMachine: async () => {
      readings.count++
      return { totalBytes: 64 * GB, availableBytes: 44 * GB }
    },
    startChild: () => {
      throw new Error('Nothing is loaded in this test')
    },
    modelProgram: 'model.js',
    childEnv: {},
    cores: 8,
    fixed: options.poolSizeBytes === undefined ? {} : { poolSizeBytes: options.poolSizeBytes },
    onDefect: (error) => {
      throw error
    },
  })
  onTestFinished(async () => {
    await pool[Symbol.asyncDispose]()
    database.close()
    rmSync(folder, { recursive: true })
  })
  return { pool, settings, readings }
}

test('shows what other programs hold as a block of its own', async () => {
  const { pool } = newPool()
  expect(await pool.measureAndSnapshot()).toMatchObject({
    machine: { name: 'AMD Ryzen AI Max+ 395', totalBytes: 64 * GB, otherBytes: 20 * GB },
    device: 'CPU',
    domains: [
      { totalBytes: 64 * GB, reserveBytes: 4 * GB, otherBytes: 20 * GB, usedBytes: 0, freeBytes: 40 * GB },
    ],
  })
})

test('in a pool that is a slice of the machine others count as far as they need more than the rest', async () => {
  const { pool } = newPool({ poolSizeBytes: 48 * GB })
  const { machine, domains } = await pool.measureAndSnapshot()
  expect([machine.otherBytes, domains[0]?.otherBytes]).toEqual([20 * GB, 4 * GB])
})

test('takes the device when it has been found', async () => {
  const found = Promise.withResolvers<Device>()
  const { pool } = newPool({ found: found.promise })
  await pool.measureAndSnapshot()
  const watching = pool.watch()
  const { value: before } = await watching.next()
  found.resolve(card)
  const { value: after } = await watching.next()
  await watching.return?.()
  expect([before?.kind, before?.device]).toEqual(['unified', 'CPU'])
  expect(after).toMatchObject({
    kind: 'split',
    device: 'NVIDIA RTX 4090',
    domains: [
      { id: 'vram', totalBytes: 24 * GB, otherBytes: 0 },
      { id: 'ram', totalBytes: 64 * GB, otherBytes: 20 * GB },
    ],
  })
})

test('many questions at once are one look at the machine', async () => {
  const { pool, readings } = newPool()
  await Promise.all(Array.from({ length: 50 }, async () => pool.measureAndSnapshot()))
  expect(readings.count).toBe(1)
})

test('ends its watchers when it ends', async () => {
  const { pool } = newPool()
  const watching = pool.watch()
  await watching.next()
  await pool.measureAndSnapshot()
  await pool[Symbol.asyncDispose]()
  const rest = async () => {
    for await (const snapshot of watching) expect(snapshot.domains).toHaveLength(1)
  }
  await expect(rest()).resolves.toBeUndefined()
})

test('a reserve that a smaller pool of the command line leaves no room for gives way to the usual one', async () => {
  const { pool, settings } = newPool({ poolSizeBytes: 4 * GB, reserveBytes: 8 * GB })
  expect(settings.get().reserveBytes).toBe(8 * GB)
  expect((await pool.measureAndSnapshot()).domains[0]?.reserveBytes).toBe(512 * MB)
})

test('a call that waits for the device is let go when it is cancelled', async () => {
  const { pool } = newPool({ found: new Promise(() => undefined) })
  const leave = new AbortController()
  const loading = pool.load('any', { signal: leave.signal })
  leave.abort(new Error('Enough'))
  await expect(loading).rejects.toThrow('Enough')
})

test('refuses a reserve that leaves nothing', async () => {
  const { pool } = newPool()
  await expect(pool.changeSettings({ poolSizeBytes: 512 * MB, reserveBytes: GB })).rejects.toMatchObject({
    code: 'BAD_INPUT',
  })
})
