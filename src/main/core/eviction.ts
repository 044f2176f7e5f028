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
export type EvictionPlan = { readonly leaving: readonly EvictionCandidate[] }

/** What has to be free, and what is. `freeBytes` may be below zero where other programs took more than was left. */
export type EvictionNeed = {
  readonly neededBytes: DomainBytes
  readonly freeBytes: DomainBytes
  /** The model that room is made for: it never leaves. */
  readonly exclude?: string
}

export type EvictionOrder = {
  readonly candidates: readonly EvictionCandidate[]
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
export function planEviction(input: EvictionOrder & EvictionNeed): EvictionPlan | null {
  return createEvictionPlanner(input)(input)
}

/**
 * `planEviction` for many needs against the same residents: they are ranked once for each set of short domains, so
 * that previews of a whole library cost little. The same guarantees.
 */
export function createEvictionPlanner(order: EvictionOrder): (need: EvictionNeed) => EvictionPlan | null {
  const mayLeave = order.candidates.filter(isEvictable)
  const rankings = new Map<string, readonly EvictionCandidate[]>()

  return function plan({ neededBytes, freeBytes, exclude }) {
    const short: { readonly domain: DomainId; readonly bytes: number }[] = []
    for (const domain of domainIds) {
      const needed = neededBytes[domain] ?? 0
      const bytes = needed - (freeBytes[domain] ?? 0)
      if (needed > 0 && bytes > 0) short.push({ domain, bytes })
    }
    if (short.length === 0) return { leaving: [] }

    const domains = short.map(({ domain }) => domain)
    const key = domains.join()
    let ranking = rankings.get(key)
    if (!ranking) rankings.set(key, (ranking = rank(mayLeave, domains, order)))

    const missing = short.map(({ bytes }) => bytes)
    const chosen: EvictionCandidate[] = []
    for (const candidate of ranking) {
      if (missing.every((bytes) => bytes <= 0)) break
      if (candidate.modelId === exclude) continue
      if (domains.every((domain, index) => freed(candidate, domain) === 0 || (missing[index] ?? 0) <= 0))
        continue
      chosen.push(candidate)
      for (const [index, domain] of domains.entries())
        missing[index] = (missing[index] ?? 0) - freed(candidate, domain)
    }
    if (missing.some((bytes) => bytes > 0)) return null
    return { leaving: dropUnneeded(chosen, domains, missing) }
  }
}

/** Whether policy may choose this model at all. */
export function isEvictable(candidate: EvictionCandidate): boolean {
  return candidate.state === 'ready' && !candidate.pinned && candidate.leases === 0
}

/** `missing` is at most zero in every domain: what would be freed beyond need. */
function dropUnneeded(
  chosen: readonly EvictionCandidate[],
  domains: readonly DomainId[],
  missing: readonly number[],
): EvictionCandidate[] {
  const spare = missing.map((bytes) => -bytes)
  const leaving = [...chosen]
  for (let index = leaving.length - 1; index >= 0; index--) {
    const candidate = leaving[index]
    if (!candidate || domains.some((domain, at) => freed(candidate, domain) > (spare[at] ?? 0))) continue
    leaving.splice(index, 1)
    for (const [at, domain] of domains.entries()) spare[at] = (spare[at] ?? 0) - freed(candidate, domain)
  }
  return leaving
}

/** First to leave comes first; ties go by model id, so that a plan can be repeated. */
function rank(
  candidates: readonly EvictionCandidate[],
  domains: readonly DomainId[],
  { policy, now }: EvictionOrder,
): EvictionCandidate[] {
  const keyed = candidates.map((candidate) => ({
    candidate,
    keys: rankingKeys(candidate, domains, policy, now),
  }))
  keyed.sort(
    (a, b) =>
      a.keys[0] - b.keys[0] || a.keys[1] - b.keys[1] || (a.candidate.modelId < b.candidate.modelId ? -1 : 1),
  )
  return keyed.map(({ candidate }) => candidate)
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
  for (const domain of domains) freedBytes += freed(candidate, domain)
  return freedBytes === 0 ? Infinity : (reloadSeconds + rebuildSeconds) / freedBytes / idleness
}

function freed(candidate: EvictionCandidate, domain: DomainId): number {
  return candidate.bytes[domain] ?? 0
}
