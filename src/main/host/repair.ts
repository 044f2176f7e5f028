import type { ChatMessage } from '../../contract/backend.ts'
import type { Turn } from '../../contract/conversation.ts'
import { repairMessages } from '../core/verification.ts'
import type { FailedAnswer } from './checks.ts'
import type { AnsweringModel } from './conversation-tree.ts'
import type { Conversations } from './conversations.ts'
import type { TurnPool } from './turn-pool.ts'

/**
 * Adds an answer that repairs one which has failed its check, by the model of the settings or else the one that wrote it, and what that model reads after
 * the path. Null, and nothing is added, when the conversation has gone on, when another answer was chosen meanwhile, or when neither model is in the
 * library.
 */
export function addRepair(
  { conversationId, turnId, answer, checked, reason }: FailedAnswer,
  {
    conversations,
    pool,
    repairerId,
  }: {
    readonly conversations: Conversations
    readonly pool: Pick<TurnPool, 'model'>
    readonly repairerId: string | null
  },
): { readonly turn: Turn; readonly after: readonly ChatMessage[] } | null {
  const { tree } = conversations
  const isLast = conversations.shownPath(conversationId).at(-1)?.id === turnId
  if (!isLast || !tree.isShown(turnId, answer.id)) return null
  const model = knownModel(pool, repairerId) ?? knownModel(pool, answer.modelId)
  if (!model) return null
  const turn = tree.addAnswers(turnId, [model], { repairsAnswerId: answer.id })
  return { turn, after: repairMessages(checked, reason) }
}

function knownModel(pool: Pick<TurnPool, 'model'>, modelId: string | null): AnsweringModel | null {
  try {
    return modelId === null ? null : pool.model(modelId)
  } catch {
    // It has left the library.
    return null
  }
}
