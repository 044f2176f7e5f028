import type { Footprint } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { bytesByDomain } from './domain-bytes.ts'
import { withAdmissionMargin } from './footprint.ts'
import type { Lease } from './lease.ts'
import type { RoomRequest } from './planning.ts'
import type { ModelDescription } from './residency-state.ts'

/** Somebody who waits for a lease. */
export type Waiter = {
  readonly onWait: ((reason: string) => void) | undefined
  readonly resolve: (lease: Lease) => void
  readonly reject: (error: unknown) => void
}

/** A load that was asked for and those who wait for it: queued first, then carried out, once for all of them. */
export class LoadJob {
  readonly modelId: string
  readonly name: string
  readonly options: LoadOptions
  readonly weightBytes: number
  readonly predicted: Footprint
  /** What is reserved for it: the prediction with its margin. */
  readonly footprint: Footprint
  readonly room: RoomRequest
  /** Goes on from "Loaded". */
  readonly why: string
  readonly waiters = new Set<Waiter>()
  pinned: boolean
  /** Models that may not leave for it; all who wait for it have said so. */
  keep: ReadonlySet<string>
  /** Busy models whose room it waits for, and how often these were taken for use again meanwhile. */
  waitsFor: ReadonlySet<string> = new Set()
  overtaken = 0
  #reason = ''

  constructor(
    modelId: string,
    options: LoadOptions,
    how: {
      readonly description: ModelDescription
      readonly why: string
      readonly keep?: ReadonlySet<string>
    },
  ) {
    const { description, why, keep = new Set() } = how
    this.modelId = modelId
    this.name = description.name
    this.options = description.settle(options)
    this.why = why
    this.keep = keep
    this.weightBytes = description.weightBytes
    this.pinned = description.pinned
    this.predicted = description.footprint(this.options)
    this.footprint = withAdmissionMargin(this.predicted)
    this.room = roomRequest(modelId, this.options, description, this.footprint)
  }

  /** What it waits for, in plain words. */
  get reason(): string {
    return this.#reason
  }

  /** Tells all who wait what they wait for. True when that is news. */
  tell(reason: string): boolean {
    if (reason === this.#reason) return false
    this.#reason = reason
    for (const { onWait } of [...this.waiters]) onWait?.(reason)
    return true
  }

  rejectAll(error: Error): void {
    const waiters = [...this.waiters]
    this.waiters.clear()
    for (const { reject } of waiters) reject(error)
  }

  grantAll(lease: () => Lease): void {
    const waiters = [...this.waiters]
    this.waiters.clear()
    for (const { resolve } of waiters) resolve(lease())
  }
}

/** What planning has to know of a load: `footprint` is what it would reserve. */
export function roomRequest(
  modelId: string,
  options: LoadOptions,
  description: ModelDescription,
  footprint: Footprint,
): RoomRequest {
  return {
    modelId,
    name: description.name,
    neededBytes: bytesByDomain(footprint),
    contextTokens: description.contextTokens(options),
    neededWith: (changes) =>
      bytesByDomain(withAdmissionMargin(description.footprint({ ...options, ...changes }))),
  }
}
