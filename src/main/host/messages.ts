import type { ChatMessage } from '../../contract/backend.ts'
import type { Turn } from '../../contract/conversation.ts'

/** What a model reads beside the turns. */
export type MessageOptions = {
  /** Read before the first message; null or absent: nothing. */
  readonly instructions?: string | null
  /** The text of an attachment, by its id. */
  readonly textOf?: (attachmentId: string) => string
  /** The text of an answer to the last turn that is to go on; empty or absent: a new answer. */
  readonly continued?: string
}

/**
 * What a model reads to answer the last turn of a path: every message, and the chosen answer of every turn before it. Empty
 * answers are left out; user messages that then follow each other become one, parted by a blank line, because chat templates
 * want the roles to alternate. The same path always gives the same messages, so that what was read stays read.
 */
export function messagesOf(path: readonly Turn[], options: MessageOptions = {}): ChatMessage[] {
  const { instructions = null, continued = '' } = options
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: 'system', text: instructions }]
  for (const [index, turn] of path.entries()) {
    const last = messages.at(-1)
    const text = messageText(turn, options)
    if (last?.role === 'user') {
      messages[messages.length - 1] = { role: 'user', text: `${last.text}\n\n${text}` }
    } else {
      messages.push({ role: 'user', text })
    }
    const answer =
      index < path.length - 1 ? turn.answers.find(({ id }) => id === turn.chosenAnswerId) : undefined
    if (answer && answer.text !== '') messages.push({ role: 'assistant', text: answer.text })
  }
  if (continued !== '') messages.push({ role: 'assistant', text: continued })
  return messages
}

/** A message with its attachments before it, each in a fence with its name. */
function messageText({ text, attachments = [] }: Turn, { textOf }: MessageOptions): string {
  if (attachments.length === 0 || !textOf) return text
  const parts = attachments.map((attachment) => {
    const content = textOf(attachment.id)
    const { name, characters, cutFromCharacters } = attachment
    const cut =
      cutFromCharacters === undefined
        ? ''
        : ` (the first ${String(characters)} of ${String(cutFromCharacters)} characters)`
    const fence = fenceFor(content)
    return `${name}${cut}:\n${fence}\n${content}\n${fence}`
  })
  return [...parts, ...(text === '' ? [] : [text])].join('\n\n')
}

/** Longer than any run of backticks in the text, so that nothing in it ends the fence. */
function fenceFor(text: string): string {
  const longest = (text.match(/`{3,}/g) ?? []).reduce((length, run) => Math.max(length, run.length), 2)
  return '`'.repeat(longest + 1)
}
