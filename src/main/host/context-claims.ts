import { shortContextTokens } from '../core/context-growth.ts'
import type { ContextRelief } from './context-relief.ts'
import type { ContextRoom } from './context-room.ts'
import type { Context } from './live-context.ts'

/** Asides begin with this many tokens: labels and a question. */
const asideTokens = 1024

/** Which context of a model is taken for what. What it gives is busy from then on. */
export class ContextClaims {
  /** All contexts that there are, as they come and go. */
  readonly #contexts: readonly Context[]
  readonly #room: ContextRoom
  readonly #relief: ContextRelief
  /** Size of a new context. */
  readonly #contextTokens: number
  readonly #claimIdle: (isWanted: (context: Context) => boolean) => Context | null
  readonly #open: (contextTokens: number) => Promise<Context | null>
  readonly #opening: () => number
  #isOpeningAside = false

  constructor(options: {
    readonly contexts: readonly Context[]
    readonly room: ContextRoom
    readonly relief: ContextRelief
    readonly contextTokens: number
    /** Claims the idle context among the wanted ones that was used longest ago; null when there is none. */
    readonly claimIdle: (isWanted: (context: Context) => boolean) => Context | null
    /** Opens a context, busy from the start, if there is room that nobody has to give back. */
    readonly open: (contextTokens: number) => Promise<Context | null>
    /** How many are being opened. */
    readonly opening: () => number
  }) {
    this.#contexts = options.contexts
    this.#room = options.room
    this.#relief = options.relief
    this.#contextTokens = options.contextTokens
    this.#claimIdle = options.claimIdle
    this.#open = options.open
    this.#opening = options.opening
  }

  /**
   * 1. The conversation's own context, 2. a spare one, 3. another one if memory is not short, 4. the idle one that was used longest ago, whose
   * conversation is parked, 5. another one, a small one, if there is any room, 6. that of asides. Null while all are busy. For a branch the idle context
   * of what it was branched from goes before 2., if that can be parked.
   */
  async forConversation(
    conversationId: string,
    { branchOf }: { readonly branchOf?: string | undefined } = {},
  ): Promise<Context | null> {
    if (this.#contexts.some((each) => each.conversationId === conversationId))
      return this.#claimIdle((each) => each.conversationId === conversationId)
    const isOfOrigin = (each: Context) => each.conversationId === branchOf && !each.cannotPark
    return (
      (branchOf === undefined ? null : this.#claimIdle(isOfOrigin)) ??
      this.#claimIdle(isSpare) ??
      (await this.#openAnother({ isShort: false })) ??
      this.#claimIdle(({ isAside }) => !isAside) ??
      (await this.#openAnother({ isShort: true })) ??
      this.#claimIdle(() => true)
    )
  }

  /** The conversation's own context, a spare one, or another one if memory is not short: nobody gives anything up for it. */
  async forWarming(conversationId: string): Promise<Context | null> {
    if (this.#contexts.some((each) => each.conversationId === conversationId))
      return this.#claimIdle((each) => each.conversationId === conversationId)
    return this.#claimIdle(isSpare) ?? (await this.#openAnother({ isShort: false }))
  }

  /**
   * 1. The one that asides have, 2. another one, a small one, beside those of conversations, 3. a spare one, 4. a small one once idle conversations
   * have given back what they do not use, 5. at last the idle one that was used longest ago, whose conversation is parked.
   */
  async forAside(): Promise<Context | null> {
    if (this.#isOpeningAside) return null
    if (this.#contexts.some(({ isAside }) => isAside)) return this.#claimIdle(({ isAside }) => isAside)
    this.#isOpeningAside = true
    try {
      const contextTokens = Math.min(this.#contextTokens, asideTokens)
      const context = (await this.#open(contextTokens)) ?? this.#claimIdle(isSpare)
      if (context) return context
      while (await this.#relief.shrinkOne()) {
        const opened = await this.#open(contextTokens)
        if (opened) return opened
      }
      return this.#claimIdle(() => true)
    } finally {
      this.#isOpeningAside = false
    }
  }

  /** Opens another context for a conversation, if that is allowed and there is room. `isShort`: memory is. */
  async #openAnother({ isShort }: { readonly isShort: boolean }): Promise<Context | null> {
    const conversations = this.#contexts.filter(({ isAside }) => !isAside).length
    if (conversations + this.#opening() >= this.#room.liveContexts) return null
    const usual = this.#contextTokens
    if (!isShort && !this.#room.hasEaseFor(usual)) return null
    return this.#open(isShort ? Math.min(usual, shortContextTokens) : usual)
  }
}

function isSpare({ conversationId, isAside }: Context): boolean {
  return conversationId === null && !isAside
}
