import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import {
  macDeviceBytes,
  nvidiaSmiBytes,
  strixHaloBytes,
  strixHaloDeviceId,
  unifiedNvidiaBytes,
  type AmdMemory,
} from '../core/device-capacity.ts'
import type { Device } from './probe.ts'

const run = promisify(execFile)

/** Longer than any of the programs takes that answers at all. */
const timeoutMs = 2000

/**
 * A device with the memory that it can really use, in bytes. A card with memory of its own says so itself; what shares the
 * machine's memory is asked about at the system, whose programs and files may be missing: then the driver's word counts.
 */
export async function limitDevice(device: Device, systemBytes: number): Promise<Device> {
  if (!device.isUnified || device.totalBytes === 0) return device
  const budgetBytes = device.totalBytes
  if (process.platform === 'darwin') {
    const wiredLimit = await output('/usr/sbin/sysctl', ['-n', 'iogpu.wired_limit_mb'])
    return {
      ...device,
      totalBytes: macDeviceBytes({ totalBytes: systemBytes, metalBytes: budgetBytes, wiredLimit }),
    }
  }
  const card = process.platform === 'linux' ? await readStrixHalo() : null
  if (card) return { ...device, totalBytes: strixHaloBytes(card, systemBytes - card.vramTotalBytes) }
  if (!/nvidia/i.test(device.name)) return device
  const text = await output('nvidia-smi', ['--query-gpu=memory.total', '--format=csv,noheader'])
  const carveOutBytes = nvidiaSmiBytes(text ?? '')
  return { ...device, totalBytes: unifiedNvidiaBytes({ budgetBytes, systemBytes, carveOutBytes }) }
}

/** Memory of a Strix Halo's GPU; null on other machines. */
export async function readStrixHalo(folder = '/sys/class/drm'): Promise<AmdMemory | null> {
  const cards = await readdir(folder).catch(() => [])
  for (const card of cards.filter((name) => /^card\d+$/.test(name))) {
    const read = async (file: string) =>
      readFile(`${folder}/${card}/device/${file}`, 'latin1').catch(() => null)
    if ((await read('device'))?.trim() !== strixHaloDeviceId) continue
    const names = ['mem_info_vram_total', 'mem_info_vram_used', 'mem_info_gtt_total']
    const [vramTotalBytes, vramUsedBytes, gttTotalBytes] = await Promise.all(
      names.map(async (name) => {
        const text = await read(name)
        return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null
      }),
    )
    if (vramTotalBytes != null && vramUsedBytes != null && gttTotalBytes != null)
      return { vramTotalBytes, vramUsedBytes, gttTotalBytes }
  }
  return null
}

/** What a program writes; null when it is missing, fails or takes too long. */
async function output(program: string, args: readonly string[]): Promise<string | null> {
  try {
    return (await run(program, args, { timeout: timeoutMs, windowsHide: true })).stdout
  } catch {
    return null
  }
}
