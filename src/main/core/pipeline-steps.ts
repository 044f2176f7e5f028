import type { Figure, PipelinePlan } from '../../contract/pipeline-report.ts'
import type { PipelineFile, PipelineStep } from '../../contract/pipeline.ts'
import { subtractBytes, sumOfDomains, type DomainBytes } from './domain-bytes.ts'
import { decodeTokensPerSecond } from './fit.ts'
import { capacityBytes, type PlannedMachine } from './pipeline-machine.ts'
import { labelsOf } from './pipeline-rules.ts'
import type { SizedModel } from './pipeline-sizes.ts'
import { Planning, type PoolMember } from './planning.ts'
import type { EvictionPolicy } from './relief.ts'

/** A step with its model. `index`: where the file has it; null for one that goes without saying. */
export type PlannedStep = PipelinePlan['steps'][number] & {
  readonly index: number | null
  readonly model: SizedModel
}

const usualAnswerTokens = { route: 1, answer: 250, verify: 40, repair: 250 } as const
const usualPromptTokens = 1000

/** The steps of a usual turn, with their models and how fast they are there. Pure. */
export function planSteps(
  file: PipelineFile,
  models: readonly SizedModel[],
  machine: PlannedMachine,
): PlannedStep[] {
  const steps = file.steps?.map((step, index) => ({ ...step, ...explicit, index })) ?? usualSteps(file)
  let answerer: string | undefined
  return steps.flatMap((step): PlannedStep[] => {
    const id = whoTakes(step, file, answerer)
    const model = models.find((each) => each.id === id)
    if (!model) return []
    if (step.step === 'answer') answerer = model.id
    const promptTokens =
      step.prompt_tokens ?? Math.min(usualPromptTokens, Math.floor(model.contextTokens / 2))
    const answerTokens =
      step.answer_tokens ??
      Math.max(1, Math.min(usualAnswerTokens[step.step], model.contextTokens - promptTokens))
    const tokensPerSecond = decodingOf(model, machine, promptTokens + answerTokens / 2)
    const firstTokenMs = firstTokenOf(model, machine, promptTokens)
    return [
      {
        ...{ step: step.step, modelId: model.id, promptTokens, answerTokens },
        label: step.label ?? (step.isAlternative ? step.labels.join(', ') : null),
        ...{ requests: step.requests ?? 1, tokensPerSecond, firstTokenMs, reload: null, model },
        index: step.index,
        isAlternative: step.isAlternative,
        seconds:
          tokensPerSecond && firstTokenMs
            ? firstTokenMs.value / 1000 + answerTokens / tokensPerSecond.value
            : null,
        isRare: step.step === 'repair' && file.runtime?.early_stopping !== false,
      },
    ]
  })
}

/** Which models are loaded in every turn, once turns follow each other, because not all fit in together. Pure. */
export function planReloads(
  steps: readonly PlannedStep[],
  {
    machine,
    policy,
    models,
  }: {
    readonly machine: PlannedMachine
    readonly policy: EvictionPolicy
    readonly models: readonly SizedModel[]
  },
): {
  readonly steps: PlannedStep[]
  readonly reloadsPerTurn: number
  readonly reloadBytesPerTurn: number
  readonly stuck: readonly SizedModel[]
} {
  const residents = new Map<string, PoolMember>()
  const stuck = new Set<SizedModel>()
  let free: DomainBytes = Object.fromEntries(machine.rooms.map((room) => [room.id, capacityBytes(room)]))
  let now = 0
  const take = (model: SizedModel): PlannedStep['reload'] => {
    now += 60_000
    const here = residents.get(model.id)
    if (here) {
      residents.set(model.id, { ...here, accesses: here.accesses + 1, lastUsedAt: now })
      return null
    }
    const neededBytes = bytesOf(model)
    const plan = new Planning({
      ...{ members: [...residents.values()], freeBytes: free, policy, now },
    }).planNow(neededBytes, model.id)
    if (!plan) {
      stuck.add(model)
      return null
    }
    for (const leaver of plan.leaving) {
      residents.delete(leaver.modelId)
      free = subtractBytes(free, negative(leaver.bytes))
    }
    free = subtractBytes(free, neededBytes)
    residents.set(model.id, member(model, now))
    return { bytes: model.bytes, leaving: plan.leaving.map(({ modelId }) => modelId) }
  }
  // All are loaded as the file has them; after some turns what happens repeats itself.
  for (const model of models) take(model)
  const alternatives = steps.filter(({ isAlternative }) => isAlternative)
  const kinds = Math.max(1, alternatives.length)
  const isTaken = (step: PlannedStep, round: number) =>
    !step.isRare && (!step.isAlternative || alternatives[round % kinds] === step)
  const loads = steps.map((): NonNullable<PlannedStep['reload']>[] => [])
  for (let round = 0; round < (settlingTurns + 1) * kinds; round++)
    for (const [index, step] of steps.entries()) {
      const reload = isTaken(step, round) ? take(step.model) : null
      if (reload && round >= settlingTurns * kinds) loads[index]?.push(reload)
    }
  const all = loads.flat()
  return {
    steps: steps.map((step, index) => ({ ...step, reload: loads[index]?.at(-1) ?? null })),
    reloadsPerTurn: all.length / kinds,
    reloadBytesPerTurn: all.reduce((sum, { bytes }) => sum + bytes, 0) / kinds,
    stuck: [...stuck],
  }
}

const settlingTurns = 6
/** Steps that the file names all belong to every turn. */
const explicit: { readonly isAlternative: boolean; readonly labels: readonly string[] } = {
  ...{ isAlternative: false, labels: [] },
}

/** Without steps in the file: route, each model that answers, and verify, as far as somebody does. */
function usualSteps(file: PipelineFile): (PipelineStep & typeof explicit & { readonly index: null })[] {
  const { models } = file
  const routerId = routerOf(file)
  const verifierId = verifierOf(file)
  const drafts = new Set(models.map(({ draft }) => draft))
  const answers = models.filter(
    (model) =>
      labelsOf(model).length > 0 ||
      (model.id !== routerId && model.id !== verifierId && !drafts.has(model.id)),
  )
  const step = (kind: PipelineStep['step'], model?: string) => ({
    ...{ step: kind, index: null, ...explicit },
    ...(model !== undefined && { model }),
  })
  return [
    ...(routerId === undefined ? [] : [step('route', routerId)]),
    ...answers.map((model) => ({
      ...step('answer', model.id),
      isAlternative: labelsOf(model).length > 0,
      labels: labelsOf(model),
    })),
    ...(verifierId === undefined ? [] : [step('verify', verifierId), step('repair')]),
  ]
}

function whoTakes(step: PipelineStep, file: PipelineFile, answerer: string | undefined): string | undefined {
  if (step.model !== undefined) return step.model
  const { label } = step
  if (label !== undefined) return file.models.find((model) => labelsOf(model).includes(label))?.id
  switch (step.step) {
    case 'route':
      return routerOf(file)
    case 'verify':
      return verifierOf(file)
    case 'repair':
      return file.verifier?.repair_by ?? answerer
    case 'answer':
      return undefined
    default:
      return step.step satisfies never
  }
}

/** Who sorts requests; undefined: nobody. */
export function routerOf({ router, models }: PipelineFile): string | undefined {
  return router?.model ?? models.find(({ role }) => role?.routes === true)?.id
}

/** Who checks answers; undefined: nobody. */
export function verifierOf({ verifier, models }: PipelineFile): string | undefined {
  return verifier?.model ?? models.find(({ role }) => role?.verifies === true)?.id
}

function decodingOf(model: SizedModel, machine: PlannedMachine, tokens: number): Figure | null {
  const { decodingSpeed } = model.known
  if (machine.isHere && decodingSpeed !== null)
    return { value: decodingSpeed, source: 'measured', from: 'measured here' }
  const { bandwidth } = machine
  if (!bandwidth || model.readBytes === 0) return null
  // An estimate of the whole has its KV cache in it.
  const kvBytes = model.state === 'usable' ? (model.kvBytesPerToken?.value ?? 0) * tokens : 0
  return {
    ...bandwidth,
    value: decodeTokensPerSecond({
      ...{ bytesPerSecond: bandwidth.value, weightBytes: model.readBytes, kvBytes },
    }),
  }
}

function firstTokenOf(model: SizedModel, machine: PlannedMachine, promptTokens: number): Figure | null {
  const { readingSpeed } = model.known
  if (machine.isHere && readingSpeed !== null)
    return { value: (promptTokens / readingSpeed) * 1000, source: 'measured', from: 'reading measured here' }
  const { operations, bandwidth } = machine
  if (!operations || model.parameters === 0) return null
  const computing = (promptTokens * 2 * model.parameters) / operations.value
  // The weights are read once at least.
  const reading = bandwidth ? model.readBytes / bandwidth.value : 0
  return { ...operations, value: Math.max(computing, reading) * 1000 }
}

function bytesOf(model: SizedModel): DomainBytes {
  return model.parts.reduce<Record<string, number>>(
    (bytes, part) => ({ ...bytes, [part.domain]: (bytes[part.domain] ?? 0) + part.bytes }),
    {},
  )
}

function negative(bytes: DomainBytes): DomainBytes {
  return subtractBytes({}, bytes)
}

function member(model: SizedModel, now: number): PoolMember {
  const bytes = bytesOf(model)
  return {
    ...{ modelId: model.id, name: model.name, state: 'ready', pinned: model.pinned, leases: 0, bytes },
    ...{ weightBytes: sumOfDomains(bytes), loadBytesPerSecond: null, prefillTokensPerSecond: null },
    ...{ usedTokens: 0, idleKv: [], accesses: 1, lastUsedAt: now },
  }
}
