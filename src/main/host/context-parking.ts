import { formatBytes } from '../../contract/bytes.ts'
import type { Context, ContextEvent } from './live-context.ts'
import type { BackendClient } from './model-process.ts'
import type { ModelParking } from './parking.ts'

/** In a state file, beside the KV cache itself: the token, its position and its sequence. */
const bookkeepingBytesPerToken = 64

/** How the contexts of one model go to disk and come back. Whoever calls has claimed the context. */
export class ContextParking {
  readonly #client: BackendClient
  readonly #parking: ModelParking | undefined
  readonly #kvBytes: (tokens: number) => number
  readonly #onEvent: (event: ContextEvent) => void

  constructor(options: {
    readonly client: BackendClient
    /** Absent: nothing goes to disk. */
    readonly parking: ModelParking | undefined
    readonly kvBytes: (tokens: number) => number
    readonly onEvent: (event: ContextEvent) => void
  }) {
    this.#client = options.client
    this.#parking = options.parking
    this.#kvBytes = options.kvBytes
    this.#onEvent = options.onEvent
  }

  get isOn(): boolean {
    return this.#parking?.isOn ?? false
  }

  /** A path that nobody else uses, on the disk that states are parked on. */
  scratchFile(): string | undefined {
    return this.#parking?.scratchFile()
  }

  /** Tokens of a conversation that are parked, whether they still fit or not. */
  parkedTokens(conversationId: string): number {
    return this.#parking?.parkedTokens(conversationId) ?? 0
  }

  /** Whether what a context holds is on disk: written there, and not deleted since to keep to the budget. */
  isParked({ isParked, conversationId, usedTokens }: Context): boolean {
    return isParked && conversationId !== null && this.parkedTokens(conversationId) === usedTokens
  }

  /** Copies what a context holds to disk, unless it is there. `failed`: it could not, which was told. `nothing`: there is nothing to keep, or parking is off. */
  async park(context: Context): Promise<'parked' | 'failed' | 'nothing'> {
    const { conversationId, usedTokens, stateFormat, id: contextId } = context
    if (!this.#parking?.isOn || conversationId === null || usedTokens === 0) return 'nothing'
    if (this.isParked(context)) return 'parked'
    const startedAt = performance.now()
    const outcome = await this.#parking.park(conversationId, {
      stateFormat,
      mostBytes: this.#kvBytes(usedTokens) + usedTokens * bookkeepingBytesPerToken,
      save: async (file) => this.#client.save({ contextId, path: file }),
    })
    context.isParked = outcome.kind === 'parked'
    context.cannotPark = outcome.kind === 'skipped'
    if (outcome.kind === 'parked') return 'parked'
    this.#tell('parkingFailed', `A conversation could not be parked: ${outcome.reason}`, startedAt)
    return 'failed'
  }

  /** Brings back what is parked of a conversation into an empty context that is large enough. What does not come back is read again. */
  async restore(context: Context, conversationId: string): Promise<void> {
    if (!this.#parking) return
    const { id: contextId, stateFormat } = context
    const startedAt = performance.now()
    const outcome = await this.#parking.restore(conversationId, {
      stateFormat,
      restore: async (file) => this.#client.restore({ contextId, path: file }),
    })
    switch (outcome.kind) {
      case 'absent':
        return
      case 'restored': {
        context.usedTokens = outcome.tokens
        context.isParked = true
        const text = `A conversation of ${tokensText(outcome.tokens)} came back, ${formatBytes(outcome.bytes)}`
        this.#tell('restored', text, startedAt)
        return
      }
      case 'refused':
        await this.#client.clearContext({ contextId })
        this.#tell('parkingFailed', `A parked conversation is read again: ${outcome.reason}`, startedAt)
        return
      default:
        outcome satisfies never
    }
  }

  #tell(kind: ContextEvent['kind'], text: string, startedAt: number): void {
    this.#onEvent({ kind, text, tookMs: performance.now() - startedAt })
  }
}

/**
 * What a prompt would reuse of a parked state. Nobody looks into one: what comes back is most likely the beginning, and no more is said of it.
 */
export function withParked<Counted extends { readonly promptTokens: number }>(
  counted: Counted,
  parkedTokens: number,
): Counted & { reusedTokens: number; heldTokens: number; isExact: boolean } {
  const reusedTokens = Math.min(parkedTokens, counted.promptTokens - 1)
  return { ...counted, reusedTokens, heldTokens: reusedTokens, isExact: parkedTokens === 0 }
}

/** "1,024 tokens" */
export function tokensText(tokens: number): string {
  return `${tokens.toLocaleString('en-US')} tokens`
}
