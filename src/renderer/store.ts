import { create } from 'zustand'
import type { HostInfo } from '../contract/contract.ts'
import type { Conversation, ConversationSummary } from '../contract/conversation.ts'
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
import type { Client } from './connection.ts'
import { rememberedPanes, type Panes } from './pane-sizes.ts'
import { keepPicture, rememberedPicture, type PoolPicture } from './pool-picture.ts'
import type { OpenPipeline } from './pipeline/pipelines.ts'
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
  /** The draft names Auto with @; only while `beforeMention` is there. See chat/auto-choice.ts. */
  readonly isAutoNamed: boolean
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
  /** What the list of conversations shows: what is searched for ('': the list itself), and whether it is the archive. */
  readonly listView: { readonly query: string; readonly isArchive: boolean }
  /** A file of conversations on its way in; see chat/conversation-files.ts. */
  readonly importing: Importing | null
  /** The pipeline whose dry run is on the screen; see pipeline/pipelines.ts. */
  readonly pipeline: OpenPipeline | null
}

/** The page's one store. Actions are exported functions: of all of the window here, of one part of it beside that part. */
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
  isAutoNamed: false,
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
  listView: { query: '', isArchive: false },
  importing: null,
  pipeline: null,
}))

const set = useApp.setState
const get = useApp.getState

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

/** Has the list of conversations show something else; what is absent stays. */
export function showList(view: Partial<AppState['listView']>): void {
  set(({ listView }) => ({ listView: { ...listView, ...view } }))
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
