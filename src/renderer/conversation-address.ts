import { newConversation, openConversation } from './open-conversation.ts'
import { useApp } from './store.ts'

/**
 * Keeps the open conversation in the page's address, so that it is there again when the page is loaded again, and
 * that going back leads to the one before. Ends when `signal` aborts.
 */
export function followAddress(signal: AbortSignal): void {
  const asked = addressed()
  // Not connected yet: the conversation is opened as soon as the host is there.
  if (asked !== null) useApp.setState({ conversationId: asked })
  const unsubscribe = useApp.subscribe(({ conversationId }) => {
    if (conversationId === addressed()) return
    history.pushState(
      null,
      '',
      conversationId === null ? location.pathname + location.search : `#${conversationId}`,
    )
  })
  const onPopState = () => {
    const id = addressed()
    if (id === null) newConversation()
    else openConversation(id)
  }
  window.addEventListener('popstate', onPopState, { signal })
  signal.addEventListener('abort', unsubscribe)
}

function addressed(): string | null {
  const id = location.hash.slice(1)
  return id === '' ? null : id
}
