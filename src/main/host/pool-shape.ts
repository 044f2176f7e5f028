import { AppError } from '../../contract/errors.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import type { ModelFacts } from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import { defaultReserveBytes } from '../core/capacity.ts'
import { bytesByDomain } from '../core/domain-bytes.ts'
import {
  predictFootprint,
  withAdmissionMargin,
  type FootprintOptions,
  type Placement,
} from '../core/footprint.ts'
import type { DomainCapacity } from '../core/ledger.ts'
import type { Device } from './probe.ts'

/** The memory that this host shares out: fixed once the device is known, but for the sizes. */
export type PoolShape = {
  readonly kind: PoolSnapshot['kind']
  readonly device: Device
  readonly machineBytes: number
}

/** One pool, or two where a card has memory of its own. */
export function poolShape(device: Device, machineBytes: number): PoolShape {
  return { kind: device.isUnified ? 'unified' : 'split', device, machineBytes }
}

/** Sizes that the user has set; null or absent: as detected. */
export type PoolSizes = Pick<Settings, 'poolSizeBytes' | 'reserveBytes'>

/**
 * The domains of a pool, the one that models go to first. Its size and reserve can be set; main memory beside a card's is
 * taken as it is. Where the device may use less than the whole machine (the wired limit of a Mac), the rest is reserve.
 * Throws `BAD_INPUT` when nothing would be left.
 */
export function poolDomains(shape: PoolShape, sizes: PoolSizes): DomainCapacity[] {
  const { kind, device, machineBytes } = shape
  const detectedBytes = kind === 'split' ? device.totalBytes : machineBytes
  const totalBytes = sizes.poolSizeBytes ?? detectedBytes
  const unusableBytes =
    kind === 'unified' && device.totalBytes > 0 && sizes.poolSizeBytes === null
      ? Math.max(0, machineBytes - device.totalBytes)
      : 0
  const reserveBytes = sizes.reserveBytes ?? Math.max(defaultReserveBytes(totalBytes), unusableBytes)
  if (reserveBytes >= totalBytes) {
    throw new AppError('BAD_INPUT', 'Cannot reserve the whole pool: nothing would be left for models', {
      details: { neededBytes: reserveBytes, freeBytes: totalBytes, help: 'Make the reserve smaller' },
    })
  }
  if (kind === 'unified') return [{ id: 'unified', name: 'Unified memory', totalBytes, reserveBytes }]
  return [
    { id: 'vram', name: device.name, totalBytes, reserveBytes },
    {
      id: 'ram',
      name: 'Main memory',
      totalBytes: machineBytes,
      reserveBytes: defaultReserveBytes(machineBytes),
    },
  ]
}

/**
 * Where a model's layers go: with memory of its own the card gets as many as it could hold if the pool were empty, counted
 * with the output layer. `gpuLayers` overrules.
 */
export function placeModel(
  facts: ModelFacts,
  options: {
    readonly shape: PoolShape
    readonly domains: readonly DomainCapacity[]
    /** How it is loaded otherwise. */
    readonly load: Omit<FootprintOptions, 'placement' | 'contexts'>
    readonly gpuLayers: number | undefined
    /** What a draft model takes beside it on the card, in bytes. Default 0. */
    readonly draftBytes?: number
  },
): Placement {
  const { shape, domains, load, gpuLayers, draftBytes = 0 } = options
  if (shape.kind === 'unified') return { kind: 'unified' }
  const vram = domains.find(({ id }) => id === 'vram')
  const roomBytes = vram ? vram.totalBytes - vram.reserveBytes : 0
  let layers = Math.min(gpuLayers ?? facts.layers + 1, facts.layers + 1)
  const fits = (count: number): boolean => {
    const placement = { kind: 'split', gpuLayers: count } as const
    const footprint = withAdmissionMargin(predictFootprint(facts, { ...load, placement }))
    return (bytesByDomain(footprint).vram ?? 0) + (count > 0 ? draftBytes : 0) <= roomBytes
  }
  if (gpuLayers === undefined) while (layers > 0 && !fits(layers)) layers--
  return { kind: 'split', gpuLayers: layers }
}
