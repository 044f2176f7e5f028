import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { limitDevice, readStrixHalo } from './device-memory.ts'

/** A folder like `/sys/class/drm` with these cards. */
function sysfs(cards: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-drm-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [card, files] of Object.entries(cards)) {
    mkdirSync(path.join(folder, card, 'device'), { recursive: true })
    for (const [name, text] of Object.entries(files))
      writeFileSync(path.join(folder, card, 'device', name), text)
  }
  return folder
}

// Recorded on an ASUS ROG Flow Z13: see `device-capacity.test.ts`. What is used of it, and all other cards, are constructed.
const memory = {
  mem_info_vram_total: '4294967296\n',
  mem_info_vram_used: '268435456\n',
  mem_info_gtt_total: '103079215104\n',
}

test('finds the GPU of a Strix Halo among other cards', async () => {
  const other = { device: '0x744c\n', ...memory, mem_info_vram_total: '25753026560\n' }
  const folder = sysfs({ card0: other, 'card1-DP-1': {}, card1: { device: '0x1586\n', ...memory } })
  expect(await readStrixHalo(folder)).toEqual({
    ...{ vramTotalBytes: 4 * GB, vramUsedBytes: 268435456, gttTotalBytes: 96 * GB },
  })
})

test('is not put off by what is missing or strange', async () => {
  const strange = { device: '0x1586\n', ...memory, mem_info_gtt_total: 'none\n' }
  expect(await readStrixHalo(sysfs({ card0: strange }))).toBeNull()
  expect(await readStrixHalo('/nowhere')).toBeNull()
})

test('leaves alone what has memory of its own, and machines without a GPU', async () => {
  const card = { name: 'CUDA: NVIDIA RTX 4090', totalBytes: 24 * GB, isUnified: false }
  expect(await limitDevice(card, 64 * GB)).toEqual(card)
  const cpu = { name: 'CPU', totalBytes: 0, isUnified: true }
  expect(await limitDevice(cpu, 64 * GB)).toEqual(cpu)
})

test('a driver that promises more than the system has is not believed', async () => {
  const device = { name: 'CUDA: NVIDIA GB10', totalBytes: 200 * GB, isUnified: true }
  const { totalBytes } = await limitDevice(device, 119 * GB)
  expect(totalBytes).toBe(119 * GB)
})
