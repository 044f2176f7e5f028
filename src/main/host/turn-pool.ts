import type { ChatMessage, Chosen, GenerateEvent } from '../../contract/backend.ts'
import type { ResolvedSampling, Sampling } from '../../contract/sampling.ts'
import type { AnsweringModel } from './conversation-tree.ts'

/** What turns need of the pool. */
export interface TurnPool {
  /** Throws `NOT_FOUND` when the library has no such model. */
  model(modelId: string): AnsweringModel & {
    /** How it is asked where the conversation does not say: the first that has a value decides. Default: nothing said. */
    readonly samplings?: readonly (Sampling | undefined)[]
  }
  /** Whether it need not be loaded. */
  isResident(modelId: string): boolean
  /** Loads the model when it is not there; Rejects with the signal's reason. */
  acquire(modelId: string, options: AcquireForTurn): Promise<ModelLease>
  /** Frees what models keep for a conversation in memory and, unless it is to stay, on disk. */
  forget(conversationId: string, options?: { keepsParked?: boolean }): void
}

/** A model that is there for a turn, until it is disposed. */
export interface ModelLease extends Disposable {
  /** Without a conversation (null) it is an aside: it takes no conversation's context, and nothing of it stays. */
  generate(
    conversationId: string | null,
    messages: readonly ChatMessage[],
    options: {
      signal: AbortSignal
      /** Refuse with `CONTEXT_FULL` what leaves little room for the answer. */
      keepsRoom: boolean
      /** The last message is the beginning of the answer. */
      continues: boolean
      /** A conversation that begins like this one. Default: none is known. */
      branchOf?: string | undefined
      sampling: ResolvedSampling
      /** A JSON schema that the answer follows; null: it is free. */
      jsonSchema: unknown
      /** End it when it has begun to repeat itself without end. Default false. */
      stopsRepetition?: boolean
    },
  ): AsyncIterable<GenerateEvent>
  /**
   * Which of some options (2 to 64) the model would answer with, and how likely each is; see the contract. It waits for its turn to decode as answers do.
   * Rejects with the signal's reason.
   */
  choose(
    conversationId: string | null,
    messages: readonly ChatMessage[],
    options: readonly string[],
    how: {
      readonly signal: AbortSignal
      /** The last message is the beginning of the answer: the options follow it. Default false. */
      readonly continues?: boolean
    },
  ): Promise<Chosen>
}

/** How a turn asks for its model. `onWait` hears in plain words what is waited for, also while the answer waits in line. */
export type AcquireForTurn = {
  readonly signal: AbortSignal
  readonly onWait: (reason: string) => void
  /** Makes way for answers that somebody waits for. */
  readonly isBackground: boolean
  /** Models that stay in memory when it is loaded. */
  readonly keep?: KeptModels | undefined
}

/** Models that stay when another one is loaded: firmly, so that this is rather refused with `NO_ROOM`, or where it fits in without waiting. */
export type KeptModels = { readonly modelIds: readonly string[]; readonly isFirm: boolean }
