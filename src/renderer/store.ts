import { create } from 'zustand'
import type { HostInfo } from '../contract/contract.ts'
import type {
  Conversation,
  ConversationEvent,
  ConversationListEvent,
  ConversationSummary,
} from '../contract/conversation.ts'
import { definedOf } from '../contract/defined.ts'
import { AppError, toProblem, type Problem } from '../contract/errors.ts'
import type { PoolSnapshot } from '../contract/memory.ts'
import type { LibraryModel } from '../contract/model.ts'
import type { Settings, SettingsChanges } from '../contract/settings.ts'
import type { Addition } from './additions.ts'
import type { Asking } from '../contract/asking.ts'
import type { DraftAttachment } from './chat/draft-attachments.ts'
import type { Importing } from './conversations/conversation-files.ts'
import type { Finding } from './conversations/finding.ts'
import { connect, type Client } from './connection.ts'
import { withTexts, withTurn, type TextDelta } from './conversation-mirror.ts'
import { rememberedPanes, type Panes } from './pane-sizes.ts'
import { keepPicture, rememberedPicture, type PoolPicture } from './pool-picture.ts'
import type { Proposal } from './proposal.ts'

/** A message that stays on the screen until it is read. */
export type Notice = { readonly id: string; readonly problem: Problem }

/** Something that was done at once and can be taken back. */
export type Undo = { readonly id: string; readonly text: string; readonly undo: () => Promise<unknown> }
/** A link to the world, with the text that it is shown with. */
export type OutsideLink = { readonly address: string; readonly shownAs: string }

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
  /** Models that are asked beside it, in order of asking; null: only one is chosen at a time. See chat/several-models.ts. */
  readonly besideIds: readonly string[] | null
  /** Who was chosen before the draft named others with @; null: it names nobody. */
  readonly beforeMention: Pick<AppState, 'nextModelId' | 'besideIds'> | null
  /** Messages and answers that are being edited, by the id of the turn or the answer. */
  readonly edits: Readonly<Record<string, string>>
  /** Turns whose answers are shown side by side although one was kept. */
  readonly sideBySideIds: readonly string[]
  /** Text that was typed but not sent, by conversation; '' is the key of a new one. */
  readonly drafts: Readonly<Record<string, string>>
  /** What the settings are searched for when they are opened. */
  readonly settingsFilter: string
  /** What is open over everything else. */
  readonly overlay: 'palette' | 'shortcuts' | null
  /** The step of the tour that was asked for; null: none was, see tour.tsx for the one that comes by itself. */
  readonly tourStep: number | null
  /** What the pool shows; null until it was chosen, and then as fits the pool. */
  readonly poolPicture: PoolPicture | null
  /** Size and state of the panes beside the chat; see pane-sizes.ts. */
  readonly panes: Panes
  /** Attachments of messages that are being written, by conversation like `drafts`. */
  readonly attachments: Readonly<Record<string, readonly DraftAttachment[]>>
  /** How a new conversation will be asked; null: as the default preset says. */
  readonly newAsking: Asking | null
  readonly dialog: 'library' | 'settings' | 'activity' | 'asking' | null
  readonly notices: readonly Notice[]
  /** What can be taken back, the last one last; each for some seconds. */
  readonly undos: readonly Undo[]
  /** Files on their way into the library, and what became of them; see additions.ts. */
  readonly additions: readonly Addition[]
  /** The load that the user thinks about; see proposal.ts. */
  readonly proposal: Proposal | null
  /** The library's model that is being dragged. */
  readonly draggedId: string | null
  /** What is looked for in the open conversation; see chat/finding.ts. */
  readonly finding: Finding | null
  /** The link that the user has pressed: where it leads is shown before it is opened. */
  readonly outsideLink: OutsideLink | null
  /** The turn to bring into view as soon as its conversation is there. */
  readonly turnToShow: string | null
  /** A file of conversations on its way in; see chat/conversation-files.ts. */
  readonly importing: Importing | null
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
  besideIds: null,
  beforeMention: null,
  edits: {},
  sideBySideIds: [],
  drafts: {},
  attachments: {},
  newAsking: null,
  dialog: null,
  settingsFilter: '',
  overlay: null,
  tourStep: null,
  panes: rememberedPanes(),
  poolPicture: rememberedPicture(),
  notices: [],
  undos: [],
  additions: [],
  proposal: null,
  draggedId: null,
  finding: null,
  outsideLink: null,
  turnToShow: null,
  importing: null,
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

/** How many deletions and the like are offered to be taken back at once. */
const maxUndos = 3

/** Says what was done, and offers to take it back; see ui/notices.tsx for how long. */
export function offerUndo(text: string, undo: Undo['undo']): void {
  set(({ undos }) => ({ undos: [...undos, { id: crypto.randomUUID(), text, undo }].slice(-maxUndos) }))
}

/** Takes back what was done: this one, or the last one. Nothing happens when there is none. */
export async function takeBack(id = get().undos.at(-1)?.id): Promise<void> {
  const known = get().undos.find((undo) => undo.id === id)
  if (!known) return
  dropUndo(known.id)
  await attempt(known.undo)
}

/** Takes the offer off the screen; what was done stays done. */
export function dropUndo(id: string): void {
  set(({ undos }) => ({ undos: undos.filter((undo) => undo.id !== id) }))
}

/** Applies what the host says of the list of conversations. */
export function applyListEvent(event: ConversationListEvent): void {
  set(({ conversations }) => {
    if (event.kind === 'all') return { conversations: event.conversations }
    const gone = new Set([...event.removedIds, ...event.changed.map(({ id }) => id)])
    return { conversations: [...event.changed, ...conversations.filter(({ id }) => !gone.has(id))] }
  })
}

/** Changes settings; what is absent stays. Seen at once; rejects with the host's problem, and they are as they were. */
export async function saveSettings(changes: SettingsChanges): Promise<void> {
  const { settings } = useApp.getState()
  if (settings) set({ settings: { ...settings, ...definedOf(changes) } })
  try {
    set({ settings: await host().settings.set(changes) })
  } catch (error) {
    set({ settings })
    throw error
  }
}

/** Opens or closes one of the dialogs. */
export function showDialog(dialog: AppState['dialog']): void {
  set({ dialog, settingsFilter: '' })
}

/** Opens the settings on those that match. */
export function showSettings(settingsFilter: string): void {
  set({ dialog: 'settings', settingsFilter })
}

/** Opens or closes the command palette or the list of shortcuts. */
export function showOverlay(overlay: AppState['overlay']): void {
  set({ overlay })
}

/** Has the pool show the machine, the models, or a table of the same. */
export function showPicture(poolPicture: PoolPicture): void {
  keepPicture(poolPicture)
  set({ poolPicture })
}

/** Shows a step of the tour. */
export function showTour(tourStep: number): void {
  set({ tourStep })
}

/** Ends the tour, for this data folder: it does not come by itself again. */
export function endTour(): void {
  set({ tourStep: null })
  if (get().settings?.isTourSeen === false) void attempt(() => saveSettings({ isTourSeen: true }))
}

/** Shows where a link leads, or (null) no longer. */
export function previewLink(outsideLink: OutsideLink | null): void {
  set({ outsideLink })
}

/** Brings a turn of the open conversation into view, or as soon as its conversation has come. */
export function scrollToTurn(turnId: string): void {
  set({ turnToShow: turnId })
}

/** Names the model that takes the next turn. What it would take to load one that is not in memory is shown. */
export function chooseNextModel(modelId: string): void {
  set(({ pool, proposal }) => {
    const isAbsent = !pool?.residents.some((each) => each.modelId === modelId && each.state !== 'failed')
    if (isAbsent) return { nextModelId: modelId, proposal: { modelId, options: {}, from: 'turn' } }
    return { nextModelId: modelId, proposal: proposal?.from === 'turn' ? null : proposal }
  })
}

// The watcher of the open conversation; replaced, never shared.
const watching = { abort: new AbortController() }

/** Shows a conversation and follows it. The model of its last answer takes the next turn, unless it was open before. */
export function openConversation(id: string): void {
  watching.abort.abort()
  const abort = new AbortController()
  watching.abort = abort
  pendingText.clear()
  set(({ conversation, conversationId, conversations, nextModelId }) => ({
    conversationId: id,
    conversation: conversation?.id === id ? conversation : null,
    nextModelId:
      conversationId === id
        ? nextModelId
        : (conversations.find((summary) => summary.id === id)?.lastModelId ?? nextModelId),
  }))
  void followConversation(id, abort.signal)
}

async function followConversation(id: string, signal: AbortSignal): Promise<void> {
  const { client } = get()
  if (!client) return
  try {
    for await (const event of await client.conversations.watch({ id }, { signal })) {
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
 * Sends a message to a model, and to others `beside` it, in a new conversation when none is open. Its draft is dropped only when the host
 * has the turn; a refusal becomes a notice and the text stays where it was.
 */
export async function sendTurn(
  text: string,
  modelId: string,
  { beside = [] }: { readonly beside?: readonly string[] } = {},
): Promise<void> {
  await attempt(async () => {
    const conversationId = get().conversationId ?? (await startConversation())
    const attached = get().attachments[conversationId] ?? []
    const attachmentIds = attached.flatMap((each) => (each.kind === 'ready' ? [each.attachment.id] : []))
    const turn = await host().turns.send({
      ...{ conversationId, text },
      ...(beside.length > 0 ? { modelIds: [modelId, ...beside] } : { modelId }),
      ...(attachmentIds.length > 0 && { attachmentIds }),
    })
    set(({ conversation, drafts, attachments, beforeMention }) => ({
      nextModelId: modelId,
      // Who was named with @ was so for this turn only.
      ...beforeMention,
      beforeMention: null,
      attachments: {
        ...attachments,
        [conversationId]: (attachments[conversationId] ?? []).filter((each) => !attached.includes(each)),
      },
      drafts: drafts[conversationId] === text ? withDraft(drafts, conversationId, '') : drafts,
      // The watcher may have brought a later state of it already.
      ...(conversation?.id === conversationId && !conversation.turns.some(({ id }) => id === turn.id)
        ? { conversation: withTurn(conversation, turn) }
        : {}),
    }))
  })
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

// Text that arrived since the last frame: many deltas, one render.
const pendingText = new Map<string, TextDelta>()

/** Applies what the host says of the open conversation. Text waits for the next frame; all else comes at once. */
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
      if (pendingText.size === 0) requestAnimationFrame(flushText)
      const pending = pendingText.get(event.answerId)
      if (pending && pending.at + pending.text.length !== event.at) flushText()
      pendingText.set(event.answerId, joinText(pendingText.get(event.answerId), event))
      return
    }
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

function flushText(): void {
  const deltas = [...pendingText.values()]
  pendingText.clear()
  const before = get().conversation
  if (!before || deltas.length === 0) return
  const { conversation, hasGap } = withTexts(before, deltas)
  if (conversation !== before) set({ conversation })
  // Something was missed: a new watcher begins with a snapshot.
  if (hasGap) openConversation(conversation.id)
}
