import { GB } from '../../contract/bytes.ts'
import type { Figure } from '../../contract/pipeline-report.ts'

/** A machine as its maker publishes it. */
type PublishedMachine = {
  readonly name: string
  /** In the name of its processor or device. */
  readonly pattern: RegExp
  /** Memory bandwidth in bytes a second. */
  readonly bytesPerSecond: number
}

/** Published bandwidths, reviewed March 2026. A name that says more stands before one that says less. */
const published: readonly PublishedMachine[] = [
  machine('RTX Spark', /rtx spark|\bn1x?\b/i, 300),
  machine('DGX Spark', /gb10|dgx spark/i, 273),
  machine('Strix Halo', /ryzen ai max|strix halo|radeon 80[56]0s/i, 256),
  machine('M3 Ultra', /m3 ultra/i, 819),
  machine('M4 Max', /m4 max/i, 546),
  machine('RTX 5090', /rtx 5090/i, 1792),
  machine('RTX 4090', /rtx 4090/i, 1008),
]

function machine(name: string, pattern: RegExp, gbPerSecond: number): PublishedMachine {
  return { name, pattern, bytesPerSecond: gbPerSecond * 1e9 }
}

/** The published bandwidth of the machine whose processor or device is called so; null for others. */
export function publishedBandwidth(names: readonly string[]): Figure | null {
  const found = published.find(({ pattern }) => names.some((name) => pattern.test(name)))
  return found
    ? { value: found.bytesPerSecond, source: 'published', from: `published for ${found.name}` }
    : null
}

/**
 * What a machine that is planned for is taken to be: of those with unified memory of 96 to 128 GB the one that goes with what the file says
 * of it, else the slowest of them. Null for other sizes: their bandwidths differ too much.
 */
export function assumedMachine(wanted: {
  readonly kind: 'unified' | 'split'
  readonly totalBytes: number
  readonly hasNvlink: boolean
  readonly isWindowsArm: boolean
}): { readonly name: string; readonly bandwidth: Figure } | null {
  const { kind, totalBytes, hasNvlink, isWindowsArm } = wanted
  if (kind !== 'unified' || totalBytes < 96 * GB || totalBytes > 128 * GB) return null
  const name = hasNvlink ? (isWindowsArm ? 'RTX Spark' : 'DGX Spark') : 'Strix Halo'
  const bytesPerSecond = published.find((each) => each.name === name)?.bytesPerSecond ?? 0
  return { name, bandwidth: { value: bytesPerSecond, source: 'assumed', from: `as published for ${name}` } }
}

/**
 * Operations a second that prefill reaches: 2 for each weight in use and token. From what was published of gpt-oss-120b (5.1 billion weights in
 * use) on a GB10: 1,937 to 2,438 tokens a second. Null for machines of which nothing is known.
 */
export function publishedPrefill(machineName: string): Figure | null {
  if (!/spark|gb10/i.test(machineName)) return null
  return { value: 1937 * 2 * 5.1e9, source: 'assumed', from: 'estimated from prefill published for GB10' }
}
