import type { DraftFigures } from '../../contract/backend.ts'
import type { DraftKind, ModelFacts } from '../../contract/model.ts'

/** What drafting with one draft has come to for one model, over its answers; times in milliseconds. */
export type DraftRecord = {
  readonly proposedTokens: number
  readonly acceptedTokens: number
  /** Tokens written in steps with a draft, and what these and the drafts took. */
  readonly drafted: { readonly tokens: number; readonly ms: number }
  /** Tokens of the same answers that were written one by one. */
  readonly plain: { readonly tokens: number; readonly ms: number }
}

/** Fewer tokens than these say little about speed. */
const fewestDrafted = 48
const fewestPlain = 12
/** Drafting pays from this gain on: less is within what measuring is off. */
const leastGain = 1.03
/** A draft model also has to be worth its memory. */
const leastModelGain = 1.1
/** After so many answers without a draft it is tried again: other texts are guessed better. */
const retryAnswers = 24
/** A draft model has at most this share of the weights of the model that it drafts for. */
const mostWeights = 0.3
/** So many tokens of record are kept at full weight; older ones fade. */
const recordTokens = 4000

/** How many times as fast the steps with drafts were as those without: 2 is twice as fast. Null where too little was measured. */
export function draftGain(record: DraftRecord | null): number | null {
  if (!record || record.drafted.tokens + record.proposedTokens < fewestDrafted) return null
  const { drafted, plain } = record
  if (plain.tokens < fewestPlain || plain.ms <= 0 || drafted.ms <= 0) return null
  return ((drafted.tokens / drafted.ms) * plain.ms) / plain.tokens
}

/** Whether drafting has turned out to be faster; false where it is not known. */
export function draftPays(record: DraftRecord | null): boolean {
  return (draftGain(record) ?? 0) >= leastGain
}

/** A record with one more answer; the older ones weigh less when it is long. */
export function addToRecord(record: DraftRecord | null, figures: DraftFigures): DraftRecord {
  const before = record ?? noRecord
  const share = before.drafted.tokens + before.plain.tokens > recordTokens ? 0.5 : 1
  const sum = (one: number, other: number) => Math.round(one * share + other)
  const timed = (of: 'drafted' | 'plain') => ({
    tokens: sum(before[of].tokens, figures[of].tokens),
    ms: before[of].ms * share + figures[of].ms,
  })
  return {
    proposedTokens: sum(before.proposedTokens, figures.proposedTokens),
    acceptedTokens: sum(before.acceptedTokens, figures.acceptedTokens),
    drafted: timed('drafted'),
    plain: timed('plain'),
  }
}

const noRecord: DraftRecord = {
  ...{ proposedTokens: 0, acceptedTokens: 0 },
  ...{ drafted: { tokens: 0, ms: 0 }, plain: { tokens: 0, ms: 0 } },
}

/** Something that could draft for an answer, and what it has come to so far. */
export type DraftCandidate = { readonly kind: DraftKind; readonly record: DraftRecord | null }

/**
 * What drafts for the next answer; null: nothing does. 1. What has not been measured enough is tried, in the order of the candidates. 2. Of what pays,
 * the fastest. 3. Where nothing pays, the best is tried again after a while: `answersWithout` were written without a draft. Pure.
 */
export function chooseDraft(
  candidates: readonly DraftCandidate[],
  { answersWithout }: { readonly answersWithout: number },
): DraftKind | null {
  const measured = candidates.map(({ kind, record }) => ({ kind, gain: draftGain(record) }))
  const untried = measured.find(({ gain }) => gain === null)
  if (untried) return untried.kind
  const [best] = measured.toSorted((a, b) => (b.gain ?? 0) - (a.gain ?? 0))
  if (!best) return null
  return (best.gain ?? 0) >= leastGain || answersWithout >= retryAnswers ? best.kind : null
}

/** Whether a model is so small beside another that it may be worth drafting with. */
export function isMuchSmaller(
  draft: Pick<ModelFacts, 'weightBytes'>,
  target: Pick<ModelFacts, 'weightBytes'>,
): boolean {
  return draft.weightBytes <= mostWeights * target.weightBytes
}

/** Of draft models that were tried, the one that is loaded by itself: the fastest, if it is worth its memory. `lookup` is what costs none. */
export function chooseDraftModel<Model>(
  models: readonly { readonly model: Model; readonly record: DraftRecord | null }[],
  { lookup }: { readonly lookup: DraftRecord | null },
): Model | null {
  const least = Math.max(leastModelGain, (draftGain(lookup) ?? 1) * leastModelGain)
  const [best] = models
    .map(({ model, record }) => ({ model, gain: draftGain(record) ?? 0 }))
    .filter(({ gain }) => gain >= least)
    .toSorted((a, b) => b.gain - a.gain)
  return best?.model ?? null
}
