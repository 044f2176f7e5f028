import { useMemo, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { newConversation } from '../open-conversation.ts'
import { openPane } from '../panes.ts'
import { showDialog, showList, useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { Menu } from '../ui/menu.tsx'
import { ariaChord, chordText } from '../ui/shortcut.ts'
import { useToday } from '../ui/use-today.ts'
import { focusComposer } from '../chat/composer.tsx'
import { chooseImport, exportAllConversations } from './conversation-files.ts'
import { groupByDay } from './conversation-groups.ts'
import styles from './conversation-list.module.css'
import { ConversationRows } from './conversation-rows.tsx'
import { keepListed, noSelection } from './selection.ts'
import { SearchBox } from './search-box.tsx'
import { SearchResults } from './search-results.tsx'
import { SelectionBar } from './selection-bar.tsx'

/** All conversations, the pinned ones first and then by day, with what can be done with each; below them the archive, the library and the settings. */
export function ConversationList() {
  const { conversations, conversationId, connection, listView } = useApp(
    useShallow((state) => ({
      conversations: state.conversations,
      conversationId: state.conversationId,
      connection: state.connection,
      listView: state.listView,
    })),
  )
  const today = useToday()
  const [chosen, setChosen] = useState(noSelection)
  const archivedCount = useMemo(
    () => conversations.filter(({ isArchived }) => isArchived).length,
    [conversations],
  )
  const { query } = listView
  const isArchive = listView.isArchive && archivedCount > 0
  const groups = useMemo(
    () =>
      groupByDay(
        conversations.filter(({ isArchived }) => isArchived === isArchive),
        today,
      ),
    [conversations, isArchive, today],
  )
  const listed = useMemo(() => groups.flatMap((group) => group.conversations.map(({ id }) => id)), [groups])
  const selection = keepListed(chosen, listed)

  return (
    <div className={styles['pane']}>
      <button
        type="button"
        className={styles['new']}
        data-new=""
        aria-keyshortcuts={ariaChord('Mod+Shift+O')}
        title={`New conversation (${chordText('Mod+Shift+O')})`}
        onClick={startConversation}
      >
        <Icon name="plus" />
        <span>New conversation</span>
        <kbd>{chordText('Mod+Shift+O', { short: true })}</kbd>
      </button>
      <div className={styles['tools']}>
        <SearchBox query={query} onQuery={search} />
        <Menu
          label="All conversations"
          items={[
            { label: 'Import…', icon: 'import', onSelect: chooseImport },
            { label: 'Export all', icon: 'export', onSelect: () => void exportAllConversations() },
          ]}
        />
      </div>
      <SelectionBar
        conversations={conversations.filter(({ id }) => selection.ids.has(id))}
        onDone={() => setChosen(noSelection)}
      />
      {query.trim() !== '' && <SearchResults query={query} onDone={() => search('')} />}
      <div className={styles['list']} hidden={query.trim() !== ''}>
        <ConversationRows
          groups={groups}
          openId={conversationId}
          selection={selection}
          onSelect={setChosen}
        />
        {groups.length === 0 && connection === 'open' && (
          <p className={styles['none']}>Conversations are kept here, on this machine only.</p>
        )}
      </div>
      <ul className={styles['ends']}>
        {archivedCount > 0 && (
          <li>
            <button
              type="button"
              className={styles['end']}
              aria-pressed={isArchive}
              onClick={() => {
                showList({ isArchive: !isArchive })
                setChosen(noSelection)
              }}
            >
              <Icon name="archive" /> Archived <span className={styles['count']}>{archivedCount}</span>
            </button>
          </li>
        )}
        <li>
          <button
            type="button"
            data-end=""
            data-tour="library"
            className={styles['end']}
            onClick={() => showDialog('library')}
          >
            <Icon name="library" /> Library
          </button>
        </li>
        <li>
          <button type="button" data-end="" className={styles['end']} onClick={() => showDialog('settings')}>
            <Icon name="settings" /> Settings
          </button>
        </li>
      </ul>
    </div>
  )
}

/** Shows an empty page for a new conversation, ready to be written on. */
export function startConversation(): void {
  newConversation()
  requestAnimationFrame(focusComposer)
}

/** Shows the archived conversations in the list, or again the others, and brings the focus there. */
export function toggleArchive(): void {
  openPane('list')
  showList({ query: '', isArchive: !useApp.getState().listView.isArchive })
  requestAnimationFrame(() =>
    document.querySelector<HTMLElement>('[data-pane="list"] [data-row][tabindex="0"]')?.focus(),
  )
}

function search(query: string): void {
  showList({ query })
}
