import { formatBytes } from '../../contract/bytes.ts'
import { AppError } from '../../contract/errors.ts'
import type { Domain, DomainId, Footprint } from '../../contract/memory.ts'
import { bytesByDomain, type DomainBytes } from './domain-bytes.ts'

/** What a domain may share out, in bytes. The reserve is never given to models. */
export type DomainCapacity = {
  readonly id: DomainId
  readonly name: string
  readonly totalBytes: number
  readonly reserveBytes: number
}

type Account = { capacity: DomainCapacity; usedBytes: number; otherBytes: number }

/**
 * The one authority on who holds how much of the pool. Synchronous and exact: reservations are whole bytes, never
 * negative, and in no domain do they come to more than total − reserve. Nothing is granted in part.
 */
export class Ledger {
  readonly #accounts = new Map<DomainId, Account>()
  readonly #reservations = new Map<string, Footprint>()

  constructor(domains: readonly DomainCapacity[]) {
    this.replaceDomains(domains)
  }

  /** Starts again with other domains, once it is known which there are. Only while nothing is reserved. */
  replaceDomains(domains: readonly DomainCapacity[]): void {
    if (this.#reservations.size > 0) {
      throw new AppError('INTERNAL', 'Cannot replace the domains of the pool: memory is reserved in them')
    }
    this.#accounts.clear()
    for (const domain of domains) {
      this.#accounts.set(domain.id, { capacity: checkCapacity(domain), usedBytes: 0, otherBytes: 0 })
    }
  }

  /** Reserves a footprint for a model that has none. False, and nothing changes, when it does not fit. */
  reserve(modelId: string, footprint: Footprint): boolean {
    if (this.#reservations.has(modelId)) {
      throw new AppError('INTERNAL', `Cannot reserve memory for "${modelId}": it has a reservation`)
    }
    return this.#replace(modelId, footprint)
  }

  /** Replaces a model's reservation. False, and nothing changes, when it has none or the growth does not fit. Less always fits. */
  resize(modelId: string, footprint: Footprint): boolean {
    return this.#reservations.has(modelId) && this.#replace(modelId, footprint)
  }

  /** Gives a model's reservation back. Harmless when there is none. */
  release(modelId: string): void {
    const footprint = this.#reservations.get(modelId)
    if (!footprint) return
    this.#reservations.delete(modelId)
    for (const part of footprint) this.#account(part.domain).usedBytes -= part.bytes
  }

  /** What a model has reserved; empty without a reservation. */
  footprintOf(modelId: string): Footprint {
    return this.#reservations.get(modelId) ?? []
  }

  /** Models with a reservation. */
  modelIds(): string[] {
    return [...this.#reservations.keys()]
  }

  /** Tells what other programs hold inside of the pool. Reservations stand, but new ones must fit beside it. */
  setOther(domain: DomainId, bytes: number): void {
    this.#account(domain).otherBytes = wholeBytes(bytes)
  }

  /** Changes what a domain may share out. False, and nothing changes, when the reservations are more than that. */
  setCapacity(capacity: DomainCapacity): boolean {
    const account = this.#account(capacity.id)
    const checked = checkCapacity(capacity)
    if (account.usedBytes > shareable(checked)) return false
    account.capacity = checked
    return true
  }

  /** Whether a footprint could be reserved now, in place of what this model has. */
  fits(modelId: string, footprint: Footprint): boolean {
    const before = bytesByDomain(this.footprintOf(modelId))
    const after = bytesByDomain(normalize(footprint))
    for (const part of footprint) {
      const account = this.#account(part.domain)
      const growth = (after[part.domain] ?? 0) - (before[part.domain] ?? 0)
      if (growth > 0 && growth > room(account)) return false
    }
    return true
  }

  /**
   * Room for new reservations by domain. Below zero where other programs took what was granted: so much has to be
   * given back before anything fits. (`freeBytes` of `domains()` stops at zero.)
   */
  room(): DomainBytes {
    const bytes: Partial<Record<DomainId, number>> = {}
    for (const [id, account] of this.#accounts) bytes[id] = room(account)
    return bytes
  }

  /** The room there would be with no reservations at all. */
  capacity(): DomainBytes {
    const bytes: Partial<Record<DomainId, number>> = {}
    for (const [id, account] of this.#accounts) bytes[id] = room(account) + account.usedBytes
    return bytes
  }

  /** The domains for the snapshot. In each, total = reserve + other + used + free, exactly; other is shown as far as it fits. */
  domains(): Domain[] {
    return Array.from(this.#accounts.values(), ({ capacity, usedBytes, otherBytes }) => {
      const left = shareable(capacity) - usedBytes
      const shown = Math.min(otherBytes, left)
      return { ...capacity, otherBytes: shown, usedBytes, freeBytes: left - shown }
    })
  }

  #replace(modelId: string, footprint: Footprint): boolean {
    if (!this.fits(modelId, footprint)) return false
    this.release(modelId)
    const reservation = normalize(footprint)
    this.#reservations.set(modelId, reservation)
    for (const part of reservation) this.#account(part.domain).usedBytes += part.bytes
    return true
  }

  #account(domain: DomainId): Account {
    const account = this.#accounts.get(domain)
    if (!account)
      throw new AppError('INTERNAL', `Cannot account for memory in "${domain}": the pool has no such domain`)
    return account
  }
}

function shareable(capacity: DomainCapacity): number {
  return capacity.totalBytes - capacity.reserveBytes
}

function room(account: Account): number {
  return shareable(account.capacity) - account.otherBytes - account.usedBytes
}

function checkCapacity({ id, name, totalBytes, reserveBytes }: DomainCapacity): DomainCapacity {
  const total = wholeBytes(totalBytes)
  return { id, name, totalBytes: total, reserveBytes: Math.min(total, wholeBytes(reserveBytes)) }
}

/** Whole bytes, so that sums are exact: fractions count as a byte. */
function normalize(footprint: Footprint): Footprint {
  return footprint.map((part) => ({ ...part, bytes: wholeBytes(part.bytes) }))
}

function wholeBytes(bytes: number): number {
  const whole = Math.ceil(bytes)
  if (!Number.isSafeInteger(whole) || bytes < 0) {
    throw new AppError(
      'INTERNAL',
      `Cannot account for ${Number.isFinite(bytes) ? formatBytes(bytes) : String(bytes)} of memory`,
    )
  }
  return whole
}
