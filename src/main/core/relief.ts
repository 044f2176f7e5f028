import type { DomainId, ResidentState } from '../../contract/memory.ts'
import type { Settings } from '../../contract/settings.ts'
import { domainIds, subtractBytes, type DomainBytes } from './domain-bytes.ts'

/** Which idle models leave first: by cost of coming back, least recently used, or least often used. */
export type EvictionPolicy = Settings['evictionPolicy']

/** A KV cache that nobody uses now, or the part of it that can be given back. */
export type IdleKv = {
  /** Which one, for the effects. */
  readonly id: string
  /**
   * What giving it back does: `shrink` loses nothing that was read, `park` keeps it on disk, after `drop` it is read again.
   */
  readonly kind: 'shrink' | 'park' | 'drop'
  /** What it frees. */
  readonly bytes: DomainBytes
  /** Tokens that a `drop` loses. */
  readonly tokens: number
  /** When it was last used (ms); 0 for a spare one, which nobody misses. */
  readonly lastUsedAt: number
}

/** A model with a reservation, as far as relief cares. */
export type ReliefCandidate = {
  readonly modelId: string
  readonly state: ResidentState
  readonly pinned: boolean
  /** It may not leave for the load that is planned. Default: it may. */
  readonly isKept?: boolean
  readonly leases: number
  /** What leaving frees. */
  readonly bytes: DomainBytes
  readonly weightBytes: number
  /** Measured at its last load; null before one. */
  readonly loadBytesPerSecond: number | null
  /** Measured at its last longer prefill; null before one. */
  readonly prefillTokensPerSecond: number | null
  /** Tokens in its KV caches, which would have to be read again. */
  readonly usedTokens: number
  /** What of that can be given back without it leaving. */
  readonly idleKv: readonly IdleKv[]
  /** Times it was taken for use, and when last (ms). */
  readonly accesses: number
  readonly lastUsedAt: number
}

/** KV caches to give back, cheapest first, and who leaves, in policy order. */
export type ReliefPlan<Candidate extends ReliefCandidate = ReliefCandidate> = {
  readonly relieved: readonly KvStep<Candidate>[]
  readonly leaving: readonly Candidate[]
}

/** A KV cache to give back, and whose it is. */
type KvStep<Candidate extends ReliefCandidate = ReliefCandidate> = {
  readonly candidate: Candidate
  readonly kv: IdleKv
}

/** What has to be free, and what is. `freeBytes` may be below zero where other programs took more than was left. */
export type ReliefNeed = {
  readonly neededBytes: DomainBytes
  readonly freeBytes: DomainBytes
  /** The model that room is made for: it never leaves. */
  readonly exclude?: string
}

export type ReliefOrder<Candidate extends ReliefCandidate = ReliefCandidate> = {
  readonly candidates: readonly Candidate[]
  readonly policy: EvictionPolicy
  /** Milliseconds since 1970, for idleness. */
  readonly now: number
}

/** Assumed speed of reading weights where none was measured: a plain NVMe drive, in bytes a second. */
const assumedLoadBytesPerSecond = 1e9
/**
 * Assumed speed of prefill as weight bytes × tokens a second: 40 GB of weights at 25 tokens a second, somewhere between
 * the CPU and the GPU of a machine with unified memory. It sets how reading again compares with loading again.
 */
const assumedPrefillByteTokensPerSecond = 1e12
/** A model that was idle for this long is half as worth keeping. */
const idleHalfMs = 10 * 60_000

/**
 * Finds what makes room in every domain, cheapest first: shrink or park idle KV caches, then drop such as can be read
 * again, then let idle models leave; or null when all that is not enough. With the policy `cost` dropping and leaving
 * compete by their cost for each byte. Never touches a pinned, leased or loading model, nor the excluded one. No step
 * of the plan could be spared: those that turn out not to be needed are taken back, most valuable first. Pure; must not
 * log; called speculatively.
 */
export function planRelief<Candidate extends ReliefCandidate>(
  input: ReliefOrder<Candidate> & ReliefNeed,
): ReliefPlan<Candidate> | null {
  return createReliefPlanner(input)(input)
}

/**
 * `planRelief` for many needs against the same residents: their steps are ranked once for each set of short domains, so
 * that previews of a whole library cost little. The same guarantees.
 */
export function createReliefPlanner<Candidate extends ReliefCandidate>(
  order: ReliefOrder<Candidate>,
): (need: ReliefNeed) => ReliefPlan<Candidate> | null {
  const idle = order.candidates.filter(isEvictable)
  const rankings = new Map<string, Ranking<Candidate>>()

  return function plan({ neededBytes, freeBytes, exclude }) {
    const domains: DomainId[] = []
    const missing: number[] = []
    for (const domain of domainIds) {
      const needed = neededBytes[domain] ?? 0
      const bytes = needed - (freeBytes[domain] ?? 0)
      if (needed <= 0 || bytes <= 0) continue
      domains.push(domain)
      missing.push(bytes)
    }
    if (domains.length === 0) return { relieved: [], leaving: [] }

    const key = domains.join()
    let ranking = rankings.get(key)
    if (!ranking) rankings.set(key, (ranking = rank(idle, domains, order)))
    if (exceeds(missing, ranking.totals)) return null

    const chosen: Ranked<Candidate>[] = []
    /** What the KV steps chosen so far free of each model: its leaving frees only the rest. */
    const relieved = new Map<string, number[]>()
    const leaving = new Set<string>()
    for (const { candidate, kv, freed: whole } of ranking.order) {
      const { modelId } = candidate
      if (modelId === exclude || leaving.has(modelId)) continue
      const taken = relieved.get(modelId)
      const freed = kv || !taken ? whole : whole.map((bytes, index) => bytes - (taken[index] ?? 0))
      if (!helps(freed, missing)) continue
      chosen.push({ candidate, kv, freed })
      subtract(missing, freed)
      if (kv)
        relieved.set(modelId, taken ? taken.map((bytes, index) => bytes + (freed[index] ?? 0)) : [...freed])
      else leaving.add(modelId)
      if (isCovered(missing)) return dropUnneeded(chosen, missing)
    }
    return null
  }
}

/**
 * Idle KV caches to give back because the pool is nearly full: those of models that may leave and that were not used
 * since `idleSince` (ms), cheapest first, until `excessBytes` are covered or there are no more. Pure.
 */
export function planPressureRelief<Candidate extends ReliefCandidate>(
  order: ReliefOrder<Candidate>,
  { excessBytes, idleSince }: { readonly excessBytes: DomainBytes; readonly idleSince: number },
): readonly KvStep<Candidate>[] {
  const idleFor = ({ lastUsedAt }: IdleKv) => lastUsedAt <= idleSince
  return chooseKv(order, { bytes: excessBytes, mayTake: (_, kv) => idleFor(kv) }).steps
}

/**
 * Idle KV caches of other models that make room for one that grows, cheapest first; null when all of them are not enough. No model leaves for
 * that: an answer can go on in the context that it has, and what loading the other one again costs nobody has asked for. Pure.
 */
export function planGrowthRelief<Candidate extends ReliefCandidate>(
  order: ReliefOrder<Candidate>,
  { neededBytes, freeBytes, exclude }: ReliefNeed,
): readonly KvStep<Candidate>[] | null {
  const mayTake = ({ modelId }: Candidate) => modelId !== exclude
  const missingBytes = subtractBytes(neededBytes, freeBytes)
  const { steps, isEnough } = chooseKv(order, { bytes: onlyNeeded(missingBytes, neededBytes), mayTake })
  return isEnough ? steps : null
}

/** Idle KV caches of models that may leave, cheapest first, until so many bytes are covered or there are no more. */
function chooseKv<Candidate extends ReliefCandidate>(
  order: ReliefOrder<Candidate>,
  {
    bytes,
    mayTake,
  }: { readonly bytes: DomainBytes; readonly mayTake: (candidate: Candidate, kv: IdleKv) => boolean },
): { readonly steps: readonly KvStep<Candidate>[]; readonly isEnough: boolean } {
  const domains = domainIds.filter((id) => (bytes[id] ?? 0) > 0)
  const missing = domains.map((id) => bytes[id] ?? 0)
  const steps: KvStep<Candidate>[] = []
  for (const { candidate, kv, freed } of rank(order.candidates.filter(isEvictable), domains, order).order) {
    if (!kv || !mayTake(candidate, kv) || !helps(freed, missing)) continue
    steps.push({ candidate, kv })
    subtract(missing, freed)
  }
  return { steps, isEnough: isCovered(missing) }
}

/** What is missing where something is needed at all. */
function onlyNeeded(missing: DomainBytes, needed: DomainBytes): DomainBytes {
  return Object.fromEntries(Object.entries(missing).filter(([id]) => (needed[id as DomainId] ?? 0) > 0))
}

/** A step, and what it frees in each of the short domains: a KV cache given back, or with no `kv` the whole model leaving. */
type Ranked<Candidate> = {
  readonly candidate: Candidate
  readonly kv: IdleKv | null
  readonly freed: readonly number[]
}

/** First step to take comes first; `totals` is what all models together free in each short domain. */
type Ranking<Candidate> = { readonly order: readonly Ranked<Candidate>[]; readonly totals: readonly number[] }

/** Whether policy may choose this model at all. */
export function isEvictable(candidate: ReliefCandidate): boolean {
  return (
    candidate.state === 'ready' && !candidate.pinned && candidate.leases === 0 && candidate.isKept !== true
  )
}

function isCovered(missing: readonly number[]): boolean {
  return missing.every((bytes) => bytes <= 0)
}

function exceeds(missing: readonly number[], freed: readonly number[]): boolean {
  return missing.some((bytes, index) => bytes > (freed[index] ?? 0))
}

/** Whether leaving would free anything in a domain where something is still missing. */
function helps(freed: readonly number[], missing: readonly number[]): boolean {
  return missing.some((bytes, index) => bytes > 0 && (freed[index] ?? 0) > 0)
}

function subtract(amounts: number[], freed: readonly number[]): void {
  for (let index = 0; index < amounts.length; index++)
    amounts[index] = (amounts[index] ?? 0) - (freed[index] ?? 0)
}

/** `missing` is at most zero in every domain: what would be freed beyond need. */
function dropUnneeded<Candidate extends ReliefCandidate>(
  chosen: readonly Ranked<Candidate>[],
  missing: readonly number[],
): ReliefPlan<Candidate> {
  const spare = missing.map((bytes) => -bytes)
  const relieved: KvStep<Candidate>[] = []
  const leaving: Candidate[] = []
  for (const { candidate, kv, freed } of chosen.toReversed()) {
    // Its model leaves, and the KV cache with it.
    if (kv && leaving.includes(candidate)) continue
    if (!exceeds(freed, spare)) subtract(spare, freed)
    else if (kv) relieved.push({ candidate, kv })
    else leaving.push(candidate)
  }
  return { relieved: relieved.reverse(), leaving: leaving.reverse() }
}

/** Ties go by model id, so that a plan can be repeated. */
function rank<Candidate extends ReliefCandidate>(
  candidates: readonly Candidate[],
  domains: readonly DomainId[],
  order: ReliefOrder,
): Ranking<Candidate> {
  const freedBy = (bytes: DomainBytes) => domains.map((domain) => bytes[domain] ?? 0)
  const models = candidates.map((candidate) => ({
    ...{ candidate, kv: null, freed: freedBy(candidate.bytes) },
    keys: modelKeys(candidate, domains, order),
  }))
  const caches = candidates.flatMap((candidate) =>
    candidate.idleKv.map((kv) => ({
      ...{ candidate, kv, freed: freedBy(kv.bytes) },
      keys: kvKeys(candidate, { kv, domains, order }),
    })),
  )
  const ranked = [...caches, ...models].sort(
    (a, b) =>
      a.keys[0] - b.keys[0] ||
      a.keys[1] - b.keys[1] ||
      a.keys[2] - b.keys[2] ||
      (a.candidate.modelId < b.candidate.modelId ? -1 : a.candidate.modelId > b.candidate.modelId ? 1 : 0),
  )
  const totals = domains.map((_, index) => models.reduce((sum, { freed }) => sum + (freed[index] ?? 0), 0))
  return { order: ranked, totals }
}

/** The rung of the ladder, then what orders the steps on it. */
type Keys = readonly [rung: number, number, number]

function modelKeys(
  candidate: ReliefCandidate,
  domains: readonly DomainId[],
  { policy, now }: ReliefOrder,
): Keys {
  switch (policy) {
    case 'lru':
      return [2, candidate.lastUsedAt, 0]
    case 'lru_access':
      return [2, candidate.accesses, candidate.lastUsedAt]
    case 'cost': {
      const { weightBytes, loadBytesPerSecond, usedTokens, bytes, lastUsedAt } = candidate
      const reloadSeconds = weightBytes / (loadBytesPerSecond ?? assumedLoadBytesPerSecond)
      const seconds = reloadSeconds + rebuildSeconds(candidate, usedTokens)
      return [1, worthOfKeeping({ seconds, bytes, lastUsedAt }, domains, now), lastUsedAt]
    }
    default:
      return policy satisfies never
  }
}

function kvKeys(
  candidate: ReliefCandidate,
  {
    kv,
    domains,
    order: { policy, now },
  }: { readonly kv: IdleKv; readonly domains: readonly DomainId[]; readonly order: ReliefOrder },
): Keys {
  const { bytes, lastUsedAt } = kv
  // Shrinking and parking cost milliseconds: the ones that were not used for longest go first.
  if (kv.kind !== 'drop') return [0, lastUsedAt, 0]
  if (policy !== 'cost') return [1, lastUsedAt, 0]
  const seconds = rebuildSeconds(candidate, kv.tokens)
  return [1, worthOfKeeping({ seconds, bytes, lastUsedAt }, domains, now), lastUsedAt]
}

/** How long reading tokens again would take. */
function rebuildSeconds({ weightBytes, prefillTokensPerSecond }: ReliefCandidate, tokens: number): number {
  return prefillTokensPerSecond === null
    ? (tokens * weightBytes) / assumedPrefillByteTokensPerSecond
    : tokens / prefillTokensPerSecond
}

/** Seconds that coming back would cost, for each byte freed where it is needed, halved with every `idleHalfMs` of idleness (harmonically, so that nothing falls to zero). */
function worthOfKeeping(
  { seconds, bytes, lastUsedAt }: { seconds: number; bytes: DomainBytes; lastUsedAt: number },
  domains: readonly DomainId[],
  now: number,
): number {
  const idleness = 1 + Math.max(0, now - lastUsedAt) / idleHalfMs
  let freedBytes = 0
  for (const domain of domains) freedBytes += bytes[domain] ?? 0
  return freedBytes === 0 ? Infinity : seconds / freedBytes / idleness
}
