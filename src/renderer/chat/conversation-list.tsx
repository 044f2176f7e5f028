import { useRef, useState, type KeyboardEvent } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { ConversationSummary } from '../../contract/conversation.ts'
import { attempt, host, newConversation, showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Icon } from '../ui/icon.tsx'
import { ariaChord, chordText } from '../ui/shortcut.ts'
import { useToday } from '../ui/use-today.ts'
import { focusComposer } from './composer.tsx'
import { groupByDay } from './conversation-groups.ts'
import styles from './conversation-list.module.css'
import { ConversationRow } from './conversation-row.tsx'

/** All conversations by day, with what can be done with each; below them the library and the settings. */
export function ConversationList() {
  const { conversations, conversationId, connection } = useApp(
    useShallow((state) => ({
      conversations: state.conversations,
      conversationId: state.conversationId,
      connection: state.connection,
    })),
  )
  const today = useToday()
  const list = useRef<HTMLDivElement>(null)
  const [focusedId, setFocusedId] = useState<string | null>(null)
  const [renamingId, setRenamingId] = useState<string | null>(null)
  const [deleting, setDeleting] = useState<ConversationSummary | null>(null)

  // One stop for the Tab key: the row that had the focus last, else the open one, else the first.
  const tabStop = [focusedId, conversationId].find((id) => conversations.some((known) => known.id === id))
  const groups = groupByDay(conversations, today)
  const stopId = tabStop ?? groups[0]?.conversations[0]?.id

  const moveFocus = (event: KeyboardEvent) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
    const at = rows.findIndex((row) => row === document.activeElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
    if (at === -1 || to === undefined) return
    event.preventDefault()
    rows[Math.min(Math.max(to, 0), rows.length - 1)]?.focus()
  }

  const focusRow = (id: string) =>
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`)?.focus(),
    )

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
      {/* The arrow keys move between the rows, which are the controls. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div ref={list} className={styles['list']} onKeyDown={moveFocus}>
        {groups.map((group) => (
          <section key={group.label} aria-label={group.label}>
            <h2 className={styles['day']}>{group.label}</h2>
            <ul className={styles['rows']}>
              {group.conversations.map((conversation) => (
                <ConversationRow
                  key={conversation.id}
                  conversation={conversation}
                  isOpen={conversation.id === conversationId}
                  isTabStop={conversation.id === stopId}
                  isRenaming={conversation.id === renamingId}
                  onFocus={setFocusedId}
                  onRename={(step) => {
                    setRenamingId(step === 'start' ? conversation.id : null)
                    if (step === 'end') focusRow(conversation.id)
                  }}
                  onDelete={() => setDeleting(conversation)}
                />
              ))}
            </ul>
          </section>
        ))}
        {conversations.length === 0 && connection === 'open' && (
          <p className={styles['none']}>Conversations are kept here, on this machine only.</p>
        )}
      </div>
      <ul className={styles['ends']}>
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
      {deleting && (
        <DeleteDialog
          conversation={deleting}
          onClose={(isDeleted) => {
            setDeleting(null)
            if (isDeleted && deleting.id === conversationId) newConversation()
          }}
        />
      )}
    </div>
  )
}

/** Shows an empty page for a new conversation, ready to be written on. */
export function startConversation(): void {
  newConversation()
  requestAnimationFrame(focusComposer)
}

type DeleteDialogProps = {
  readonly conversation: ConversationSummary
  readonly onClose: (isDeleted: boolean) => void
}

function DeleteDialog({ conversation, onClose }: DeleteDialogProps) {
  const { id, title, turnCount } = conversation
  const remove = async () => {
    const removed = await attempt(async () => {
      await host().conversations.delete({ id })
      return true
    })
    onClose(removed === true)
  }
  return (
    <Dialog title="Delete this conversation?" size="small" onClose={() => onClose(false)}>
      <div className={styles['confirm']}>
        <p>
          “{title}” with its {turnCount === 1 ? 'one turn' : `${String(turnCount)} turns`} will be gone for
          good.
        </p>
        <div className={styles['choices']}>
          <Button onClick={() => onClose(false)}>Keep it</Button>
          <Button look="danger" icon="trash" onClick={() => void remove()}>
            Delete
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
