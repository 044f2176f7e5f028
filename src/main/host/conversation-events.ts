import type { ConversationEvent } from '../../contract/conversation.ts'

/** Keeps the queue of a slow watcher no longer than what it is about. */
export function mergeEvents(
  queued: readonly ConversationEvent[],
  event: ConversationEvent,
): ConversationEvent[] {
  switch (event.kind) {
    case 'snapshot':
    case 'deleted':
      return [event]
    case 'turn': {
      const isOfTurn = (other: ConversationEvent) =>
        other.kind === 'turn'
          ? other.turn.id === event.turn.id
          : other.kind === 'text' && other.turnId === event.turn.id
      const ofTurn = queued.filter(isOfTurn)
      const others = queued.filter((other) => !isOfTurn(other))
      // The last state of the turn is enough, but who reads texts only misses none: they stay, behind the turn that they belong to.
      const texts = ofTurn.filter(({ kind }) => kind === 'text')
      if (texts.length === 0) return [...others, event]
      const begin = ofTurn[0]?.kind === 'turn' ? [ofTurn[0]] : []
      return [...others, ...begin, ...texts.reduce(appendText, []), event]
    }
    case 'text':
      return appendText(queued, event)
    case 'asking':
      return [...queued.filter(({ kind }) => kind !== 'asking'), event]
    default:
      return event satisfies never
  }
}

function appendText(queued: readonly ConversationEvent[], event: ConversationEvent): ConversationEvent[] {
  const last = queued.at(-1)
  return event.kind === 'text' && last?.kind === 'text' && last.answerId === event.answerId
    ? [...queued.slice(0, -1), { ...last, text: last.text + event.text }]
    : [...queued, event]
}
