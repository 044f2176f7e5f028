import { newConversation, openConversation } from '../open-conversation.ts'
import { attempt, host, offerUndo, useApp } from '../store.ts'

/** Deletes conversations at once, and offers to take it back. */
export async function deleteConversations(ids: readonly string[]): Promise<void> {
  const { conversations, conversationId } = useApp.getState()
  const title = conversations.find(({ id }) => id === ids[0])?.title ?? ''
  const deleted = await attempt(() => host().conversations.deleteMany({ ids: [...ids] }))
  if (deleted === undefined || deleted.length === 0) return
  const wasOpen = conversationId !== null && deleted.includes(conversationId)
  if (wasOpen) newConversation()
  const text = deleted.length === 1 ? `Deleted “${title}”` : `Deleted ${String(deleted.length)} conversations`
  offerUndo(text, async () => {
    await host().conversations.restoreMany({ ids: deleted })
    if (wasOpen && useApp.getState().conversationId === null) openConversation(conversationId)
  })
}

/** Keeps conversations on top of the list, or no longer. */
export async function pinConversations(ids: readonly string[], isPinned: boolean): Promise<void> {
  await attempt(() => Promise.all(ids.map((id) => host().conversations.update({ id, isPinned }))))
}

/** Takes conversations out of the list, or brings them back; the former can be taken back. */
export async function archiveConversations(ids: readonly string[], isArchived: boolean): Promise<void> {
  const update = (to: boolean) =>
    Promise.all(ids.map((id) => host().conversations.update({ id, isArchived: to })))
  const updated = await attempt(() => update(isArchived))
  const [first] = updated ?? []
  if (!isArchived || !updated || !first) return
  offerUndo(
    updated.length === 1 ? `Archived “${first.title}”` : `Archived ${String(updated.length)} conversations`,
    () => update(false),
  )
}
