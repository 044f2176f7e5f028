import { useId, type MouseEvent } from 'react'
import { useShallow } from 'zustand/react/shallow'
import styles from './app.module.css'
import { ChatPane } from './chat/chat-pane.tsx'
import { ConversationList } from './chat/conversation-list.tsx'
import { ImportDialog } from './chat/import-dialog.tsx'
import { LibraryDialog } from './library/library-dialog.tsx'
import { LoadSettings } from './library/load-settings.tsx'
import { machineText } from './pool/machine-text.ts'
import { PoolPane } from './pool/pool-pane.tsx'
import { SettingsDialog } from './settings/settings-dialog.tsx'
import { useApp } from './store.ts'
import { Icon } from './ui/icon.tsx'
import { Notices } from './ui/notices.tsx'
import { useMediaQuery } from './ui/use-media-query.ts'

/** The whole page: conversations, chat and pool side by side. */
export function App() {
  const { connection, machine, dialog, settingsOf } = useApp(
    useShallow((state) => ({
      connection: state.connection,
      machine: state.pool && machineText(state.pool),
      dialog: state.dialog,
      settingsOf: state.models.find(
        ({ id }) => state.proposal?.from === 'settings' && id === state.proposal.modelId,
      ),
    })),
  )
  // With little room the conversations open over the page; app.module.css knows the same width.
  const isNarrow = useMediaQuery('(width < 56.25rem)')
  const navId = useId()
  // Under a dialog that stands beside the pool.
  const isCovered = dialog === 'library' || settingsOf !== undefined
  return (
    <div className={styles['page']}>
      <header className={styles['header']}>
        {isNarrow && (
          <button
            type="button"
            className={styles['toggle']}
            aria-label="Conversations"
            title="Conversations"
            popoverTarget={navId}
          >
            <Icon name="menu" />
          </button>
        )}
        <h1 className={styles['brand']}>Plenum</h1>
        <p className={styles['status']} role="status" data-connection={connection}>
          <span className={styles['dot']} aria-hidden="true" />
          <span className={styles['words']}>
            {connection === 'open'
              ? (machine ?? 'Reading the machine')
              : connection === 'connecting'
                ? 'Connecting'
                : 'Connection lost, trying again'}
          </span>
        </p>
      </header>
      {/* Presses bubble up to it; it is no control itself. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions */}
      <nav
        id={navId}
        className={styles['nav']}
        aria-label="Conversations"
        inert={isCovered}
        popover={isNarrow ? 'auto' : undefined}
        onClick={isNarrow ? closeAfterChoice : undefined}
      >
        <ConversationList />
      </nav>
      <main className={styles['main']} inert={isCovered}>
        <ChatPane />
      </main>
      <aside
        className={styles['aside']}
        aria-label="Memory pool"
        data-stale={connection === 'lost' || undefined}
      >
        <PoolPane />
      </aside>
      {dialog === 'library' && <LibraryDialog />}
      {dialog === 'settings' && <SettingsDialog />}
      {settingsOf && <LoadSettings key={settingsOf.id} model={settingsOf} />}
      <ImportDialog />
      <Notices />
    </div>
  )
}

/** The list has done its part when a conversation was opened or begun. */
function closeAfterChoice({ target, currentTarget }: MouseEvent<HTMLElement>): void {
  if (target instanceof Element && target.closest('[data-row], [data-new]')) currentTarget.hidePopover()
}
