import { formatBytes } from '../../contract/bytes.ts'
import type { TurnPlan } from '../../contract/memory.ts'
import { joinNames } from '../library/preview-text.ts'

/** A plan in words: "Guide is resident; Coder loads first (12.4 MB); nobody leaves". */
export function describePlan({ models, rounds, leaving }: TurnPlan): string {
  const named = (kind: TurnPlan['models'][number]['kind']) => models.filter((model) => model.kind === kind)
  const residents = named('resident')
  const loads = named('loads')
  const refused = named('refused')
  const parts: string[] = []
  if (residents.length === models.length && models.length > 1)
    parts.push(`All ${String(models.length)} are resident`)
  else if (residents.length > 0)
    parts.push(
      `${joinNames(residents.map(({ name }) => name))} ${residents.length === 1 ? 'is' : 'are'} resident`,
    )
  if (loads.length > 0) {
    const bytes = loads.reduce((sum, model) => sum + model.bytes, 0)
    const each = joinNames(loads.map(({ name }) => name))
    parts.push(`${each} ${loads.length === 1 ? 'loads' : 'load'} first (${formatBytes(bytes)})`)
  }
  if (rounds > 1) parts.push(`not all fit at once: ${roundsText(models, rounds)}`)
  const asked = new Set(models.map(({ modelId }) => modelId))
  const others = [
    ...new Map(
      leaving.filter(({ modelId }) => !asked.has(modelId)).map((each) => [each.modelId, each.name]),
    ).values(),
  ]
  if (others.length > 0) parts.push(`${joinNames(others)} ${others.length === 1 ? 'leaves' : 'leave'}`)
  else if (loads.length > 0 && rounds === 1) parts.push('nobody leaves')
  for (const { name, problem } of refused) parts.push(problem?.message ?? `${name} cannot be loaded`)
  const text = parts.join('; ')
  return text === '' ? '' : text.charAt(0).toUpperCase() + text.slice(1)
}

/** "Guide answers, then Coder". */
function roundsText(models: TurnPlan['models'], rounds: number): string {
  const names = Array.from({ length: rounds }, (_, round) =>
    joinNames(
      models.filter((model) => model.round === round && model.kind !== 'refused').map(({ name }) => name),
    ),
  )
  const [first = '', ...others] = names.filter((name) => name !== '')
  return [`${first} first`, ...others.map((name) => `then ${name}`)].join(', ')
}
