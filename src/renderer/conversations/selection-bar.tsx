import type { ConversationSummary } from '../../contract/conversation.ts'
import { IconButton } from '../ui/icon-button.tsx'
import type { IconName } from '../ui/icon.tsx'
import { archiveConversations, deleteConversations, pinConversations } from './conversation-actions.ts'
import styles from './conversation-list.module.css'

type SelectionBarProps = {
  /** Those that are selected. */
  readonly conversations: readonly ConversationSummary[]
  readonly onDone: () => void
}

/** What can be done with all selected conversations at once; nothing while there are none. */
export function SelectionBar({ conversations, onDone }: SelectionBarProps) {
  const ids = conversations.map(({ id }) => id)
  const arePinned = conversations.every(({ isPinned }) => isPinned)
  const areArchived = conversations.every(({ isArchived }) => isArchived)
  const action = (label: string, icon: IconName, run: () => Promise<void>) => (
    <IconButton
      size="large"
      icon={icon}
      iconSize={16}
      label={label}
      onClick={() => {
        onDone()
        void run()
      }}
    />
  )
  const said = `${String(ids.length)} selected`
  return (
    <div
      className={ids.length > 0 ? styles['selection'] : undefined}
      role="group"
      aria-label="Selected conversations"
    >
      <p role="status" className={ids.length > 0 ? undefined : 'visually-hidden'}>
        {ids.length > 0 ? said : ''}
      </p>
      {ids.length > 0 && (
        <>
          {action(arePinned ? 'Unpin' : 'Pin', arePinned ? 'unpin' : 'pin', () =>
            pinConversations(ids, !arePinned),
          )}
          {action(
            areArchived ? 'Move back to the list' : 'Archive',
            areArchived ? 'unarchive' : 'archive',
            () => archiveConversations(ids, !areArchived),
          )}
          {action('Delete', 'trash', () => deleteConversations(ids))}
          {action('Clear the selection', 'close', () => Promise.resolve())}
        </>
      )}
    </div>
  )
}
