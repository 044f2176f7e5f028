import { formatBytes } from '../../contract/bytes.ts'
import type { Problem, Remedy } from '../../contract/errors.ts'
import type { DomainId } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { domainIds, sumOfDomains, type DomainBytes } from './domain-bytes.ts'
import {
  createReliefPlanner,
  isEvictable,
  type ReliefCandidate,
  type ReliefNeed,
  type ReliefOrder,
  type ReliefPlan,
} from './relief.ts'

/** A model with a reservation, as planning sees it. */
export type PoolMember = ReliefCandidate & { readonly name: string }

/** Who of the pool leaves, and which KV caches are given back. */
export type PoolPlan = ReliefPlan<PoolMember>

/** What room is asked for. */
export type RoomRequest = {
  readonly modelId: string
  readonly name: string
  /** What it would have to reserve, and the context size in tokens that this is for. */
  readonly neededBytes: DomainBytes
  readonly contextTokens: number
  /** What it would have to reserve with other options. */
  neededWith(options: Pick<LoadOptions, 'contextTokens' | 'kvType'>): DomainBytes
}

/** Advice longer than this helps nobody. */
const mostRemedies = 5
/** A context below this is of no use. */
const shortestContextTokens = 256

/**
 * The pool at one moment, for working out who would have to leave, whether waiting would help, and what the user could
 * do. Pure: made from a copy of the facts, changes nothing, does not log. Cheap to ask many times.
 */
export class Planning {
  readonly #members: readonly PoolMember[]
  readonly #freeBytes: DomainBytes
  readonly #order: Pick<ReliefOrder, 'policy' | 'now'>
  #planners: Partial<Record<'now' | 'later' | 'unpinned', (need: ReliefNeed) => PoolPlan | null>> = {}
  #evictableBytes: DomainBytes | null = null

  /** `freeBytes`: room for reservations, counting what is being given back; below zero where others took more than was left. */
  constructor(
    pool: { readonly members: readonly PoolMember[]; readonly freeBytes: DomainBytes } & Pick<
      ReliefOrder,
      'policy' | 'now'
    >,
  ) {
    this.#members = pool.members
    this.#freeBytes = pool.freeBytes
    this.#order = { policy: pool.policy, now: pool.now }
  }

  /** Who has to leave now; null when those who may do not make room. */
  planNow(neededBytes: DomainBytes, exclude: string): PoolPlan | null {
    this.#planners.now ??= createReliefPlanner({ ...this.#order, candidates: this.#members })
    return this.#planners.now({ neededBytes, freeBytes: this.#freeBytes, exclude })
  }

  /** Who would have to leave once those that are busy or loading are done; null when that would not do either. */
  planLater(neededBytes: DomainBytes, exclude: string): PoolPlan | null {
    this.#planners.later ??= createReliefPlanner({
      ...this.#order,
      candidates: this.#members.map(whenIdle),
    })
    return this.#planners.later({ neededBytes, freeBytes: this.#freeBytes, exclude })
  }

  /** The busy or loading models of a plan of `planLater`. */
  blockers(plan: PoolPlan): PoolMember[] {
    const touched = new Set(
      [...plan.leaving, ...plan.relieved.map((step) => step.candidate)].map(({ modelId }) => modelId),
    )
    return this.#members.filter((member) => touched.has(member.modelId) && !isEvictable(member))
  }

  /** The problem of a request for which neither evicting nor waiting makes room. */
  refusal(request: RoomRequest): Problem {
    const { facts, details } = this.#shortage(request)
    return { code: 'NO_ROOM', message: `Cannot load "${request.name}": ${facts}`, details }
  }

  /** What the user could do so that a request need not wait for others to be done; each is enough. */
  waitSavers(request: RoomRequest): readonly Remedy[] {
    const { remedies, areAlternatives } = this.remedies(request)
    return areAlternatives ? remedies.filter(({ kind }) => kind !== 'wait') : []
  }

  /** The problem of a model that turned out to take more than was reserved for it, with no room for the rest. */
  misfit(request: RoomRequest, measuredBytes: DomainBytes): Problem {
    const neededBytes = sumOfDomains(measuredBytes)
    const reserved = formatBytes(sumOfDomains(request.neededBytes))
    const freeBytes = Math.max(0, sumOfDomains(this.#freeBytes))
    const facts = `takes ${formatBytes(neededBytes)}, ${reserved} was reserved and ${formatBytes(freeBytes)} more is free`
    return {
      code: 'NO_ROOM',
      message: `Cannot keep "${request.name}" in memory: ${facts}`,
      details: {
        help: 'Unload another model, or load it with a shorter context',
        ...{ modelId: request.modelId, neededBytes, freeBytes },
      },
    }
  }

  /**
   * What the user could do, most helpful first. Where one act is enough, only such acts; otherwise those that are
   * needed together. A smaller form of the request is offered when it is enough by itself.
   */
  remedies(request: RoomRequest): {
    readonly remedies: readonly Remedy[]
    readonly areAlternatives: boolean
  } {
    const missing = this.#missing(request)
    const blocked = this.#members.filter(
      (member) =>
        member.modelId !== request.modelId &&
        !isEvictable(member) &&
        member.isKept !== true &&
        freesIn(member, missing) > 0,
    )
    const sufficient = blocked
      .filter((member) => domainIds.every((id) => (missing[id] ?? 0) <= (member.bytes[id] ?? 0)))
      .sort((a, b) => freesIn(a, missing) - freesIn(b, missing))
    const smaller = this.#smaller(request)
    const areAlternatives = sufficient.length > 0 || smaller.length > 0
    const acts = areAlternatives ? sufficient : this.#neededTogether(request)
    const remedies = acts.slice(0, mostRemedies).map((member) => remedyFor(member))
    return { remedies: [...remedies, ...smaller], areAlternatives }
  }

  #neededTogether({ neededBytes, modelId }: RoomRequest): readonly PoolMember[] {
    this.#planners.unpinned ??= createReliefPlanner({
      ...this.#order,
      candidates: this.#members.map((member) => ({ ...whenIdle(member), pinned: false })),
    })
    const plan = this.#planners.unpinned({ neededBytes, freeBytes: this.#freeBytes, exclude: modelId })
    return plan ? this.blockers(plan) : []
  }

  /**
   * Forms of the request that fit beside those who cannot leave: a shorter context, and a q8_0 KV cache where it can be had. That one
   * comes with a shorter context only where it has to, and then only when the context may be longer than without it.
   */
  #smaller(request: RoomRequest): readonly Remedy[] {
    const { name, contextTokens } = request
    const saved = (bytes: DomainBytes) => sumOfDomains(request.neededBytes) - sumOfDomains(bytes)
    const shorter = this.#longestFitting(request, 'asAsked')
    const remedies: Remedy[] = []
    if (shorter)
      remedies.push({
        kind: 'shorten',
        name,
        freesBytes: saved(shorter.bytes),
        contextTokens: shorter.tokens,
      })
    const whole = request.neededWith({ kvType: 'q8_0' })
    // It saves nothing where the cache is q8_0 already, or cannot be.
    if (saved(whole) <= 0) return remedies
    const quantized = this.#fits(request, whole)
      ? { tokens: contextTokens, bytes: whole }
      : this.#longestFitting(request, 'q8_0')
    if (quantized && quantized.tokens > (shorter?.tokens ?? 0))
      remedies.push({
        ...{ kind: 'kvType', name, freesBytes: saved(quantized.bytes) },
        ...(quantized.tokens < contextTokens && { contextTokens: quantized.tokens }),
      })
    return remedies
  }

  /** The longest shorter context that fits, as a power of two, found by halving: what is needed only grows with it. */
  #longestFitting(
    request: RoomRequest,
    kvType: 'asAsked' | 'q8_0',
  ): { readonly tokens: number; readonly bytes: DomainBytes } | null {
    let tokens = 2 ** Math.ceil(Math.log2(Math.max(1, request.contextTokens))) / 2
    for (; tokens >= shortestContextTokens; tokens /= 2) {
      const bytes = request.neededWith({ contextTokens: tokens, ...(kvType === 'q8_0' && { kvType }) })
      if (this.#fits(request, bytes)) return { tokens, bytes }
    }
    return null
  }

  #fits(request: RoomRequest, neededBytes: DomainBytes): boolean {
    return Object.keys(this.#missing({ ...request, neededBytes })).length === 0
  }

  /** What is missing by domain when everybody who may leave has left; only domains where something is. */
  #missing({ neededBytes, modelId }: RoomRequest): DomainBytes {
    const evictable = (this.#evictableBytes ??= sumOf(this.#members.filter(isEvictable)))
    const own = this.#members.find((member) => member.modelId === modelId && isEvictable(member))?.bytes
    const missing: Partial<Record<DomainId, number>> = {}
    for (const id of domainIds) {
      const needed = neededBytes[id] ?? 0
      const bytes = needed - (this.#freeBytes[id] ?? 0) - (evictable[id] ?? 0) + (own?.[id] ?? 0)
      if (needed > 0 && bytes > 0) missing[id] = bytes
    }
    return missing
  }

  #shortage(request: RoomRequest) {
    const missing = this.#missing(request)
    const domains = Object.keys(this.#freeBytes)
    const [first = 'unified'] = domainIds
      .filter((id) => domains.includes(id))
      .sort((a, b) => (missing[b] ?? 0) - (missing[a] ?? 0))
    const neededBytes = request.neededBytes[first] ?? 0
    const freeBytes = Math.max(0, this.#freeBytes[first] ?? 0)
    const freeable = this.#evictableBytes?.[first] ?? 0
    const kind = domains.length > 1 ? ` of ${first === 'vram' ? 'VRAM' : 'RAM'}` : ''
    const { remedies, areAlternatives } = this.remedies(request)
    return {
      facts:
        `needs ${formatBytes(neededBytes)}${kind}, ${formatBytes(freeBytes)} is free` +
        (freeable > 0 ? ` and ${formatBytes(freeable)} more can be made free` : ''),
      details: {
        help: helpOf(remedies, areAlternatives),
        modelId: request.modelId,
        neededBytes,
        freeBytes,
        remedies: [...remedies],
      },
    }
  }
}

function whenIdle(member: PoolMember): PoolMember {
  return { ...member, leases: 0, state: 'ready' }
}

/** Pinned and idle: unpinning lets it leave. Pinned and busy: only unloading it frees anything. Else it will be done some time. */
function remedyFor({ modelId, name, pinned, state, bytes }: PoolMember): Remedy {
  const kind = !pinned ? 'wait' : state === 'ready' ? 'unpin' : 'unload'
  return { kind, modelId, name, freesBytes: sumOfDomains(bytes) }
}

function freesIn({ bytes }: PoolMember, missing: DomainBytes): number {
  return domainIds.reduce((sum, id) => sum + (missing[id] === undefined ? 0 : (bytes[id] ?? 0)), 0)
}

function sumOf(members: readonly PoolMember[]): DomainBytes {
  const sum: Partial<Record<DomainId, number>> = {}
  for (const { bytes } of members) {
    for (const id of domainIds) if (bytes[id] !== undefined) sum[id] = (sum[id] ?? 0) + bytes[id]
  }
  return sum
}

function helpOf(remedies: readonly Remedy[], areAlternatives: boolean): string {
  if (remedies.length === 0) return 'A smaller model or a larger pool is needed'
  const acts = remedies.map(({ kind, name, freesBytes, contextTokens }) => {
    switch (kind) {
      case 'unpin':
        return `unpin "${name}" (frees ${formatBytes(freesBytes)})`
      case 'wait':
        return `wait for "${name}" (frees ${formatBytes(freesBytes)})`
      case 'unload':
        return `unload "${name}" (frees ${formatBytes(freesBytes)})`
      case 'shorten':
        return `use a context of ${grouped(contextTokens ?? 0)} tokens (saves ${formatBytes(freesBytes)})`
      case 'kvType': {
        const context =
          contextTokens === undefined ? '' : ` and a context of ${grouped(contextTokens)} tokens`
        return `use a q8_0 KV cache${context} (saves ${formatBytes(freesBytes)})`
      }
      default:
        return kind satisfies never
    }
  })
  const sentence = acts.join(areAlternatives ? ', or ' : ', and ')
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

/** "32,768". The host's `toLocaleString` says the same and takes a hundred times as long. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
