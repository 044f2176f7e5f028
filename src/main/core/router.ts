import { formatShare, type RouteAlternative, type RoutingDecision } from '../../contract/routing.ts'
import type { LabelProbability } from './route-examples.ts'
import { wordsOf } from './route-examples.ts'

/** A model that could answer. */
export type RouteCandidate = {
  readonly modelId: string
  readonly name: string
  /** Names of the labels that it answers. */
  readonly labels: readonly string[]
  readonly isResident: boolean
  /** Expected seconds to a finished answer, loading and reading included; null where nothing is known of its speed. */
  readonly seconds: number | null
  /** Why it cannot be loaded, in plain words; null: it can, or is there. */
  readonly refusal: string | null
  /** Who would have to leave memory for it. */
  readonly leaving: readonly string[]
}

/** What a decision is made from. */
export type RouteFacts = {
  readonly text: string
  /** They add up to 1. */
  readonly labels: readonly LabelProbability[]
  readonly candidates: readonly RouteCandidate[]
  /** Who answered the turn before, or else was chosen for this one. A candidate, or a model without labels. */
  readonly current: Omit<RouteCandidate, 'labels'>
  /** The turn before, and its label where that is known; null: this is the first. */
  readonly previous: { readonly label: string | null } | null
}

/** Who answers, and why. */
export type Route = Pick<RoutingDecision, 'kind' | 'label' | 'reason' | 'alternatives'> & {
  readonly modelId: string
}

/** The router is unsure below this probability of the likeliest label, or with the next one less than this behind. */
const sureProbability = 0.5
const sureMargin = 0.15
/** So sure it has to be that another model is loaded while one in memory could answer, and if another one has to leave for that. */
const loadProbability = 0.7
const evictProbability = 0.85
/** So sure it has to be that a message which goes on from the turn before leaves its topic all the same. */
const newTopicProbability = 0.95
/** A model that has to be loaded goes before one in memory when it is done this much sooner, and in half the time. */
const worthwhileSeconds = 10

/** Begin messages that go on from what was said. */
const connectives = new Set(
  'and but or also so then now again why how more another instead und oder et ou y o e mais pero aber warum pourquoi porque'.split(
    ' ',
  ),
)
const connectivePairs = [
  'what about',
  'how about',
  'what if',
  'and what',
  'and how',
  'and why',
  'try again',
  'once more',
]
/** Words that only point back. */
const pointers = new Set('it that this them those these one please'.split(' '))
/** A message with more words beside those that point back has a topic of its own. */
const mostFollowUpWords = 3

/** How many words a message adds where it goes on from the turn before ("and in Python?"); null where it stands for itself. */
export function followUpWords(text: string): number | null {
  const words = wordsOf(text)
  const [first = '', second = ''] = words
  const opening = connectivePairs.includes(`${first} ${second}`) ? 2 : connectives.has(first) ? 1 : 0
  if (opening === 0) return null
  const added = words.slice(opening).filter((word) => !pointers.has(word)).length
  return added <= mostFollowUpWords ? added : null
}

/**
 * Decides who answers from what the router has said. Pure.
 * 1. A message that goes on from the turn before stays with its model, unless the router is all but certain of another label.
 * 2. So does one of which the router is unsure.
 * 3. Else a model of the likeliest label: the current one; one in memory; the one that is done first. One that has to be loaded only when the router is
 *    sure enough, or nobody in memory can answer, or when it is done so much sooner that loading is worth it.
 * 4. Where no model of that label can be had, the current one; where that cannot be had, a model of the next label.
 */
export function decideRoute(facts: RouteFacts): Route {
  const { candidates, current, previous } = facts
  const previousLabel = previous?.label ?? null
  const labels = byProbability(facts.labels)
  const [top, next] = labels
  const isUsable = current.refusal === null
  if (!top) return keep(facts, { label: previousLabel, reason: 'no model has a label' })

  // 1.
  const added = previous === null ? null : followUpWords(facts.text)
  const staysOnTopic =
    added !== null && (added === 0 || top.name === previousLabel || top.probability < newTopicProbability)
  if (staysOnTopic && isUsable)
    return keep(facts, {
      label: previousLabel,
      reason: `The message goes on from the turn before: ${quoted(current.name)} stays`,
    })
  // 2.
  const isUnsure =
    top.probability < sureProbability || top.probability - (next?.probability ?? 0) < sureMargin
  if (isUnsure && isUsable && (current.isResident || !candidates.some(({ isResident }) => isResident))) {
    const label = candidates.find(({ modelId }) => modelId === current.modelId)?.labels
    return keep(facts, {
      label: labels.find(({ name }) => label?.includes(name))?.name ?? null,
      reason: `Not sure (${described(top)}${next ? `, ${described(next)}` : ''}): ${quoted(current.name)} stays`,
    })
  }
  // 3.
  const chosen = bestOf(facts, top)
  if (chosen) return follow(facts, { candidate: chosen, label: top })
  // 4.
  if (isUsable && (current.isResident || !labels.some((label) => bestOf(facts, label))))
    return keep(facts, {
      label: null,
      reason: `${described(top)}, but ${whyNobody(facts, top)}: ${quoted(current.name)} stays`,
    })
  for (const label of labels.slice(1)) {
    const candidate = bestOf(facts, label)
    if (candidate)
      return follow(facts, { candidate, label, because: `${described(top)}, but ${whyNobody(facts, top)}` })
  }
  return keep(facts, { label: null, reason: `${described(top)}, but ${whyNobody(facts, top)}` })
}

/** The best model of a label; null when none can be had, or loading one is not worth it. */
function bestOf({ candidates, current }: RouteFacts, label: LabelProbability): RouteCandidate | null {
  const usable = candidates.filter(({ labels, refusal }) => labels.includes(label.name) && refusal === null)
  const isSomebodyThere = current.isResident || candidates.some(({ isResident }) => isResident)
  const order = (a: RouteCandidate, b: RouteCandidate) =>
    Number(b.isResident) - Number(a.isResident) ||
    Number(b.modelId === current.modelId) - Number(a.modelId === current.modelId) ||
    // Two unknown times give NaN, which counts as the same.
    (a.seconds ?? Infinity) - (b.seconds ?? Infinity) ||
    a.leaving.length - b.leaving.length
  const sorted = usable.toSorted(order)
  const [best] = sorted
  if (!best) return null
  if (best.isResident) {
    const sooner = usable
      .filter((cold) => !cold.isResident && isWorthLoading(cold, best) && isSureEnough(cold, label))
      .toSorted((a, b) => (a.seconds ?? Infinity) - (b.seconds ?? Infinity))[0]
    return sooner ?? best
  }
  return !isSomebodyThere ? best : (sorted.find((cold) => isSureEnough(cold, label)) ?? null)
}

function isSureEnough({ leaving }: RouteCandidate, { probability }: LabelProbability): boolean {
  return probability >= (leaving.length > 0 ? evictProbability : loadProbability)
}

function isWorthLoading(cold: RouteCandidate, resident: RouteCandidate): boolean {
  if (cold.seconds === null || resident.seconds === null) return false
  return resident.seconds - cold.seconds >= worthwhileSeconds && cold.seconds * 2 <= resident.seconds
}

function keep(facts: RouteFacts, { label, reason }: { label: string | null; reason: string }): Route {
  const { modelId } = facts.current
  const alternatives = describeAll(facts, { modelId, label, why: 'The conversation stays with its model' })
  return { kind: 'kept', modelId, label, reason, alternatives }
}

function follow(
  facts: RouteFacts,
  { candidate, label, because }: { candidate: RouteCandidate; label: LabelProbability; because?: string },
): Route {
  const { modelId, name, isResident, leaving } = candidate
  const leavers =
    leaving.length > 0 ? `, for which ${leaving.map(quoted).join(' and ')} may have to leave` : ''
  const place = isResident ? '' : `, which has to be loaded${leavers}`
  const reason = `${because ?? described(label)}: ${quoted(name)}${place}`
  const alternatives = describeAll(facts, { modelId, label: label.name, why: null })
  return { kind: 'routed', modelId, label: label.name, reason, alternatives }
}

/** Each candidate under the likeliest of its labels, the chosen one under the one that was followed. */
function describeAll(
  { candidates, current, labels }: RouteFacts,
  chosen: { readonly modelId: string; readonly label: string | null; readonly why: string | null },
): RouteAlternative[] {
  const sorted = byProbability(labels)
  const winner = candidates.find(({ modelId }) => modelId === chosen.modelId) ?? current
  const described = candidates.map((candidate): readonly [number, RouteAlternative] => {
    const { modelId, name, isResident, seconds } = candidate
    const isChosen = modelId === chosen.modelId
    const own = sorted.find((each) => candidate.labels.includes(each.name))
    const serves = chosen.label !== null && candidate.labels.includes(chosen.label)
    const label = (serves ? chosen.label : (own?.name ?? candidate.labels[0])) ?? ''
    const at = isChosen ? -1 : sorted.findIndex((each) => each.name === label)
    const whyNot = isChosen ? null : whyNotOf(candidate, { winner, serves, own, why: chosen.why })
    return [at, { modelId, name, label, isResident, seconds, whyNot }]
  })
  return described.sort(([a], [b]) => a - b).map(([, alternative]) => alternative)
}

function whyNotOf(
  { refusal, isResident, seconds, leaving }: RouteCandidate,
  {
    winner,
    serves,
    own,
    why,
  }: {
    readonly winner: Omit<RouteCandidate, 'labels'>
    readonly serves: boolean
    readonly own: LabelProbability | undefined
    readonly why: string | null
  },
): string {
  if (refusal !== null) return refusal
  if (why !== null) return why
  if (!serves) {
    if (!own) return 'Answers other requests'
    const room = isResident
      ? ''
      : leaving.length > 0
        ? ', and others would have to leave'
        : ', and it has to be loaded'
    return `${described(own)} is less likely${isResident ? '' : room}`
  }
  if (!isResident && winner.isResident) return 'Has to be loaded'
  if (seconds !== null && winner.seconds !== null && seconds > winner.seconds)
    return `Would take ${aboutSeconds(seconds - winner.seconds)} longer`
  return `${quoted(winner.name)} goes before it`
}

function whyNobody({ candidates }: RouteFacts, label: LabelProbability): string {
  const own = candidates.filter(({ labels }) => labels.includes(label.name))
  const refused = own.filter(({ refusal }) => refusal !== null)
  if (own.length > 0 && refused.length === own.length)
    return `${own.map(({ name }) => quoted(name)).join(' and ')} cannot be loaded`
  if (own.length === 0) return 'no model answers such requests'
  return `not sure enough to load ${quoted(own.find(({ refusal }) => refusal === null)?.name ?? '')}`
}

function byProbability(labels: readonly LabelProbability[]): LabelProbability[] {
  return labels.toSorted((a, b) => b.probability - a.probability)
}

function described({ name, probability }: LabelProbability): string {
  return `${name} (${formatShare(probability)})`
}

function aboutSeconds(seconds: number): string {
  return seconds < 1 ? 'less than a second' : `about ${String(Math.round(seconds))} s`
}

function quoted(name: string): string {
  return `"${name}"`
}

/** What an answer of a model takes. */
export type AnswerCost = {
  /** 0 for a model that is in memory; null: nobody knows. */
  readonly loadSeconds: number | null
  /** What it has to read. */
  readonly promptTokens: number
  readonly readTokensPerSecond: number | null
  readonly answerTokens: number
  readonly writeTokensPerSecond: number | null
}

/** Seconds to a finished answer: loading, reading and writing; null where a speed is not known. */
export function predictSeconds(cost: AnswerCost): number | null {
  const { loadSeconds, promptTokens, readTokensPerSecond, answerTokens, writeTokensPerSecond } = cost
  if (loadSeconds === null || readTokensPerSecond === null || writeTokensPerSecond === null) return null
  return loadSeconds + promptTokens / readTokensPerSecond + answerTokens / writeTokensPerSecond
}
