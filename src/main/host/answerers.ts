import { AppError } from '../../contract/errors.ts'
import type { AnsweringModel } from './conversation-tree.ts'
import type { Conversations } from './conversations.ts'
import type { Routing } from './routing.ts'
import type { TurnPool } from './turn-pool.ts'

/** Who answers: one model, several at once, or whom Auto finds. */
export type Answerers = {
  readonly modelId?: string | undefined
  readonly isAuto?: boolean | undefined
  readonly modelIds?: readonly string[] | undefined
}

/**
 * The models that answer, each of them once. `isRouted`: Auto says which model it is; until then it is the one that answers where Auto finds nobody
 * better: the one that is named, else that of the conversation's last answer. Where nobody is named, the conversation says whether Auto chooses.
 * Throws `BAD_INPUT` where nobody says anything, `NOT_FOUND` for what is not in the library.
 */
export function resolveAnswerers(
  { modelId, isAuto, modelIds }: Answerers,
  {
    conversationId,
    pool,
    conversations,
    routing,
  }: {
    readonly conversationId: string
    readonly pool: Pick<TurnPool, 'model'>
    readonly conversations: Pick<Conversations, 'asking'>
    readonly routing: Pick<Routing, 'fallback'> | undefined
  },
): { readonly models: AnsweringModel[]; readonly isRouted: boolean } {
  const ids = [...new Set(modelIds ?? (modelId === undefined ? [] : [modelId]))]
  const isRouted = isAuto ?? (ids.length === 0 && conversations.asking(conversationId).isAuto)
  if (isRouted && routing) {
    const [first = modelId] = ids
    return { models: [first === undefined ? routing.fallback(conversationId) : pool.model(first)], isRouted }
  }
  if (ids.length === 0)
    throw new AppError('BAD_INPUT', 'Cannot ask: no model is named', {
      details: { help: 'Name one as modelId, several as modelIds, or let Auto choose with isAuto' },
    })
  return { models: ids.map((id) => pool.model(id)), isRouted: false }
}
