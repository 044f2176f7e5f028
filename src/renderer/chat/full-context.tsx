import { openSettings } from '../proposal.ts'
import { newConversation } from '../open-conversation.ts'
import { attempt, saveSettings, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import styles from './answer-end.module.css'

/** What can be done when a model's context holds no more of the conversation. */
export function FullContext({ modelId }: { readonly modelId: string }) {
  const stops = useApp((state) => state.settings?.contextFull === 'stop')
  return (
    <div className={styles['again']}>
      {stops && (
        <Button onClick={() => void attempt(() => saveSettings({ contextFull: 'slide' }))}>
          Let the oldest turns slide out
        </Button>
      )}
      <Button icon="plus" onClick={newConversation}>
        New conversation
      </Button>
      <Button icon="settings" onClick={() => void openSettings({ modelId })}>
        Larger context
      </Button>
    </div>
  )
}
