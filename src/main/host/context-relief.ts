import { blocksOf } from '../core/context-growth.ts'
import { footprintBytes } from '../core/domain-bytes.ts'
import type { IdleKv } from '../core/relief.ts'
import type { ContextMemory } from './context-memory.ts'
import type { ContextParking } from './context-parking.ts'
import type { ContextRoom } from './context-room.ts'
import type { Context } from './live-context.ts'

/** What relief needs to claim contexts and to end them. */
type Claims = {
  /** Claims the idle context among the wanted ones that was used longest ago; null when there is none. */
  readonly claimIdle: (isWanted: (context: Context) => boolean) => Context | null
  readonly release: (context: Context) => void
  /** Without another try to park it. */
  readonly releaseQuietly: (context: Context) => void
  /** Closes a claimed context; the bytes that came free. */
  readonly close: (context: Context) => Promise<number>
}

/** What the idle contexts of one model can give back: nothing of what a conversation has read is lost where it can be kept. */
export class ContextRelief {
  /** All contexts that there are, as they come and go. */
  readonly #contexts: readonly Context[]
  readonly #memory: ContextMemory
  readonly #parking: ContextParking
  readonly #room: ContextRoom
  readonly #claims: Claims

  constructor(options: {
    readonly contexts: readonly Context[]
    readonly memory: ContextMemory
    readonly parking: ContextParking
    readonly room: ContextRoom
    readonly claims: Claims
  }) {
    this.#contexts = options.contexts
    this.#memory = options.memory
    this.#parking = options.parking
    this.#room = options.room
    this.#claims = options.claims
  }

  /**
   * What can be given back: every idle context but the one that was used last for a conversation, which a next answer needs; that one can be made
   * as small as what it holds.
   */
  idleKv(): IdleKv[] {
    const kept = this.#kept()
    return this.#contexts
      .filter(({ isBusy }) => !isBusy)
      .map((context): IdleKv => {
        const { id, conversationId, usedTokens: tokens } = context
        const lastUsedAt = conversationId === null ? 0 : context.lastUsedAt
        if (context !== kept)
          return {
            ...{ id, tokens, lastUsedAt, kind: this.#kindOfLeaving(context) },
            bytes: this.#memory.domainBytes(context),
          }
        const smaller = this.#memory.prospect(smallestTokens(context))
        return {
          ...{ id, tokens, lastUsedAt, kind: 'shrink' },
          bytes: this.#memory.domainBytes(context, smaller),
        }
      })
      .filter(({ bytes }) => Object.values(bytes).some((each) => each > 0))
  }

  /** Gives back what `idleKv` has named; the bytes that came free, 0 when it is in use again. */
  async giveBack(contextId: string): Promise<number> {
    const isKept = this.#kept()?.id === contextId
    return Math.max(0, (await (isKept ? this.#shrink(contextId) : this.#park(contextId))) ?? 0)
  }

  /** Gives back what costs least for a context that grows: 1. the idle aside, 2. for the aside, what idle conversations do not use, 3. the idle context that was used longest ago. False when there is nothing. */
  async makeWay(growing: Context): Promise<boolean> {
    const idle = this.#contexts
      .filter(({ isBusy }) => !isBusy)
      .toSorted((a, b) => Number(b.isAside) - Number(a.isAside) || a.usedAt - b.usedAt)
    const [first] = idle
    if (!first) return false
    if (growing.isAside && (await this.shrinkOne())) return true
    return (await this.#park(first.id)) !== null
  }

  /** Makes the idle context smaller that was used longest ago and has room to spare; false when there is none. */
  async shrinkOne(): Promise<boolean> {
    const idle = this.#contexts.filter(({ isBusy }) => !isBusy).toSorted((a, b) => a.usedAt - b.usedAt)
    for (const context of idle) {
      if (smallestTokens(context) === context.contextTokens) continue
      const before = context.contextTokens
      if ((await this.#shrink(context.id)) !== null && context.contextTokens < before) return true
    }
    return false
  }

  /**
   * Parks the conversation of an idle context and gives the context's memory back; the bytes that came free, null when it is not idle. A
   * conversation that turns out not to get to disk stays where it is for now: from then on `idleKv` says that it is to be read again.
   */
  async #park(contextId: string): Promise<number | null> {
    const context = this.#claims.claimIdle(({ id }) => id === contextId)
    if (!context) return null
    const mayDrop = this.#kindOfLeaving(context) !== 'park'
    if (!mayDrop && (await this.#parking.park(context)) === 'failed') {
      this.#claims.releaseQuietly(context)
      return null
    }
    return this.#claims.close(context)
  }

  /** Makes an idle context as small as what it holds allows; the bytes that came free, null when it is not idle or cannot become smaller. */
  async #shrink(contextId: string): Promise<number | null> {
    const context = this.#claims.claimIdle(({ id }) => id === contextId)
    if (!context) return null
    const { lastUsedAt } = context
    try {
      const smallest = smallestTokens(context)
      if (smallest === context.contextTokens) return null
      const before = footprintBytes(this.#room.footprint())
      return (await this.#room.resize(context, smallest))
        ? before - footprintBytes(this.#room.footprint())
        : null
    } finally {
      this.#claims.release(context)
      context.lastUsedAt = lastUsedAt
    }
  }

  /** The context that stays when others are given back, whether it is busy or not: the one that was used last, not for an aside. */
  #kept(): Context | undefined {
    const latest = this.#contexts.filter(({ isAside }) => !isAside).toSorted((a, b) => b.usedAt - a.usedAt)
    return latest.find(({ conversationId }) => conversationId !== null) ?? latest[0]
  }

  #kindOfLeaving({ conversationId, cannotPark }: Context): IdleKv['kind'] {
    if (conversationId === null) return 'shrink'
    return this.#parking.isOn && !cannotPark ? 'park' : 'drop'
  }
}

function smallestTokens({ usedTokens, contextTokens }: Context): number {
  return Math.min(blocksOf(usedTokens + 1), contextTokens)
}
