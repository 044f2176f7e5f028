import type { ConversationEvent } from '../contract/conversation.ts'
import { toProblem } from '../contract/errors.ts'
import { withEarlier, withTexts, withTurn, type TextDelta } from './conversation-mirror.ts'
import { notify, useApp } from './store.ts'

const set = useApp.setState
const get = useApp.getState

// The watcher of the open conversation; replaced, never shared.
const watching = { abort: new AbortController() }

/** So many turns of a conversation come first, enough for what is seen; those before them follow. */
const turnsAtFirst = 40

/** Shows a conversation and follows it. The model of its last answer takes the next turn, unless it was open before. */
export function openConversation(id: string): void {
  watching.abort.abort()
  const abort = new AbortController()
  watching.abort = abort
  pendingText.clear()
  // Whoever reads further up in it stays there only if all of it comes at once.
  const isShown = get().conversation?.id === id
  set(({ conversation, conversationId, conversations, nextModelId }) => ({
    conversationId: id,
    conversation: conversation?.id === id ? conversation : null,
    nextModelId:
      conversationId === id
        ? nextModelId
        : (conversations.find((summary) => summary.id === id)?.lastModelId ?? nextModelId),
  }))
  void followConversation({ id, ...(!isShown && { lastTurns: turnsAtFirst }) }, abort.signal)
}

async function followConversation(
  wanted: { readonly id: string; readonly lastTurns?: number },
  signal: AbortSignal,
): Promise<void> {
  const { client } = get()
  if (!client) return
  try {
    for await (const event of await client.conversations.watch(wanted, { signal })) {
      if (signal.aborted) return
      applyEvent(event)
    }
  } catch (error) {
    // Without a connection mirrorHost connects again and opens the conversation again.
    if (signal.aborted || get().client !== client) return
    const problem = toProblem(error)
    if (problem.code === 'NOT_FOUND') newConversation()
    if (problem.code !== 'INTERNAL') notify(problem)
  }
}

/** Shows an empty page for a new conversation; it is made when the first message is sent. */
export function newConversation(): void {
  watching.abort.abort()
  pendingText.clear()
  set({ conversationId: null, conversation: null })
}

// Text that arrived since it was drawn last: many deltas, one render.
const pendingText = new Map<string, TextDelta>()

/** Applies what the host says of the open conversation. Text waits for a frame; all else comes at once. */
export function applyEvent(event: ConversationEvent): void {
  switch (event.kind) {
    case 'snapshot': {
      pendingText.clear()
      const { conversation } = event
      set(({ nextModelId }) => ({ conversation, nextModelId: nextModelId ?? conversation.lastModelId }))
      return
    }
    case 'turn':
      flushText()
      set(({ conversation }) => (conversation ? { conversation: withTurn(conversation, event.turn) } : {}))
      return
    case 'text': {
      if (pendingText.size === 0) flushSoon()
      const pending = pendingText.get(event.answerId)
      if (pending && pending.at + pending.text.length !== event.at) flushText()
      pendingText.set(event.answerId, joinText(pendingText.get(event.answerId), event))
      return
    }
    case 'earlier':
      set(({ conversation }) =>
        conversation ? { conversation: withEarlier(conversation, event.turns) } : {},
      )
      return
    case 'summary':
      set(({ conversation }) => (conversation ? { conversation: { ...conversation, ...event.summary } } : {}))
      return
    case 'asking':
      set(({ conversation }) => (conversation ? { conversation: { ...conversation, ...event.asking } } : {}))
      return
    case 'deleted':
      newConversation()
      return
    default:
      event satisfies never
  }
}

function joinText(pending: TextDelta | undefined, { turnId, answerId, at, text }: TextDelta): TextDelta {
  return pending ? { ...pending, text: pending.text + text } : { turnId, answerId, at, text }
}

/** Text is drawn with the next frame, but no more often than this: a word later is not seen, and each time costs layout and paint. */
const textPaceMs = 40
const drawing = { lastAt: -Infinity }

function flushSoon(): void {
  const waitMs = drawing.lastAt + textPaceMs - performance.now()
  if (waitMs <= 0) requestAnimationFrame(flushText)
  else setTimeout(() => requestAnimationFrame(flushText), waitMs)
}

function flushText(): void {
  drawing.lastAt = performance.now()
  const deltas = [...pendingText.values()]
  pendingText.clear()
  const before = get().conversation
  if (!before || deltas.length === 0) return
  const { conversation, hasGap } = withTexts(before, deltas)
  if (conversation !== before) set({ conversation })
  // Something was missed: a new watcher begins with a snapshot.
  if (hasGap) openConversation(conversation.id)
}
