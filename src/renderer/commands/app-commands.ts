import type { ConversationSummary } from '../../contract/conversation.ts'
import { chooseAttachments } from '../chat/attach-button.tsx'
import { focusComposer } from '../chat/composer.tsx'
import {
  archiveConversations,
  deleteConversations,
  pinConversations,
} from '../conversations/conversation-actions.ts'
import { groupByDay } from '../conversations/conversation-groups.ts'
import { startConversation } from '../conversations/conversation-list.tsx'
import { findNext, openFind } from '../conversations/finding.ts'
import { focusSearch } from '../conversations/search-box.tsx'
import { toggleModelMenu } from '../chat/model-menu.tsx'
import { chosenAnswer, runningTurnId } from '../conversation-mirror.ts'
import { resetPanes, togglePane } from '../panes.ts'
import {
  attempt,
  host,
  openConversation,
  saveSettings,
  showDialog,
  showOverlay,
  showPicture,
  showTour,
  takeBack,
  useApp,
  type AppState,
} from '../store.ts'
import { copyText } from '../ui/copy-text.ts'
import type { Chord } from '../ui/shortcut.ts'
import type { Command, Section } from './command.ts'
import { focusNextRegion } from './regions.ts'

const hasConversation = (state: AppState) => (state.conversation?.turns.length ?? 0) > 0
const isConnected = (state: AppState) => state.connection === 'open'

/** What the app itself can do, in the order of the list. */
export const appCommands: readonly Command[] = [
  {
    id: 'conversation.new',
    title: 'New conversation',
    section: 'Conversation',
    keys: ['Mod+Shift+O'],
    words: 'chat begin create',
    run: startConversation,
  },
  {
    id: 'conversation.write',
    title: 'Go to the message box',
    section: 'Conversation',
    keys: ['Alt+M'],
    words: 'focus write input composer',
    run: focusComposer,
  },
  {
    id: 'conversation.asking',
    title: 'Instructions and sampling',
    section: 'Conversation',
    words: 'system prompt temperature seed preset json schema stop',
    when: isConnected,
    run: () => showDialog('asking'),
  },
  {
    id: 'conversation.attach',
    title: 'Attach files',
    section: 'Conversation',
    words: 'file text code pdf upload paperclip',
    when: isConnected,
    run: chooseAttachments,
  },
  {
    id: 'conversation.stop',
    title: 'Stop the answer',
    section: 'Conversation',
    keys: ['Mod+.'],
    words: 'cancel abort halt',
    when: (state) => runningTurnId(state.conversation) !== null,
    run: stopAnswer,
  },
  {
    id: 'conversation.copy-answer',
    title: 'Copy the last answer',
    section: 'Conversation',
    keys: ['Mod+Alt+C'],
    words: 'clipboard text',
    when: hasConversation,
    run: copyLastAnswer,
  },
  {
    id: 'conversation.next',
    title: 'Next conversation of the list',
    section: 'Conversation',
    keys: ['Alt+ArrowDown'],
    words: 'older down',
    when: (state) => state.conversations.length > 0,
    run: () => openBeside(1),
  },
  {
    id: 'conversation.previous',
    title: 'Previous conversation of the list',
    section: 'Conversation',
    keys: ['Alt+ArrowUp'],
    words: 'newer up',
    when: (state) => state.conversations.length > 0,
    run: () => openBeside(-1),
  },
  {
    id: 'conversation.search',
    title: 'Search all conversations',
    section: 'Conversation',
    keys: ['Mod+Shift+F'],
    words: 'look for full text history',
    run: focusSearch,
  },
  {
    id: 'conversation.find',
    title: 'Find in this conversation',
    section: 'Conversation',
    keys: ['Mod+F'],
    words: 'look for text',
    when: (state) => state.conversationId !== null,
    run: openFind,
  },
  {
    id: 'conversation.find-next',
    title: 'Next hit in this conversation',
    section: 'Conversation',
    keys: ['F3', 'Mod+G'],
    when: (state) => state.finding !== null,
    run: () => void findNext(1),
  },
  {
    id: 'conversation.find-previous',
    title: 'Previous hit in this conversation',
    section: 'Conversation',
    keys: ['Shift+F3', 'Mod+Shift+G'],
    when: (state) => state.finding !== null,
    run: () => void findNext(-1),
  },
  {
    id: 'conversation.pin',
    title: 'Pin or unpin this conversation',
    section: 'Conversation',
    words: 'keep on top list',
    when: (state) => openSummary(state) !== undefined,
    run: () => withOpen(({ id, isPinned }) => pinConversations([id], !isPinned)),
  },
  {
    id: 'conversation.archive',
    title: 'Archive this conversation, or move it back',
    section: 'Conversation',
    words: 'hide list unarchive',
    when: (state) => openSummary(state) !== undefined,
    run: () => withOpen(({ id, isArchived }) => archiveConversations([id], !isArchived)),
  },
  {
    id: 'conversation.delete',
    title: 'Delete this conversation',
    section: 'Conversation',
    words: 'remove',
    when: (state) => openSummary(state) !== undefined,
    run: () => withOpen(({ id }) => deleteConversations([id])),
  },
  {
    id: 'conversation.undo',
    title: 'Take the last deletion back',
    section: 'Conversation',
    words: 'undo restore archive',
    when: (state) => state.undos.length > 0,
    run: () => void takeBack(),
  },
  {
    id: 'models.choose',
    title: 'Choose the model of the next turn',
    section: 'Models',
    keys: ['Ctrl+M'],
    words: 'menu switch picker all models',
    run: toggleModelMenu,
  },
  {
    id: 'models.library',
    title: 'Open the library',
    section: 'Models',
    keys: ['Mod+Shift+L'],
    words: 'models files add gguf load folder',
    run: () => showDialog('library'),
  },
  {
    id: 'pool.consolidate',
    title: 'Consolidate the pool',
    section: 'Memory pool',
    words: 'free memory park shrink kv caches defragment',
    when: isConnected,
    run: () => void attempt(() => host().pool.consolidate()),
  },
  ...(['machine', 'models', 'table'] as const).map((picture): Command => ({
    id: `pool.show-${picture}`,
    title: picture === 'table' ? 'Show the pool as a table' : `Show the ${picture} in the pool`,
    section: 'Memory pool',
    words: 'view treemap picture',
    when: (state) => state.poolPicture !== picture,
    run: () => showPicture(picture),
  })),
  {
    id: 'pool.activity',
    title: 'Show all activity of the pool',
    section: 'Memory pool',
    words: 'events log history loads',
    run: () => showDialog('activity'),
  },
  {
    id: 'window.list',
    title: 'Show or hide the conversations',
    section: 'Window',
    keys: ['Mod+B'],
    words: 'toggle sidebar list collapse',
    run: () => togglePane('list'),
  },
  {
    id: 'window.pool',
    title: 'Show or hide the memory pool',
    section: 'Window',
    keys: ['Mod+Alt+B'],
    words: 'toggle sidebar treemap collapse',
    run: () => togglePane('pool'),
  },
  {
    id: 'window.reset-panes',
    title: 'Reset the sizes of the panes',
    section: 'Window',
    words: 'layout default width',
    run: resetPanes,
  },
  {
    id: 'window.next-region',
    title: 'Go to the next part of the window',
    section: 'Window',
    keys: ['F6'],
    words: 'focus pane region',
    run: () => focusNextRegion(1),
  },
  {
    id: 'window.previous-region',
    title: 'Go to the part of the window before',
    section: 'Window',
    keys: ['Shift+F6'],
    words: 'focus pane region previous',
    run: () => focusNextRegion(-1),
  },
  {
    id: 'window.settings',
    title: 'Open the settings',
    section: 'Window',
    keys: ['Mod+,'],
    words: 'preferences options configure',
    run: () => showDialog('settings'),
  },
  ...(['system', 'light', 'dark'] as const).map((theme): Command => ({
    id: `window.theme-${theme}`,
    title: `Theme: ${theme === 'system' ? 'as the system' : theme}`,
    section: 'Window',
    words: 'colours appearance mode',
    when: (state) => isConnected(state) && state.settings?.theme !== theme,
    run: () => void attempt(() => saveSettings({ theme })),
  })),
  {
    id: 'help.palette',
    title: 'Find a command',
    section: 'Help',
    keys: ['Mod+K', 'Mod+Shift+P'],
    words: 'palette search',
    run: () => toggleOverlay('palette'),
  },
  {
    id: 'help.shortcuts',
    title: 'Show all shortcuts',
    section: 'Help',
    keys: ['Mod+/', '?'],
    words: 'keyboard keys help',
    run: () => toggleOverlay('shortcuts'),
  },
  {
    id: 'help.tour',
    title: 'Show the tour',
    section: 'Help',
    words: 'introduction first steps learn',
    run: () => showTour(0),
  },
]

/** Keys that a place handles itself while it has the focus, for the list of shortcuts. */
export const localKeys: readonly {
  readonly title: string
  readonly section: Section
  readonly keys: readonly Chord[]
}[] = [
  { title: 'Send the message', section: 'Conversation', keys: ['Enter'] },
  { title: 'New line in the message', section: 'Conversation', keys: ['Shift+Enter'] },
  { title: 'Rename the conversation, in the list', section: 'Conversation', keys: ['F2'] },
  { title: 'Delete the conversation, in the list', section: 'Conversation', keys: ['Delete'] },
  { title: 'Ask the first to ninth model in memory next', section: 'Models', keys: ['Alt+1', 'Alt+9'] },
  { title: 'Load the model that is shown in the pool', section: 'Models', keys: ['Enter'] },
  { title: 'Go through blocks, rows and options', section: 'Window', keys: ['ArrowUp', 'ArrowDown'] },
  { title: 'Close what is open, or take a change back', section: 'Window', keys: ['Escape'] },
]

function toggleOverlay(overlay: NonNullable<AppState['overlay']>): void {
  showOverlay(useApp.getState().overlay === overlay ? null : overlay)
}

/** The open conversation, as the list has it. */
function openSummary({ conversations, conversationId }: AppState): ConversationSummary | undefined {
  return conversations.find(({ id }) => id === conversationId)
}

function withOpen(work: (open: ConversationSummary) => Promise<void>): void {
  const open = openSummary(useApp.getState())
  if (open) void work(open)
}

function stopAnswer(): void {
  const turnId = runningTurnId(useApp.getState().conversation)
  if (turnId === null) return
  focusComposer()
  void attempt(() => host().turns.stop({ turnId }))
}

function copyLastAnswer(): void {
  const turn = useApp.getState().conversation?.turns.at(-1)
  if (turn) void copyText(chosenAnswer(turn).text)
}

/** The conversation so many places further down the list, from the open one; at the ends it stays. Archived ones are passed over. */
function openBeside(step: 1 | -1): void {
  const { conversations: all, conversationId } = useApp.getState()
  const listed = all.filter(({ isArchived }) => !isArchived)
  const conversations = groupByDay(listed, Date.now()).flatMap((group) => group.conversations)
  const at = conversations.findIndex(({ id }) => id === conversationId)
  const next = conversations[at === -1 ? 0 : at + step]
  if (next) openConversation(next.id)
}
