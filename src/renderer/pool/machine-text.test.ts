import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import type { Domain } from '../../contract/memory.ts'
import { machineText } from './machine-text.ts'

const rest = { name: 'Memory', reserveBytes: 0, otherBytes: 0, usedBytes: 0, freeBytes: 0 }
const domain = (id: Domain['id'], totalBytes: number): Domain => ({ id, totalBytes, ...rest })

test('tells the machine, its memory, what computes, and a pool that is a slice', () => {
  const machine = { name: 'Desk', totalBytes: 24 * GB, otherBytes: 0 }
  expect([
    machineText({ machine, device: 'CPU', domains: [domain('unified', 24 * GB)] }),
    machineText({ machine, device: 'CPU', domains: [domain('unified', GB)] }),
    machineText({
      machine,
      device: 'Vulkan: Card',
      domains: [domain('vram', 8 * GB), domain('ram', 24 * GB)],
    }),
  ]).toEqual([
    'Desk · 24.0 GB unified · CPU',
    'Desk · 24.0 GB unified · CPU · pool of 1.00 GB',
    'Desk · 24.0 GB RAM, 8.00 GB VRAM · Vulkan: Card',
  ])
})
