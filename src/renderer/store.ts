import { create } from 'zustand'
import type { HostInfo } from '../contract/contract.ts'
import type { Conversation, ConversationEvent, ConversationSummary, Turn } from '../contract/conversation.ts'
import { AppError, toProblem, type Problem } from '../contract/errors.ts'
import type { PoolSnapshot } from '../contract/memory.ts'
import type { LibraryModel } from '../contract/model.ts'
import type { Settings } from '../contract/settings.ts'
import { connect, type Client } from './connection.ts'

/** A message that stays on the screen until it is read. */
export type Notice = { readonly id: string; readonly problem: Problem }

/** What the page knows: a mirror of the host, and what the user is about to do. */
export type AppState = {
  readonly connection: 'connecting' | 'open' | 'lost'
  readonly client: Client | null
  readonly host: HostInfo | null
  readonly settings: Settings | null
  readonly pool: PoolSnapshot | null
  readonly models: readonly LibraryModel[]
  readonly conversations: readonly ConversationSummary[]
  /** The conversation on the screen; null for a new one. */
  readonly conversationId: string | null
  readonly conversation: Conversation | null
  /** The model that takes the next turn; null until the user or the conversation names one. */
  readonly nextModelId: string | null
  readonly dialog: 'library' | 'settings' | null
  readonly notices: readonly Notice[]
}

/** The page's one store. Actions are the exported functions of this file. */
export const useApp = create<AppState>(() => ({
  connection: 'connecting',
  client: null,
  host: null,
  settings: null,
  pool: null,
  models: [],
  conversations: [],
  conversationId: null,
  conversation: null,
  nextModelId: null,
  dialog: null,
  notices: [],
}))

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
    if (signal.aborted) return
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
      () => client.pool.watch(undefined, { signal: over.signal }),
      (pool) => set({ pool }),
    ),
    follow(
      () => client.models.watch(undefined, { signal: over.signal }),
      (models) => set({ models }),
    ),
    follow(
      () => client.conversations.watchList(undefined, { signal: over.signal }),
      (conversations) => set({ conversations }),
    ),
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
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}

/** The host's client; throws while there is no connection. */
export function host(): Client {
  const { client } = get()
  if (!client) throw new AppError('INTERNAL', 'The host is not connected')
  return client
}

/** Runs something that the user asked for; an error becomes a notice instead of being lost. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    notify(toProblem(error))
    return undefined
  }
}

/** Shows a problem until it is dismissed; the same message is shown once. */
export function notify(problem: Problem): void {
  set(({ notices }) =>
    notices.some((notice) => notice.problem.message === problem.message)
      ? {}
      : { notices: [...notices, { id: crypto.randomUUID(), problem }] },
  )
}

/** Takes a notice off the screen. */
export function dismissNotice(id: string): void {
  set(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }))
}

/** Opens or closes one of the dialogs. */
export function showDialog(dialog: AppState['dialog']): void {
  set({ dialog })
}

/** Names the model that takes the next turn. */
export function chooseNextModel(modelId: string): void {
  set({ nextModelId: modelId })
}

// The watcher of the open conversation; replaced, never shared.
const watching = { abort: new AbortController() }

/** Shows a conversation and follows it. */
export function openConversation(id: string): void {
  watching.abort.abort()
  const abort = new AbortController()
  watching.abort = abort
  set(({ conversation }) => ({
    conversationId: id,
    conversation: conversation?.id === id ? conversation : null,
  }))
  void follow(
    () => host().conversations.watch({ id }, { signal: abort.signal }),
    (event) => {
      if (!abort.signal.aborted) applyEvent(event)
    },
  )
}

/** Shows an empty page for a new conversation; it is made when the first message is sent. */
export function newConversation(): void {
  watching.abort.abort()
  set({ conversationId: null, conversation: null })
}

// Text that arrived since the last frame, by answer: many deltas, one render.
const pendingText = new Map<string, { turnId: string; at: number; text: string }>()

function applyEvent(event: ConversationEvent): void {
  switch (event.kind) {
    case 'snapshot': {
      pendingText.clear()
      const { conversation } = event
      set(({ nextModelId, models }) => ({
        conversation,
        nextModelId:
          nextModelId ??
          (models.some((model) => model.id === conversation.lastModelId) ? conversation.lastModelId : null),
      }))
      return
    }
    case 'turn':
      flushText()
      set(({ conversation }) => (conversation ? { conversation: withTurn(conversation, event.turn) } : {}))
      return
    case 'text': {
      const pending = pendingText.get(event.answerId)
      if (pending) pending.text += event.text
      else pendingText.set(event.answerId, { turnId: event.turnId, at: event.at, text: event.text })
      if (pendingText.size === 1 && !pending) requestAnimationFrame(flushText)
      return
    }
    case 'deleted':
      newConversation()
      return
    default:
      event satisfies never
  }
}

function flushText(): void {
  if (pendingText.size === 0) return
  const batch = new Map(pendingText)
  pendingText.clear()
  set(({ conversation }) => {
    if (!conversation) return {}
    const turnIds = new Set([...batch.values()].map(({ turnId }) => turnId))
    const turns = conversation.turns.map((turn) => (turnIds.has(turn.id) ? withText(turn, batch) : turn))
    return { conversation: { ...conversation, turns } }
  })
}

function withText(turn: Turn, batch: ReadonlyMap<string, { at: number; text: string }>): Turn {
  const answers = turn.answers.map((answer) => {
    const delta = batch.get(answer.id)
    // A turn event may already hold a part of what was on its way: `at` says where the delta belongs.
    return delta && delta.at <= answer.text.length
      ? { ...answer, text: answer.text.slice(0, delta.at) + delta.text }
      : answer
  })
  return { ...turn, answers }
}

function withTurn(conversation: Conversation, turn: Turn): Conversation {
  const { turns } = conversation
  const known = turns.some(({ id }) => id === turn.id)
  return {
    ...conversation,
    turns: known ? turns.map((old) => (old.id === turn.id ? turn : old)) : [...turns, turn],
  }
}
