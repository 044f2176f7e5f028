import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Measurement } from '../../contract/memory.ts'
import { openDatabase } from './database.ts'
import { Measurements } from './measurements.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-measurements-'))
const database = openDatabase(path.join(folder, 'plenum.db'))
afterAll(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const measurement = (at: number): Measurement => ({
  at,
  backend: 'CPU',
  loadedWith: {
    contextTokens: 4096,
    gpuLayers: null,
    kvType: 'q8_0',
    flashAttention: true,
    batchTokens: 512,
    threads: 1,
    fileAccess: 'read',
    fullWindowCache: false,
  },
  predicted: [{ part: 'weights', domain: 'unified', bytes: 100, source: 'predicted' }],
  corrected: [{ part: 'weights', domain: 'unified', bytes: 101, source: 'learned' }],
  measured: [{ part: 'weights', domain: 'unified', bytes: at, source: 'measured' }],
})
const file = { modelId: 'guide', stamp: '1', backend: 'CPU' }

test('keeps what loads took, newest first, and learns from the same file on the same backend only', () => {
  const measurements = new Measurements(database)
  const id = measurements.add(file, measurement(1))
  measurements.add({ ...file, stamp: '2' }, measurement(2))
  measurements.add({ ...file, backend: 'Vulkan' }, measurement(3))
  measurements.replace(id, measurement(4))
  expect(measurements.history('guide')).toEqual([measurement(3), measurement(2), measurement(4)])
  expect(measurements.latest(file)).toEqual(measurement(4))
  expect(measurements.latest({ ...file, modelId: 'coder' })).toBeUndefined()
})

test('keeps the last fifty of a model', () => {
  const measurements = new Measurements(database)
  for (let at = 0; at < 60; at++) measurements.add({ ...file, modelId: 'judge' }, measurement(at))
  expect(measurements.history('judge').map(({ at }) => at)).toEqual(
    Array.from({ length: 50 }, (_, index) => 59 - index),
  )
})

test('knows how fast a file writes and how long its answers are, by those of late', () => {
  const measurements = new Measurements(database)
  expect(measurements.writingSpeed(file)).toBeNull()
  measurements.addWriting(file, { tokensPerSecond: 100, answerTokens: 50 })
  measurements.addWriting(file, { tokensPerSecond: 200, answerTokens: 150 })
  expect(measurements.writingSpeed(file)).toEqual({ tokensPerSecond: 130, answerTokens: 80 })
  expect(measurements.writingSpeed({ ...file, stamp: '2' })).toBeNull()
  measurements.addWriting({ ...file, stamp: '2' }, { tokensPerSecond: 10, answerTokens: 5 })
  expect(measurements.writingSpeed({ ...file, stamp: '2' })).toEqual({ tokensPerSecond: 10, answerTokens: 5 })
})
