import os from 'node:os'
import { expect, test } from 'vitest'
import { readMachineMemory } from './machine-memory.ts'

test('reads what this machine has and what is available of it', async () => {
  const { totalBytes, availableBytes } = await readMachineMemory()
  expect(totalBytes).toBeGreaterThan(64 * 2 ** 20)
  expect(totalBytes).toBeLessThanOrEqual(os.totalmem())
  expect(availableBytes).toBeGreaterThan(0)
  expect(availableBytes).toBeLessThanOrEqual(totalBytes)
})
