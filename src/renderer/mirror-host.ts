import type { ConversationListEvent } from '../contract/conversation.ts'
import { connect, type Client } from './connection.ts'
import { openConversation } from './open-conversation.ts'
import { useApp } from './store.ts'

const set = useApp.setState
const get = useApp.getState

/** Connects to the host and mirrors it until `signal` aborts, connecting again whenever the connection is lost. */
export async function mirrorHost(signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const { client, lost } = await connect()
      failures = 0
      await mirrorUntilLost(client, lost, signal)
    } catch {
      // Not there (yet): the screen says so, and the next try follows.
    }
    set({ connection: 'lost', client: null })
    await pause(Math.min(250 * 2 ** failures, 5000), signal)
  }
}

async function mirrorUntilLost(client: Client, lost: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const stop = () => over.abort()
  signal.addEventListener('abort', stop, { once: true })
  void lost.then(stop)
  const [host, settings] = await Promise.all([client.host.info(), client.settings.get()])
  set({ connection: 'open', client, host, settings })
  const { conversationId } = get()
  if (conversationId !== null) openConversation(conversationId)
  await Promise.all([
    follow(
      () => client.settings.watch(undefined, { signal: over.signal }),
      (changed) => set({ settings: changed }),
    ),
    follow(
      () => client.pool.watch(undefined, { signal: over.signal }),
      (pool) => set({ pool }),
    ),
    follow(
      () => client.models.watch(undefined, { signal: over.signal }),
      (models) => set({ models }),
    ),
    follow(() => client.conversations.watchList(undefined, { signal: over.signal }), applyListEvent),
    lost,
  ])
  signal.removeEventListener('abort', stop)
}

async function follow<T>(watch: () => Promise<AsyncIterable<T>>, apply: (value: T) => void): Promise<void> {
  try {
    for await (const value of await watch()) apply(value)
  } catch {
    // The connection ended; mirrorHost connects again.
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
  })
}

/** Applies what the host says of the list of conversations. */
export function applyListEvent(event: ConversationListEvent): void {
  set(({ conversations }) => {
    if (event.kind === 'all') return { conversations: event.conversations }
    const gone = new Set([...event.removedIds, ...event.changed.map(({ id }) => id)])
    return { conversations: [...event.changed, ...conversations.filter(({ id }) => !gone.has(id))] }
  })
}
