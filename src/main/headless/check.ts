import { availableParallelism, homedir } from 'node:os'
import path from 'node:path'
import { toProblem } from '../../contract/errors.ts'
import { settingsSchema } from '../../contract/settings.ts'
import { limitDevice } from '../host/device-memory.ts'
import { readMachineMemory } from '../host/machine-memory.ts'
import { startNodeChild } from '../host/node-starter.ts'
import { checkPipeline } from '../host/pipeline-report.ts'
import { readPipelineText } from '../host/pipeline-source.ts'
import { poolDomains, poolShape } from '../host/pool-shape.ts'
import { createProbe, type Device, type Probe } from '../host/probe.ts'
import { hasAmx, processorName } from '../host/processor.ts'
import { describeThisMachine } from '../host/this-machine.ts'
import { writeReport } from './check-text.ts'
import type { CheckFlags } from './flags.ts'

/** Checks a pipeline file without a host: what to print, and whether the set fits together without an error. */
export async function checkFile(
  flags: CheckFlags,
  { modelProgram }: { readonly modelProgram: string },
): Promise<{ readonly text: string; readonly isFit: boolean }> {
  const env = flags.device === undefined ? {} : { PLENUM_DEVICE: flags.device }
  await using probe = createProbe({ start: startNodeChild, file: modelProgram, env })
  const home = homedir()
  const folder = path.dirname(flags.file)
  const source = await readPipelineText({ path: flags.file }, { home, folder })
  const { report } = await checkPipeline(source.text, {
    places: { folder, home, probe },
    machine: async (known) => {
      const { totalBytes } = await readMachineMemory()
      const shape = poolShape(await deviceOf(probe, totalBytes), totalBytes)
      const { poolSizeBytes = null, reserveBytes = null } = flags
      return describeThisMachine({
        ...{ name: processorName(), shape, rooms: poolDomains(shape, { poolSizeBytes, reserveBytes }) },
        ...{ settings: settingsSchema.parse({}), hasAmx: hasAmx(), measured: known },
        bestBytesPerSecond: null,
        threads: Math.max(1, availableParallelism() - 1),
      })
    },
  })
  return {
    text: flags.isJson
      ? `${JSON.stringify(report, null, 2)}\n`
      : writeReport(report, path.relative(process.cwd(), flags.file) || flags.file),
    isFit: report.plan?.fits === 'together' && report.findings.every(({ severity }) => severity !== 'error'),
  }
}

/** What computes here; a driver that fails leaves the processor. */
async function deviceOf(probe: Probe, systemBytes: number): Promise<Device> {
  try {
    return await limitDevice(await probe.device(), systemBytes)
  } catch (error) {
    process.stderr.write(`Plans for the processor alone: ${toProblem(error).message}\n`)
    return { name: 'CPU', totalBytes: 0, isUnified: true }
  }
}
