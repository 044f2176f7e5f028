import type { Answer, Turn } from '../../contract/conversation.ts'
import { formatShare, type RouteAlternative, type RoutingDecision } from '../../contract/routing.ts'
import { formatDuration } from '../ui/format.ts'

/** A decision in one line, around the name of the model that answered: "Auto chose ", "Coder", ": code 93 %". Pure. */
export type DecisionWords = { readonly before: string; readonly name: string; readonly after: string }

/** Who was chosen and why, in one line. Pure. */
export function decisionWords(decision: RoutingDecision, modelName: string): DecisionWords {
  const { kind, labels, label } = decision
  switch (kind) {
    case 'routed': {
      const followed = labels.find(({ name }) => name === label)
      const why = followed ? `: ${labelText(followed)}` : label === null ? '' : `: ${label}`
      return { before: 'Auto chose ', name: modelName, after: why }
    }
    case 'kept':
      return { before: 'Stayed with ', name: modelName, after: keptWhy(decision, modelName) }
    case 'fallback':
      return { before: `${fallbackWhy(decision, modelName)}: `, name: modelName, after: ' answered' }
    default:
      return kind satisfies never
  }
}

/** The same as one text. Pure. */
export function decisionText(decision: RoutingDecision, modelName: string): string {
  const { before, name, after } = decisionWords(decision, modelName)
  return `${before}${name}${after}`
}

/** Unsure: the labels that were close. Else the reason, as far as it does not say again who stays. */
function keptWhy({ labels, reason }: RoutingDecision, modelName: string): string {
  const [first, second] = labels
  const isUnsure =
    first !== undefined &&
    second !== undefined &&
    (first.probability < 0.5 || first.probability - second.probability < 0.15)
  if (isUnsure) return `: the router was unsure (${labelText(first)}, ${labelText(second)})`
  const why = withoutEnding(reason, `: "${modelName}" stays`)
  return why === null ? '' : `: ${why.charAt(0).toLowerCase()}${why.slice(1)}`
}

/** Why nobody sorted the message. */
function fallbackWhy({ reason }: RoutingDecision, modelName: string): string {
  return withoutEnding(reason, `: "${modelName}" answers`)?.replaceAll('"', '') ?? 'No router'
}

function withoutEnding(text: string, ending: string): string | null {
  return text.endsWith(ending) ? text.slice(0, -ending.length) : null
}

/** Whether the line says all that the decision's reason does. Pure. */
export function isSaidBy({ kind, reason }: RoutingDecision, modelName: string): boolean {
  return (
    (kind === 'routed' && reason.endsWith(`: "${modelName}"`)) ||
    (kind === 'fallback' && reason.endsWith(`: "${modelName}" answers`))
  )
}

/** "code 93 %". Pure. */
function labelText({ name, probability }: RoutingDecision['labels'][number]): string {
  return `${name} ${formatShare(probability)}`
}

/** Who sorted the message, and how long that took. Pure. */
export function routerWords({ routerName, ms }: RoutingDecision): string {
  return routerName === null
    ? `Nobody sorted the message (${formatDuration(ms)})`
    : `Sorted by ${routerName} in ${formatDuration(ms)}`
}

/** What is known of a model that could have answered: "code · resident · about 3.1 s". Pure. */
export function alternativeFacts({ label, isResident, seconds }: RouteAlternative): string {
  return [
    label,
    isResident ? 'resident' : 'not in memory',
    ...(seconds === null ? [] : [`about ${formatDuration(seconds * 1000)}`]),
  ].join(' · ')
}

/** The models that could have answered instead, each once, in the decision's order. Pure. */
export function otherModels(
  { alternatives }: RoutingDecision,
  modelId: string,
): readonly { readonly modelId: string; readonly name: string }[] {
  const others = new Map(alternatives.map((each) => [each.modelId, each.name]))
  others.delete(modelId)
  return [...others].map(([id, name]) => ({ modelId: id, name }))
}

/** The answer of the same turn whose model Auto had chosen and that the user overruled with this one; null where Auto was not overruled. Pure. */
export function overruledAnswer(answer: Answer, turn: Turn): Answer | null {
  if (answer.routing || answer.repairsAnswerId !== undefined) return null
  return turn.answers.findLast(({ routing }) => routing?.overruledBy?.modelId === answer.modelId) ?? null
}
