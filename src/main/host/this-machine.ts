import type { Figure } from '../../contract/pipeline-report.ts'
import type { Settings } from '../../contract/settings.ts'
import { activeParameters } from '../core/fit.ts'
import { publishedBandwidth, publishedPrefill } from '../core/machines.ts'
import type { PlannedRoom, ThisMachine } from '../core/pipeline-machine.ts'
import type { KnownModel } from '../core/pipeline-sizes.ts'
import type { PoolShape } from './pool-shape.ts'

/** This machine as a plan sees it. `measured`: every model whose speed is known here. */
export function describeThisMachine(facts: {
  readonly name: string
  readonly shape: PoolShape
  readonly rooms: readonly PlannedRoom[]
  readonly settings: Pick<Settings, 'contextTokens' | 'startContextTokens' | 'evictionPolicy'>
  readonly threads: number
  readonly hasAmx: boolean
  readonly measured: readonly KnownModel[]
  /** The most bytes a second that was measured while models wrote; null before that. */
  readonly bestBytesPerSecond: number | null
}): ThisMachine {
  const { name, shape, rooms, settings, threads, hasAmx, measured, bestBytesPerSecond } = facts
  const { device } = shape
  const names = [device.name, name]
  const isWindowsArm = process.platform === 'win32' && process.arch === 'arm64'
  const hasNvlink = names.some((each) => /gb10|gb200|gb300|gh200|rtx spark/i.test(each))
  return {
    ...{ name, kind: shape.kind, rooms, hasAmx, isCpu: device.name === 'CPU' },
    detectedBytes: shape.kind === 'split' ? device.totalBytes : shape.machineBytes,
    bandwidth:
      bestBytesPerSecond === null
        ? publishedBandwidth(names)
        : { value: bestBytesPerSecond, source: 'measured', from: 'measured while models wrote here' },
    operations:
      measuredOperations(measured) ?? names.map(publishedPrefill).find((each) => each !== null) ?? null,
    defaults: {
      ...{ contextTokens: settings.contextTokens, startContextTokens: settings.startContextTokens, threads },
      evictionPolicy: settings.evictionPolicy,
    },
    runtimeBytes: device.runtimeBytes,
    reading: { platform: process.platform, device, loads: [] },
    nvlink: {
      isThere: hasNvlink,
      found: hasNvlink
        ? `This machine (${device.name}) shares memory between CPU and GPU over NVLink C2C`
        : `This machine (${device.name === 'CPU' ? name : device.name}) has no NVLink C2C`,
    },
    windowsArm: {
      isThere: isWindowsArm,
      found: isWindowsArm
        ? 'Plenum runs natively on Windows on Arm here'
        : `Plenum runs natively on ${process.platform} ${process.arch} here`,
    },
  }
}

/** The most operations a second that reading has reached. */
function measuredOperations(models: readonly KnownModel[]): Figure | null {
  const speeds = models.flatMap(({ file, readingSpeed }) => {
    if (file.kind !== 'usable' || readingSpeed === null) return []
    return [2 * activeParameters(file.facts) * readingSpeed]
  })
  return speeds.length === 0
    ? null
    : { value: Math.max(...speeds), source: 'assumed', from: 'estimated from models that have read here' }
}
