import { MB } from '../../contract/bytes.ts'
import type { MachineReading } from './capacity.ts'

/** What the amdgpu driver tells of a card's memory (`/sys/class/drm/card…/device/mem_info_…`), in bytes. */
export type AmdMemory = {
  /** Set aside by the BIOS; no part of what the system calls its memory. */
  readonly vramTotalBytes: number
  readonly vramUsedBytes: number
  /** The most of the system's memory that the card may map. */
  readonly gttTotalBytes: number
}

/** PCI device of the Radeon 8060S and 8050S in a Strix Halo. Discrete cards keep memory of their own under the same names. */
export const strixHaloDeviceId = '0x1586'

/** Above this a Mac lets the GPU wire three quarters of its memory, up to it two thirds. */
const largeMacBytes = 36 * 1024 * MB

/**
 * Memory of the first card in the text of `nvidia-smi --query-gpu=memory.total --format=csv,noheader`, in bytes. Null where
 * it tells none: a GB10 has no memory of its own and answers `[N/A]`.
 */
export function nvidiaSmiBytes(text: string): number | null {
  const [line = ''] = text.trim().split('\n')
  const mebibytes = /^\s*(\d+)(?: MiB)?\s*$/.exec(line)?.[1]
  return mebibytes === undefined ? null : Number(mebibytes) * MB
}

/**
 * What an NVIDIA GPU without memory of its own can use (GB10, RTX Spark). The driver's budget, but no more than the system
 * can give or the carve-out holds, whichever is larger: the carve-out alone tells too little where it is small (8 of 45 GB
 * were seen), and the budget too much where it is large (50 of 40 GB). Null: not known.
 */
export function unifiedNvidiaBytes(sources: {
  readonly budgetBytes: number | null
  readonly systemBytes: number
  readonly carveOutBytes: number | null
}): number {
  const { budgetBytes, systemBytes, carveOutBytes } = sources
  const limit = Math.max(systemBytes, carveOutBytes ?? 0)
  return budgetBytes === null ? limit : Math.min(budgetBytes, limit)
}

/** What a Strix Halo's GPU can use: a model lies in the carve-out or in mapped memory, so the larger of the two counts. */
export function strixHaloBytes({ vramTotalBytes, gttTotalBytes }: AmdMemory, systemBytes: number): number {
  return Math.max(vramTotalBytes, Math.min(gttTotalBytes, systemBytes))
}

/** Memory of a Strix Halo: the system's own figures leave out the carve-out. */
export function strixHaloReading(system: MachineReading, card: AmdMemory): MachineReading {
  const freeBytes = Math.max(0, card.vramTotalBytes - card.vramUsedBytes)
  return {
    totalBytes: system.totalBytes + card.vramTotalBytes,
    availableBytes: system.availableBytes + freeBytes,
  }
}

/**
 * What a Mac's GPU may wire: `iogpu.wired_limit_mb` (text of `sysctl -n`) where the user has set it, else what Metal says,
 * else the share that is usual. Zero stands for "not set".
 */
export function macDeviceBytes(sources: {
  readonly totalBytes: number
  readonly metalBytes: number | null
  readonly wiredLimit: string | null
}): number {
  const { totalBytes, metalBytes, wiredLimit } = sources
  const wanted = /^\s*(\d+)\s*$/.exec(wiredLimit ?? '')?.[1]
  const limitBytes = Number(wanted ?? 0) * MB
  if (limitBytes > 0) return Math.min(totalBytes, limitBytes)
  const usualBytes = Math.floor(totalBytes > largeMacBytes ? (totalBytes * 3) / 4 : (totalBytes * 2) / 3)
  return Math.min(totalBytes, metalBytes ?? usualBytes)
}
