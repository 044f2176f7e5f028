import type { ConversationSummary } from '../../contract/conversation.ts'
import { chooseAttachments } from '../chat/attach-button.tsx'
import { focusComposer } from '../chat/composer.tsx'
import {
  archiveConversations,
  deleteConversations,
  pinConversations,
} from '../conversations/conversation-actions.ts'
import {
  chooseImport,
  exportAllConversations,
  exportConversation,
} from '../conversations/conversation-files.ts'
import { groupByDay } from '../conversations/conversation-groups.ts'
import { startConversation, toggleArchive } from '../conversations/conversation-list.tsx'
import { findNext, openFind } from '../conversations/finding.ts'
import { focusSearch } from '../conversations/search-box.tsx'
import { openConversation } from '../open-conversation.ts'
import { showDialog, takeBack, useApp, type AppState } from '../store.ts'
import type { Command } from './command.ts'

const isConnected = (state: AppState) => state.connection === 'open'

/** What can be done with the open conversation, and with the list of all. */
export const conversationCommands: readonly Command[] = [
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
    keys: ['Mod+I'],
    words: 'system prompt temperature seed preset json schema stop',
    when: isConnected,
    run: () => showDialog('asking'),
  },
  {
    id: 'conversation.attach',
    title: 'Attach files',
    section: 'Conversation',
    keys: ['Mod+U'],
    words: 'file text code pdf upload paperclip',
    when: isConnected,
    run: chooseAttachments,
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
    id: 'conversation.export-markdown',
    title: 'Export this conversation as Markdown',
    section: 'Conversation',
    words: 'save download file md',
    when: (state) => openSummary(state) !== undefined,
    run: () => withOpen(({ id }) => exportConversation(id, 'markdown')),
  },
  {
    id: 'conversation.export-json',
    title: 'Export this conversation as JSON',
    section: 'Conversation',
    words: 'save download file backup',
    when: (state) => openSummary(state) !== undefined,
    run: () => withOpen(({ id }) => exportConversation(id, 'json')),
  },
  {
    id: 'conversation.export-all',
    title: 'Export all conversations',
    section: 'Conversation',
    words: 'save download file backup json',
    when: (state) => isConnected(state) && state.conversations.length > 0,
    run: () => void exportAllConversations(),
  },
  {
    id: 'conversation.import',
    title: 'Import conversations',
    section: 'Conversation',
    words: 'open webui file json restore backup',
    when: isConnected,
    run: chooseImport,
  },
  {
    id: 'conversation.archived',
    title: 'Show the archived conversations, or the others again',
    section: 'Conversation',
    words: 'archive list hidden',
    when: (state) => state.conversations.some(({ isArchived }) => isArchived),
    run: toggleArchive,
  },
]

/** The open conversation, as the list has it. */
function openSummary({ conversations, conversationId }: AppState): ConversationSummary | undefined {
  return conversations.find(({ id }) => id === conversationId)
}

function withOpen(work: (open: ConversationSummary) => Promise<void>): void {
  const open = openSummary(useApp.getState())
  if (open) void work(open)
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
