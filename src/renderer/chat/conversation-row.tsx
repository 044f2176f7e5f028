import { useState, type KeyboardEvent } from 'react'
import type { ConversationSummary } from '../../contract/conversation.ts'
import { attempt, host, openConversation } from '../store.ts'
import { Menu } from '../ui/menu.tsx'
import styles from './conversation-list.module.css'

type ConversationRowProps = {
  readonly conversation: ConversationSummary
  readonly isOpen: boolean
  readonly isTabStop: boolean
  readonly isRenaming: boolean
  readonly onFocus: (id: string) => void
  /** `leave`: renaming ended because the focus went elsewhere. */
  readonly onRename: (step: 'start' | 'end' | 'leave') => void
  readonly onDelete: () => void
}

/** One conversation of the list: opens it, renames it in place (F2, double click), offers to delete it. */
export function ConversationRow(props: ConversationRowProps) {
  const { conversation, isOpen, isTabStop, isRenaming, onFocus, onRename, onDelete } = props
  const { id, title } = conversation
  if (isRenaming) {
    return (
      <li className={styles['row']}>
        <RenameField conversation={conversation} onDone={onRename} />
      </li>
    )
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'F2') onRename('start')
    else if (event.key === 'Delete') onDelete()
    else return
    event.preventDefault()
  }
  return (
    <li className={styles['row']} data-open={isOpen || undefined}>
      <button
        type="button"
        className={styles['title']}
        aria-current={isOpen ? 'page' : undefined}
        title={title}
        tabIndex={isTabStop ? 0 : -1}
        data-row={id}
        onFocus={() => onFocus(id)}
        onClick={() => openConversation(id)}
        onDoubleClick={() => onRename('start')}
        onKeyDown={onKeyDown}
      >
        {title}
      </button>
      <Menu
        label={`Actions for ${title}`}
        tabIndex={isTabStop ? 0 : -1}
        items={[
          { label: 'Rename', icon: 'pencil', shortcut: 'F2', onSelect: () => onRename('start') },
          { label: 'Delete', icon: 'trash', shortcut: 'Del', danger: true, onSelect: onDelete },
        ]}
      />
    </li>
  )
}

function RenameField({
  conversation: { id, title },
  onDone,
}: {
  readonly conversation: ConversationSummary
  readonly onDone: (step: 'end' | 'leave') => void
}) {
  const [text, setText] = useState(title)
  const save = (step: 'end' | 'leave') => {
    const renamed = text.trim()
    if (renamed !== '' && renamed !== title) {
      void attempt(() => host().conversations.rename({ id, title: renamed }))
    }
    onDone(step)
  }
  return (
    <input
      ref={selectOnce}
      className={styles['rename']}
      aria-label="Name of the conversation"
      value={text}
      maxLength={200}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => save('leave')}
      onKeyDown={(event) => {
        event.stopPropagation()
        if (event.nativeEvent.isComposing) return
        if (event.key === 'Enter') save('end')
        if (event.key === 'Escape') onDone('end')
      }}
    />
  )
}

function selectOnce(input: HTMLInputElement | null): void {
  input?.select()
}
