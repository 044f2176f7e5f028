import { useShallow } from 'zustand/react/shallow'
import styles from './app.module.css'
import { ChatPane } from './chat/chat-pane.tsx'
import { ConversationList } from './chat/conversation-list.tsx'
import { LibraryDialog } from './library/library-dialog.tsx'
import { PoolPane } from './pool/pool-pane.tsx'
import { SettingsDialog } from './settings-dialog.tsx'
import { useApp } from './store.ts'
import { Notices } from './ui/notices.tsx'

/** The whole page: conversations, chat and pool side by side. */
export function App() {
  const { connection, machine, dialog } = useApp(
    useShallow((state) => ({
      connection: state.connection,
      machine: state.pool?.machine.name ?? null,
      dialog: state.dialog,
    })),
  )
  return (
    <div className={styles['page']}>
      <header className={styles['header']}>
        <h1 className={styles['brand']}>Plenum</h1>
        <p className={styles['status']} role="status">
          <span className={styles['dot']} data-connection={connection} aria-hidden="true" />
          {connection === 'open'
            ? (machine ?? 'Reading the machine')
            : connection === 'connecting'
              ? 'Connecting'
              : 'Connection lost, trying again'}
        </p>
      </header>
      <nav className={styles['nav']} aria-label="Conversations">
        <ConversationList />
      </nav>
      <main className={styles['main']}>
        <ChatPane />
      </main>
      <aside className={styles['aside']} aria-label="Memory pool">
        <PoolPane />
      </aside>
      {dialog === 'library' && <LibraryDialog />}
      {dialog === 'settings' && <SettingsDialog />}
      <Notices />
    </div>
  )
}
