import type { FileAccess } from '../../contract/model.ts'

/** How fast a load of this machine was: bytes of the file, and milliseconds until its weights were in. */
export type LoadSpeed = { readonly fileAccess: FileAccess; readonly bytes: number; readonly ms: number }

/** What says how weights are best read. */
export type ReadingFacts = {
  /** As Node names it: `darwin`. */
  readonly platform: string
  readonly device: { readonly name: string; readonly isUnified: boolean }
  /** The processor keeps most of the weights a second time, rearranged, when the file is mapped. */
  readonly isRearranged: boolean
  /** Of this machine with this device, newest first. */
  readonly loads: readonly LoadSpeed[]
}

/** What was chosen, and why in plain words. */
type ChosenAccess = { readonly fileAccess: FileAccess; readonly reason: string }

/** Smaller files say more about the start of a process than about reading. */
const smallestBytes = 256 * 2 ** 20
/** Newest loads that count for each way of reading: a disk may change. */
const countedLoads = 8
/** What is usual stays until another way was so many times as fast. */
const worthwhile = 1.5
/** A disk of today reads faster; what is usual may be at fault, and another way is tried once. In bytes a second. */
const slowBytesPerSecond = 400e6

/**
 * How weights are read where the user leaves it open: 1. as is usual for this kind of machine (`usualAccess`); 2. the fastest way that this
 * machine's own loads have shown, if that is `worthwhile`; 3. where the usual way was slow, another one once. Pure.
 */
export function chooseFileAccess(facts: ReadingFacts): ChosenAccess {
  const usual = usualAccess(facts)
  const others = alternatives(facts).filter((access) => access !== usual.fileAccess)
  const usualSpeed = speedOf(facts.loads, usual.fileAccess)
  if (usualSpeed === null) return usual
  const known = others.flatMap((fileAccess) => {
    const speed = speedOf(facts.loads, fileAccess)
    return speed === null ? [] : [{ fileAccess, speed }]
  })
  const [best] = known.sort((a, b) => b.speed - a.speed)
  const usually = `${usual.fileAccess} ${speedText(usualSpeed)}`
  if (best && best.speed >= worthwhile * usualSpeed)
    return {
      fileAccess: best.fileAccess,
      reason: `here it read ${speedText(best.speed)}, ${usually}`,
    }
  const [untried] = others.filter((access) => known.every(({ fileAccess }) => fileAccess !== access))
  if (usualSpeed < slowBytesPerSecond && untried !== undefined)
    return { fileAccess: untried, reason: `tried once, as ${usually} was slow here` }
  return best ? { ...usual, reason: `${usual.reason}; here it read ${speedText(usualSpeed)}` } : usual
}

/**
 * 1. Weights that the processor rearranges are read: mapped, they would be in memory twice. 2. An NVIDIA GPU that shares the
 * machine's memory reads directly: on a DGX Spark mapping took ten times as long. 3. A Mac maps: its GPU computes with the mapped pages.
 * 4. So does everybody else: what is in the system's cache is there at once.
 */
function usualAccess({ platform, device, isRearranged }: ReadingFacts): ChosenAccess {
  if (isRearranged)
    return {
      fileAccess: 'read',
      reason: 'mapped, weights that the processor rearranges would be there twice',
    }
  if (device.isUnified && /nvidia/i.test(device.name))
    return { fileAccess: 'direct', reason: 'mapped files are slow on a GPU that shares memory' }
  if (platform === 'darwin' && device.name !== 'CPU')
    return { fileAccess: 'mmap', reason: 'the GPU computes with the mapped file' }
  return { fileAccess: 'mmap', reason: 'what is in the system cache is there at once' }
}

/** Ways that cost no more memory than the usual one. */
function alternatives({ isRearranged }: ReadingFacts): readonly FileAccess[] {
  return isRearranged ? ['direct', 'read'] : ['direct', 'mmap', 'read']
}

/** Median of the newest loads in bytes a second; null when there was none. */
function speedOf(loads: readonly LoadSpeed[], fileAccess: FileAccess): number | null {
  const speeds = loads
    .filter((load) => load.fileAccess === fileAccess && load.bytes >= smallestBytes && load.ms > 0)
    .slice(0, countedLoads)
    .map(({ bytes, ms }) => (bytes / ms) * 1000)
    .sort((a, b) => a - b)
  return speeds[Math.floor((speeds.length - 1) / 2)] ?? null
}

function speedText(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 2 ** 30).toFixed(bytesPerSecond < 2 ** 30 ? 2 : 1)} GB/s`
}
