import type { Conversation } from '../../contract/conversation.ts'
import type { ResidentContext } from '../../contract/memory.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { formatCount } from '../ui/format.ts'

/** Fewer unread tokens than this are read before anybody notices. */
const noticeableTokens = 16

/**
 * What a resident has still to read of a conversation before it answers, in a few words: "answers at once, 91 tokens
 * reused". How long the conversation is tells its last answer; another model may count other tokens, hence "about".
 */
export function readingText(
  conversation: Pick<Conversation, 'id' | 'turns'> | null,
  { contexts }: { readonly contexts: readonly Pick<ResidentContext, 'conversationId' | 'usedTokens'>[] },
): string {
  const stats = conversation?.turns.map((turn) => chosenAnswer(turn).stats).findLast((each) => each !== null)
  if (!conversation || !stats) return 'answers at once'
  const heldTokens =
    contexts.find(({ conversationId }) => conversationId === conversation.id)?.usedTokens ?? 0
  const unreadTokens = stats.promptTokens + stats.generatedTokens - heldTokens
  const reused = heldTokens > 0 ? `, ${formatCount(heldTokens)} reused` : ''
  return unreadTokens < noticeableTokens
    ? `answers at once${heldTokens > 0 ? `, ${formatCount(heldTokens)} tokens reused` : ''}`
    : `about ${formatCount(unreadTokens)} tokens to read${reused}`
}
