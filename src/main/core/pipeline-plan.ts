import { formatBytes, GB, MB } from '../../contract/bytes.ts'
import { pipelinePlanSchema, type PipelinePlan } from '../../contract/pipeline-report.ts'
import type { PipelineFile } from '../../contract/pipeline.ts'
import type { UnplacedFinding } from './pipeline-finding.ts'
import { capacityBytes, plannedMachine, type PlannedRoom, type ThisMachine } from './pipeline-machine.ts'
import { findRemarks } from './pipeline-remarks.ts'
import { sizeModels, type KnownModel, type SizedModel } from './pipeline-sizes.ts'
import { planReloads, planSteps, type PlannedStep } from './pipeline-steps.ts'

/** What a file comes to, and what is to be said of it. */
export type PlannedPipeline = { readonly plan: PipelinePlan; readonly findings: readonly UnplacedFinding[] }

/**
 * The dry run of a pipeline file: what is loaded with its bytes, how fast each step would be, what has to be loaded again in each turn, and
 * whether it fits. `known` is in the order of the file. Pure: nothing is loaded, and it does not log.
 */
export function planPipeline(
  file: PipelineFile,
  { known, here }: { readonly known: readonly KnownModel[]; readonly here: ThisMachine },
): PlannedPipeline {
  const planned = plannedMachine(file, here)
  const models = sizeModels(file, known, { planned, here })
  const fits = howItFits(models, planned.rooms)
  const fitsHere = planned.isHere ? fits : howItFits(models, here.rooms)
  const policy = file.memory?.eviction_policy ?? here.defaults.evictionPolicy
  const plain = planSteps(file, models, planned)
  const { steps, stuck, reloadsPerTurn, reloadBytesPerTurn } =
    fits === 'together'
      ? { steps: plain, stuck: [], reloadsPerTurn: 0, reloadBytesPerTurn: 0 }
      : planReloads(plain, { machine: planned, policy, models })
  // The schema takes out what only planning needs.
  const plan = pipelinePlanSchema.parse({
    machine: { name: planned.name, isHere: planned.isHere, bandwidth: planned.bandwidth },
    rooms: planned.rooms.map((room, index) => ({
      ...{ domain: room.id, name: room.name, totalBytes: room.totalBytes, reserveBytes: room.reserveBytes },
      capacityBytes: capacityBytes(room),
      usedBytes: models.reduce((sum, model) => sum + bytesIn(model, room), 0),
      grownBytes: models.reduce(
        (sum, model) => sum + bytesIn(model, room) + (index === 0 ? model.grownBytes - model.bytes : 0),
        0,
      ),
    })),
    ...{ fits, fitsHere },
    models,
    steps,
    ...{ reloadsPerTurn, reloadBytesPerTurn, turnSeconds: turnSeconds(steps) },
  })
  return {
    plan,
    findings: [
      ...tooLarge(models, planned.rooms),
      ...notTogether(plan, stuck, models),
      ...findRemarks(file, { planned, here, models, steps }),
    ],
  }
}

/** Of the steps of a turn, of alternatives the slowest; null where one is not known. */
function turnSeconds(steps: readonly PlannedStep[]): number | null {
  const usual = steps.filter(({ isRare }) => !isRare)
  if (usual.some(({ seconds }) => seconds === null)) return null
  const always = usual.filter(({ isAlternative }) => !isAlternative)
  const slowest = Math.max(
    0,
    ...usual.filter(({ isAlternative }) => isAlternative).map(({ seconds }) => seconds ?? 0),
  )
  return always.reduce((sum, { seconds }) => sum + (seconds ?? 0), slowest)
}

function bytesIn(model: SizedModel, room: PlannedRoom): number {
  return model.parts.reduce((sum, { domain, bytes }) => sum + (domain === room.id ? bytes : 0), 0)
}

/** On a machine of another kind all of a model is taken to be where models go first. */
function bytesOn(model: SizedModel, rooms: readonly PlannedRoom[], room: PlannedRoom): number {
  const isSame = model.parts.every(({ domain }) => rooms.some(({ id }) => id === domain))
  if (isSame) return bytesIn(model, room)
  return room === rooms[0] ? model.bytes : 0
}

function howItFits(models: readonly SizedModel[], rooms: readonly PlannedRoom[]): PipelinePlan['fits'] {
  const fits = (set: readonly SizedModel[]) =>
    rooms.every(
      (room) => set.reduce((sum, model) => sum + bytesOn(model, rooms, room), 0) <= capacityBytes(room),
    )
  if (fits(models)) return 'together'
  return models.every((model) => fits([model])) ? 'inTurns' : 'no'
}

function tooLarge(models: readonly SizedModel[], rooms: readonly PlannedRoom[]): UnplacedFinding[] {
  return models.flatMap((model, index): UnplacedFinding[] => {
    const room = rooms.find((each) => bytesIn(model, each) > capacityBytes(each))
    if (!room) return []
    const most = formatBytes(capacityBytes(room))
    const estimated = model.state !== 'usable'
    const asMegabytes = (model.bytes / GB) * MB
    const isMegabytes = estimated && model.bytes >= 256 * GB && asMegabytes <= capacityBytes(room)
    return [
      {
        ...{ severity: 'error', at: ['models', index, estimated ? 'estimated_footprint_gb' : 'path'] },
        message: `"${model.id}" needs ${formatBytes(bytesIn(model, room))} of ${room.name.toLowerCase()}, and models may have ${most}`,
        expected: `at most ${most}`,
        help: isMegabytes
          ? `If these are MB, write ${Number((asMegabytes / GB).toFixed(3))}`
          : 'A smaller quantization, a shorter "max_context" or a larger "total_gb" would help',
      },
    ]
  })
}

function notTogether(
  plan: PipelinePlan,
  stuck: readonly SizedModel[],
  models: readonly SizedModel[],
): UnplacedFinding[] {
  if (plan.fits !== 'inTurns') return []
  const [room] = plan.rooms
  if (!room) return []
  const facts = `The set needs ${formatBytes(room.usedBytes)}, and models may have ${formatBytes(room.capacityBytes)}`
  const [blocked] = stuck
  if (blocked)
    return [
      {
        ...{ severity: 'error', at: ['models', models.indexOf(blocked)], on: 'key' },
        message: `${facts}: beside pinned models "${blocked.id}" finds no room`,
        ...{
          expected: 'room for each model beside those that are pinned',
          help: 'Take "pinned" out somewhere',
        },
      },
    ]
  const loads =
    plan.reloadsPerTurn === 1 ? '1 model is' : `${Number(plan.reloadsPerTurn.toFixed(1))} models are`
  return [
    {
      ...{ severity: 'warning', at: ['models'] },
      message: `${facts}: ${loads} loaded again in each turn, ${formatBytes(plan.reloadBytesPerTurn)} from disk`,
      expected: `a set of at most ${formatBytes(room.capacityBytes)}`,
      help: `Save ${formatBytes(room.usedBytes - room.capacityBytes)}: a smaller quantization, a shorter "max_context", or one model less`,
    },
  ]
}
