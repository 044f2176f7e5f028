import { useShallow } from 'zustand/react/shallow'
import { focusComposer } from './chat/composer.tsx'
import { togglePane } from './panes.ts'
import { machineText } from './pool/machine-text.ts'
import { showOverlay, useApp } from './store.ts'
import { Icon } from './ui/icon.tsx'
import { ariaChord, chordText } from './ui/shortcut.ts'
import styles from './window-header.module.css'

type WindowHeaderProps = {
  /** Id of the pane where it opens over the chat; null where it stands beside it. */
  readonly listSheet: string | null
  readonly poolSheet: string | null
}

/** The upper edge: which machine this is and whether the host is there, the way to all commands, and a switch for each pane. */
export function WindowHeader({ listSheet, poolSheet }: WindowHeaderProps) {
  const { connection, machine, panes } = useApp(
    useShallow((state) => ({
      connection: state.connection,
      machine: state.pool && machineText(state.pool),
      panes: state.panes,
    })),
  )
  return (
    <header className={styles['header']}>
      <button type="button" className={styles['skip']} onClick={focusComposer}>
        Skip to the message box
      </button>
      <button
        type="button"
        className={styles['toggle']}
        aria-label="Conversations"
        title={`Conversations (${chordText('Mod+B')})`}
        aria-keyshortcuts={ariaChord('Mod+B')}
        aria-expanded={listSheet === null ? panes.list.isOpen : undefined}
        popoverTarget={listSheet ?? undefined}
        onClick={listSheet === null ? () => togglePane('list') : undefined}
      >
        <Icon name={listSheet === null ? 'pane-left' : 'menu'} />
      </button>
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
      <span className={styles['space']} />
      <button
        type="button"
        className={styles['find']}
        aria-keyshortcuts={ariaChord('Mod+K')}
        aria-haspopup="dialog"
        onClick={() => showOverlay('palette')}
      >
        <Icon name="search" size={14} />
        <span className={styles['findText']}>Find a command</span>
        <kbd>{chordText('Mod+K')}</kbd>
      </button>
      <button
        type="button"
        className={styles['toggle']}
        aria-label="Memory pool"
        title={`Memory pool (${chordText('Mod+Alt+B')})`}
        aria-keyshortcuts={ariaChord('Mod+Alt+B')}
        aria-expanded={poolSheet === null ? panes.pool.isOpen : undefined}
        popoverTarget={poolSheet ?? undefined}
        onClick={poolSheet === null ? () => togglePane('pool') : undefined}
      >
        <Icon name="pane-right" />
      </button>
    </header>
  )
}
