import type { ChatMessage } from '../../contract/backend.ts'
import type { Turn } from '../../contract/conversation.ts'

/**
 * What a model reads to answer the last turn of a path: every message, and the chosen answer of every turn before it. Empty
 * answers are left out; user messages that then follow each other become one, parted by a blank line, because chat templates
 * want the roles to alternate. The same path always gives the same messages, so that what was read stays read. `continued` is the text of an
 * answer to the last turn that is to go on.
 */
export function messagesOf(
  path: readonly Turn[],
  { continued = '' }: { continued?: string } = {},
): ChatMessage[] {
  const messages: ChatMessage[] = []
  for (const [index, turn] of path.entries()) {
    const last = messages.at(-1)
    if (last?.role === 'user') {
      messages[messages.length - 1] = { role: 'user', text: `${last.text}\n\n${turn.text}` }
    } else {
      messages.push({ role: 'user', text: turn.text })
    }
    const answer =
      index < path.length - 1 ? turn.answers.find(({ id }) => id === turn.chosenAnswerId) : undefined
    if (answer && answer.text !== '') messages.push({ role: 'assistant', text: answer.text })
  }
  if (continued !== '') messages.push({ role: 'assistant', text: continued })
  return messages
}
