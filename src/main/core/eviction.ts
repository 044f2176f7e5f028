import type { DomainId, ResidentState } from '../../contract/memory.ts'
import type { Settings } from '../../contract/settings.ts'
import { domainIds, type DomainBytes } from './domain-bytes.ts'

/** Which idle models leave first: by cost of coming back, least recently used, or least often used. */
export type EvictionPolicy = Settings['evictionPolicy']

/** A model with a reservation, as far as eviction cares. */
export type EvictionCandidate = {
  readonly modelId: string
  readonly state: ResidentState
  readonly pinned: boolean
  readonly leases: number
  /** What leaving frees. */
  readonly bytes: DomainBytes
  readonly weightBytes: number
  /** Measured at its last load; null before one. */
  readonly loadBytesPerSecond: number | null
  /** Tokens in its KV caches, which would have to be read again. */
  readonly usedTokens: number
  /** Times it was taken for use, and when last (ms). */
  readonly accesses: number
  readonly lastUsedAt: number
}

/** Who leaves, in policy order. */
export type EvictionPlan<Candidate extends EvictionCandidate = EvictionCandidate> = {
  readonly leaving: readonly Candidate[]
}

/** What has to be free, and what is. `freeBytes` may be below zero where other programs took more than was left. */
export type EvictionNeed = {
  readonly neededBytes: DomainBytes
  readonly freeBytes: DomainBytes
  /** The model that room is made for: it never leaves. */
  readonly exclude?: string
}

export type EvictionOrder<Candidate extends EvictionCandidate = EvictionCandidate> = {
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
 * Finds idle models whose leaving makes room in every domain, or null when there are not enough. Never a pinned,
 * leased or loading model, nor the excluded one. Nobody in the plan could stay: after choosing in policy order, those
 * that turn out not to be needed are dropped, most valuable first. Pure; must not log; called speculatively.
 */
export function planEviction<Candidate extends EvictionCandidate>(
  input: EvictionOrder<Candidate> & EvictionNeed,
): EvictionPlan<Candidate> | null {
  return createEvictionPlanner(input)(input)
}

/**
 * `planEviction` for many needs against the same residents: they are ranked once for each set of short domains, so
 * that previews of a whole library cost little. The same guarantees.
 */
export function createEvictionPlanner<Candidate extends EvictionCandidate>(
  order: EvictionOrder<Candidate>,
): (need: EvictionNeed) => EvictionPlan<Candidate> | null {
  const mayLeave = order.candidates.filter(isEvictable)
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
    if (domains.length === 0) return { leaving: [] }

    const key = domains.join()
    let ranking = rankings.get(key)
    if (!ranking) rankings.set(key, (ranking = rank(mayLeave, domains, order)))
    if (exceeds(missing, ranking.totals)) return null

    const chosen: Ranked<Candidate>[] = []
    for (const ranked of ranking.order) {
      if (ranked.candidate.modelId === exclude || !helps(ranked.freed, missing)) continue
      chosen.push(ranked)
      subtract(missing, ranked.freed)
      if (isCovered(missing)) return { leaving: dropUnneeded(chosen, missing) }
    }
    return null
  }
}

/** A candidate and what it frees in each of the short domains. */
type Ranked<Candidate> = { readonly candidate: Candidate; readonly freed: readonly number[] }

/** First to leave comes first; `totals` is what all of them together free in each short domain. */
type Ranking<Candidate> = { readonly order: readonly Ranked<Candidate>[]; readonly totals: readonly number[] }

/** Whether policy may choose this model at all. */
export function isEvictable(candidate: EvictionCandidate): boolean {
  return candidate.state === 'ready' && !candidate.pinned && candidate.leases === 0
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
function dropUnneeded<Candidate>(
  chosen: readonly Ranked<Candidate>[],
  missing: readonly number[],
): Candidate[] {
  const spare = missing.map((bytes) => -bytes)
  const leaving: Candidate[] = []
  for (const { candidate, freed } of chosen.toReversed()) {
    if (exceeds(freed, spare)) leaving.push(candidate)
    else subtract(spare, freed)
  }
  return leaving.reverse()
}

/** Ties go by model id, so that a plan can be repeated. */
function rank<Candidate extends EvictionCandidate>(
  candidates: readonly Candidate[],
  domains: readonly DomainId[],
  { policy, now }: EvictionOrder,
): Ranking<Candidate> {
  const order = candidates
    .map((candidate) => ({
      candidate,
      freed: domains.map((domain) => candidate.bytes[domain] ?? 0),
      keys: rankingKeys(candidate, domains, policy, now),
    }))
    .sort(
      (a, b) =>
        a.keys[0] - b.keys[0] ||
        a.keys[1] - b.keys[1] ||
        (a.candidate.modelId < b.candidate.modelId ? -1 : 1),
    )
  const totals = domains.map((_, index) => order.reduce((sum, { freed }) => sum + (freed[index] ?? 0), 0))
  return { order, totals }
}

function rankingKeys(
  candidate: EvictionCandidate,
  domains: readonly DomainId[],
  policy: EvictionPolicy,
  now: number,
): readonly [number, number] {
  switch (policy) {
    case 'lru':
      return [candidate.lastUsedAt, 0]
    case 'lru_access':
      return [candidate.accesses, candidate.lastUsedAt]
    case 'cost':
      return [worthOfKeeping(candidate, domains, now), candidate.lastUsedAt]
    default:
      return policy satisfies never
  }
}

/** Seconds that coming back would cost, for each byte freed where it is needed, halved with every `idleHalfMs` of idleness (harmonically, so that nothing falls to zero). */
function worthOfKeeping(candidate: EvictionCandidate, domains: readonly DomainId[], now: number): number {
  const reloadSeconds = candidate.weightBytes / (candidate.loadBytesPerSecond ?? assumedLoadBytesPerSecond)
  const rebuildSeconds = (candidate.usedTokens * candidate.weightBytes) / assumedPrefillByteTokensPerSecond
  const idleness = 1 + Math.max(0, now - candidate.lastUsedAt) / idleHalfMs
  let freedBytes = 0
  for (const domain of domains) freedBytes += candidate.bytes[domain] ?? 0
  return freedBytes === 0 ? Infinity : (reloadSeconds + rebuildSeconds) / freedBytes / idleness
}
