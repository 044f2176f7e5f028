import { useEffect, useId, useState, type CSSProperties, type MouseEvent } from 'react'
import { useShallow } from 'zustand/react/shallow'
import styles from './app.module.css'
import { AskingDialog } from './chat/asking-dialog.tsx'
import { ChatPane } from './chat/chat-pane.tsx'
import { ConversationList } from './conversations/conversation-list.tsx'
import { useCommandKeys } from './commands/command-keys.ts'
import { CommandPalette } from './commands/command-palette.tsx'
import { ShortcutSheet } from './commands/shortcut-sheet.tsx'
import { ImportDialog } from './conversations/import-dialog.tsx'
import { LibraryDialog } from './library/library-dialog.tsx'
import { LoadSettings } from './library/load-settings.tsx'
import { PaneSeparator } from './pane-separator.tsx'
import { PipelineDialog } from './pipeline/pipeline-dialog.tsx'
import { ActivityDialog } from './pool/activity-dialog.tsx'
import { PoolPane } from './pool/pool-pane.tsx'
import { SettingsDialog } from './settings/settings-dialog.tsx'
import { showDialog, useApp } from './store.ts'
import { Tour } from './tour/tour.tsx'
import { Notices } from './ui/notices.tsx'
import { useMediaQuery } from './ui/use-media-query.ts'
import { WindowHeader } from './window-header.tsx'

// The same elements each time: moving a separator draws none of them again.
const conversationList = <ConversationList />
const chatPane = <ChatPane />
const poolPane = <PoolPane />

/** The whole page: conversations, chat and pool side by side; with less room the first, and on a phone also the last, open over the chat. */
export function App() {
  useCommandKeys()
  const { connection, panes, dialog, overlay, settingsOf, events } = useApp(
    useShallow((state) => ({
      connection: state.connection,
      panes: state.panes,
      dialog: state.dialog,
      overlay: state.overlay,
      events: state.dialog === 'activity' ? state.pool?.events : undefined,
      settingsOf: state.models.find(
        ({ id }) => state.proposal?.from === 'settings' && id === state.proposal.modelId,
      ),
    })),
  )
  // app.module.css knows the same widths.
  const isNarrow = useMediaQuery('(width < 56.25rem)')
  const isPhone = useMediaQuery('(width < 44rem)')
  const [list, setList] = useState<HTMLElement | null>(null)
  const [pool, setPool] = useState<HTMLElement | null>(null)
  const listId = useId()
  const poolId = useId()
  // Under a dialog that stands beside the pool, or on a phone in place of everything.
  const isCovered = dialog === 'library' || settingsOf !== undefined
  useEffect(() => {
    if (isCovered && isPhone) pool?.hidePopover()
  }, [isCovered, isPhone, pool])
  return (
    <div
      className={styles['page']}
      style={widths(panes)}
      data-list={panes.list.isOpen ? 'open' : 'closed'}
      data-pool={panes.pool.isOpen ? 'open' : 'closed'}
    >
      <WindowHeader listSheet={isNarrow ? listId : null} poolSheet={isPhone ? poolId : null} />
      <Tour />
      {/* Presses bubble up to it; it is no control itself. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions */}
      <nav
        ref={setList}
        id={listId}
        className={styles['nav']}
        data-pane="list"
        aria-label="Conversations"
        inert={isCovered}
        hidden={!isNarrow && !panes.list.isOpen}
        popover={isNarrow ? 'auto' : undefined}
        onClick={isNarrow ? closeAfterChoice : undefined}
      >
        {conversationList}
        {!isNarrow && <PaneSeparator name="list" label="Width of the conversation list" pane={list} />}
      </nav>
      <main className={styles['main']} inert={isCovered}>
        {chatPane}
      </main>
      <aside
        ref={setPool}
        id={poolId}
        className={styles['aside']}
        data-pane="pool"
        aria-label="Memory pool"
        data-stale={connection === 'lost' || undefined}
        hidden={!isPhone && !panes.pool.isOpen}
        popover={isPhone ? 'auto' : undefined}
      >
        {!isPhone && <PaneSeparator name="pool" label="Width of the memory pool" pane={pool} />}
        {poolPane}
      </aside>
      {dialog === 'library' && <LibraryDialog />}
      {dialog === 'settings' && <SettingsDialog />}
      {events && <ActivityDialog events={events} onClose={() => showDialog(null)} />}
      {dialog === 'asking' && <AskingDialog onClose={() => showDialog(null)} />}
      {settingsOf && <LoadSettings key={settingsOf.id} model={settingsOf} />}
      {overlay === 'palette' && <CommandPalette />}
      {overlay === 'shortcuts' && <ShortcutSheet />}
      <ImportDialog />
      <PipelineDialog />
      <Notices />
    </div>
  )
}

/** What app.module.css takes in place of its own widths. */
function widths({ list, pool }: ReturnType<typeof useApp.getState>['panes']): CSSProperties {
  return {
    ...(list.width !== null && { '--list-width': `${String(list.width)}px` }),
    ...(pool.width !== null && { '--pool-width': `${String(pool.width)}px` }),
  } as CSSProperties // React's type does not know custom properties.
}

/** The list has done its part when a conversation was opened or begun, or something that covers it. */
function closeAfterChoice({ target, currentTarget }: MouseEvent<HTMLElement>): void {
  if (target instanceof Element && target.closest('[data-row], [data-new], [data-end]'))
    currentTarget.hidePopover()
}
