import { withTurn } from './conversation-mirror.ts'
import { openConversation } from './open-conversation.ts'
import { settleForTurn } from './proposal.ts'
import { attempt, host, useApp, type AppState } from './store.ts'

const set = useApp.setState
const get = useApp.getState

/** Keeps what was typed for a conversation (null: a new one) until it is sent. */
export function setDraft(conversationId: string | null, text: string): void {
  set(({ drafts }) => ({ drafts: withDraft(drafts, conversationId, text) }))
}

function withDraft(
  drafts: AppState['drafts'],
  conversationId: string | null,
  text: string,
): AppState['drafts'] {
  const key = conversationId ?? ''
  const others = Object.fromEntries(Object.entries(drafts).filter(([id]) => id !== key))
  return text === '' ? others : { ...others, [key]: text }
}

/**
 * Sends a message to a model, and to others `beside` it (or, with `isAuto`, to whom Auto finds, else to that model), in a new conversation when none
 * is open. It leaves the box at once, so that the next one can be written; a refusal becomes a notice, and the text goes back before what was typed
 * since.
 */
export async function sendTurn(
  text: string,
  modelId: string,
  { beside = [], isAuto = false }: { readonly beside?: readonly string[]; readonly isAuto?: boolean } = {},
): Promise<void> {
  const place = { id: get().conversationId }
  const isDraft = (get().drafts[place.id ?? ''] ?? '') === text
  if (isDraft) setDraft(place.id, '')
  const isSent = await attempt(async () => {
    if (!isAuto) await settleForTurn(modelId)
    const conversationId = (place.id ??= await startConversation())
    const attached = get().attachments[conversationId] ?? []
    const attachmentIds = attached.flatMap((each) => (each.kind === 'ready' ? [each.attachment.id] : []))
    const turn = await host().turns.send({
      ...{ conversationId, text },
      ...(beside.length > 0 ? { modelIds: [modelId, ...beside] } : { modelId, ...(isAuto && { isAuto }) }),
      ...(attachmentIds.length > 0 && { attachmentIds }),
    })
    set(({ conversation, attachments, beforeMention }) => ({
      ...(!isAuto && { nextModelId: modelId }),
      // Who was named with @ was so for this turn only.
      ...beforeMention,
      beforeMention: null,
      isAutoNamed: false,
      attachments: {
        ...attachments,
        [conversationId]: (attachments[conversationId] ?? []).filter((each) => !attached.includes(each)),
      },
      // The watcher may have brought a later state of it already.
      ...(conversation?.id === conversationId && !conversation.turns.some(({ id }) => id === turn.id)
        ? { conversation: withTurn(conversation, turn) }
        : {}),
    }))
    return true
  })
  if (isSent === true || !isDraft) return
  const typed = get().drafts[place.id ?? ''] ?? ''
  setDraft(place.id, [text, typed].filter((part) => part !== '').join('\n'))
}

async function startConversation(): Promise<string> {
  const { newAsking } = get()
  const conversation = await host().conversations.create(newAsking ? { asking: newAsking } : {})
  const { drafts, attachments, conversationId } = get()
  const { '': attached = [], ...others } = attachments
  set({
    drafts: withDraft(withDraft(drafts, null, ''), conversation.id, drafts[''] ?? ''),
    attachments: { ...others, [conversation.id]: attached },
    newAsking: null,
  })
  // Whoever opened another one in the meantime stays there.
  if (conversationId === null) {
    set({ conversation })
    openConversation(conversation.id)
  }
  return conversation.id
}
