import { useState, type CSSProperties, type MouseEvent } from 'react'
import type { ConversationSummary } from '../../contract/conversation.ts'
import { attempt, host } from '../store.ts'
import { Menu } from '../ui/menu.tsx'
import { openOwnMenu } from '../ui/own-menu.ts'
import { archiveConversations, pinConversations } from './conversation-actions.ts'
import { exportConversation } from './conversation-files.ts'
import styles from './conversation-list.module.css'

type ConversationRowProps = {
  readonly conversation: ConversationSummary
  /** Where it is in its group, which is not drawn as a whole. */
  readonly place: { readonly index: number; readonly count: number }
  readonly isOpen: boolean
  readonly isTabStop: boolean
  /** Null while nothing is selected. */
  readonly isSelected: boolean | null
  readonly isRenaming: boolean
  readonly onFocus: (id: string) => void
  readonly onPress: (id: string, event: MouseEvent) => void
  /** `leave`: renaming ended because the focus went elsewhere. */
  readonly onRename: (step: 'start' | 'end' | 'leave') => void
  readonly onDelete: () => void
}

/** One conversation of the list: opens it, and offers what can be done with it. */
export function ConversationRow(props: ConversationRowProps) {
  const {
    conversation,
    place,
    isOpen,
    isTabStop,
    isSelected,
    isRenaming,
    onFocus,
    onPress,
    onRename,
    onDelete,
  } = props
  const { id, title, isPinned, isArchived } = conversation
  const common = {
    className: styles['row'],
    style: { '--at': place.index } as CSSProperties,
    'aria-setsize': place.count,
    'aria-posinset': place.index + 1,
  }
  if (isRenaming) {
    return (
      <li {...common}>
        <RenameField conversation={conversation} onDone={onRename} />
      </li>
    )
  }
  return (
    <li
      {...common}
      data-open={isOpen || undefined}
      data-selected={isSelected === true || undefined}
      onContextMenu={openOwnMenu}
    >
      <button
        type="button"
        className={styles['title']}
        aria-current={isOpen ? 'page' : undefined}
        aria-pressed={isSelected ?? undefined}
        title={title}
        tabIndex={isTabStop ? 0 : -1}
        data-row={id}
        onFocus={() => onFocus(id)}
        onClick={(event) => onPress(id, event)}
        onDoubleClick={() => onRename('start')}
      >
        {title}
      </button>
      <Menu
        label={`Actions for ${title}`}
        tabIndex={isTabStop ? 0 : -1}
        items={[
          isPinned
            ? { label: 'Unpin', icon: 'unpin', onSelect: () => void pinConversations([id], false) }
            : { label: 'Pin', icon: 'pin', onSelect: () => void pinConversations([id], true) },
          { label: 'Rename', icon: 'pencil', shortcut: 'F2', onSelect: () => onRename('start') },
          isArchived
            ? {
                label: 'Move back to the list',
                icon: 'unarchive',
                onSelect: () => void archiveConversations([id], false),
              }
            : { label: 'Archive', icon: 'archive', onSelect: () => void archiveConversations([id], true) },
          {
            label: 'Export as Markdown',
            icon: 'export',
            onSelect: () => void exportConversation(id, 'markdown'),
          },
          { label: 'Export as JSON', icon: 'export', onSelect: () => void exportConversation(id, 'json') },
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
      void attempt(() => host().conversations.update({ id, title: renamed }))
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
