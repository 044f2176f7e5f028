import { attempt, newConversation, saveSettings, showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import styles from './answer-end.module.css'

/** What can be done when a model's context holds no more of the conversation. */
export function FullContext() {
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
      <Button icon="library" onClick={() => showDialog('library')}>
        Larger context
      </Button>
    </div>
  )
}
