import { GB } from '../../contract/bytes.ts'
import type { ModelFacts } from '../../contract/model.ts'
import type { Figure } from '../../contract/pipeline-report.ts'
import type { PipelineFile } from '../../contract/pipeline.ts'
import type { Settings } from '../../contract/settings.ts'
import { defaultReserveBytes } from './capacity.ts'
import type { FootprintOptions, Placement } from './footprint.ts'
import type { ReadingFacts } from './file-access.ts'
import { assumedMachine, publishedPrefill } from './machines.ts'

/** Memory of one domain that models may have a part of. */
export type PlannedRoom = {
  readonly id: 'unified' | 'ram' | 'vram'
  readonly name: string
  readonly totalBytes: number
  readonly reserveBytes: number
}

/** The machine that this runs on, as a plan finds it. */
export type ThisMachine = {
  readonly name: string
  readonly kind: 'unified' | 'split'
  /** What is there, whatever the pool was set to: of split memory the GPU's. */
  readonly detectedBytes: number
  /** The pool as it is set. */
  readonly rooms: readonly PlannedRoom[]
  /** Measured, or published for its name; null: neither. */
  readonly bandwidth: Figure | null
  /** Operations a second that reading a prompt reaches. */
  readonly operations: Figure | null
  readonly defaults: Pick<Settings, 'contextTokens' | 'startContextTokens' | 'evictionPolicy'> & {
    readonly threads: number
  }
  readonly isCpu: boolean
  readonly hasAmx: boolean
  readonly runtimeBytes: number | undefined
  readonly reading: Omit<ReadingFacts, 'isRearranged'>
  /** What the checks of `runtime` found, in plain words. */
  readonly nvlink: { readonly isThere: boolean; readonly found: string }
  readonly windowsArm: { readonly isThere: boolean; readonly found: string }
}

/** The machine that a file is planned for. */
export type PlannedMachine = {
  readonly name: string
  readonly isHere: boolean
  readonly kind: ThisMachine['kind']
  readonly rooms: readonly PlannedRoom[]
  readonly bandwidth: Figure | null
  readonly operations: Figure | null
}

/** This machine with the pool that the file asks for; another one where the file asks for more than there is. Pure. */
export function plannedMachine({ memory, runtime }: PipelineFile, here: ThisMachine): PlannedMachine {
  const kind = memory?.pool_type ?? here.kind
  const [main] = here.rooms
  const wantedBytes = memory?.total_gb === undefined ? undefined : Math.round(memory.total_gb * GB)
  const isHere = kind === here.kind && (wantedBytes === undefined || wantedBytes <= here.detectedBytes)
  const totalBytes = wantedBytes ?? main?.totalBytes ?? here.detectedBytes
  const reserveBytes =
    memory?.reserve_gb !== undefined
      ? Math.round(memory.reserve_gb * GB)
      : wantedBytes === undefined && main
        ? main.reserveBytes
        : defaultReserveBytes(totalBytes)
  const first: PlannedRoom =
    kind === 'unified'
      ? { id: 'unified', name: 'Unified memory', totalBytes, reserveBytes }
      : { id: 'vram', name: here.kind === 'split' && main ? main.name : 'GPU', totalBytes, reserveBytes }
  const ram = here.rooms.find(({ id }) => id === 'ram') ?? {
    ...{ id: 'ram' as const, name: 'Main memory', totalBytes: here.detectedBytes },
    reserveBytes: defaultReserveBytes(here.detectedBytes),
  }
  const rooms = kind === 'unified' ? [first] : [first, ram]
  const inFile: Figure | null =
    memory?.bandwidth_gb_s === undefined
      ? null
      : { value: memory.bandwidth_gb_s * 1e9, source: 'file', from: 'as the file says' }
  if (isHere)
    return {
      ...{ name: here.name, isHere, kind, rooms, operations: here.operations },
      bandwidth: inFile ?? here.bandwidth,
    }
  const like = assumedMachine({
    ...{ kind, totalBytes, hasNvlink: runtime?.nvlink_c2c === 'enabled' },
    isWindowsArm: runtime?.windows_arm_native === true,
  })
  return {
    ...{ isHere, kind, rooms },
    name: like ? `A machine like ${like.name}` : 'Another machine',
    bandwidth: inFile ?? like?.bandwidth ?? null,
    operations: like ? publishedPrefill(like.name) : null,
  }
}

/** What models may have of a room. */
export function capacityBytes({ totalBytes, reserveBytes }: PlannedRoom): number {
  return Math.max(0, totalBytes - reserveBytes)
}

/** Where layers go on the planned machine: as many on the GPU as `fits` says. */
export function placeOn(
  machine: PlannedMachine,
  facts: ModelFacts,
  {
    gpuLayers,
    fits,
  }: { readonly gpuLayers: number | undefined; readonly fits: (placement: Placement) => boolean },
): NonNullable<FootprintOptions['placement']> {
  if (machine.kind === 'unified') return { kind: 'unified' }
  let layers = Math.min(gpuLayers ?? facts.layers + 1, facts.layers + 1)
  if (gpuLayers === undefined) while (layers > 0 && !fits({ kind: 'split', gpuLayers: layers })) layers--
  return { kind: 'split', gpuLayers: layers }
}
