import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { runningTurnId } from '../conversation-mirror.ts'
import { settleForTurn } from '../proposal.ts'
import { attempt, host, sendTurn, setDraft, useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import styles from './composer.module.css'
import { CostLine } from './cost-line.tsx'
import { ModelPicker } from './model-picker.tsx'
import { useNextModel } from './use-next-model.ts'

/** Where a message is written and sent: its text, the model that takes the turn, and what that costs. */
export function Composer() {
  const { conversationId, draft, runningId, isConnected } = useApp(
    useShallow((state) => ({
      conversationId: state.conversationId,
      draft: state.drafts[state.conversationId ?? ''] ?? '',
      runningId: runningTurnId(state.conversation),
      isConnected: state.connection === 'open',
    })),
  )
  const { models, residency, chosen } = useNextModel()
  const [isSending, setIsSending] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus(), [])

  const canSend = isConnected && chosen !== null && runningId === null && !isSending && draft.trim() !== ''
  const send = async () => {
    field.current?.focus()
    if (!canSend) return
    setIsSending(true)
    await settleForTurn(chosen.id)
    await sendTurn(draft, chosen.id)
    setIsSending(false)
  }
  const stop = (turnId: string) => {
    field.current?.focus()
    void attempt(() => host().turns.stop({ turnId }))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // 229: some browsers end an IME composition with an Enter that is no longer marked as composing.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229)
      return
    event.preventDefault()
    void send()
  }
  return (
    <form
      className={styles['composer']}
      aria-label="Message"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <div className={styles['box']}>
        <textarea
          ref={field}
          data-composer=""
          className={styles['field']}
          aria-label="Message"
          placeholder={chosen ? `Message ${shorten(chosen.name)}` : 'Add a model to begin'}
          rows={1}
          value={draft}
          onChange={(event) => setDraft(conversationId, event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className={styles['row']}>
          <ModelPicker
            models={models}
            residency={residency}
            chosen={chosen}
            onChosen={() => field.current?.focus()}
          />
          {runningId === null ? (
            <button type="submit" className={styles['send']} disabled={!canSend}>
              <Icon name="send" size={14} /> Send
            </button>
          ) : (
            <button type="button" className={styles['send']} onClick={() => stop(runningId)}>
              <Icon name="stop" size={14} /> Stop
            </button>
          )}
        </div>
        {chosen && <CostLine model={chosen} state={residency[chosen.id]} />}
      </div>
    </form>
  )
}

/** Puts the focus into the message box. */
export function focusComposer(): void {
  document.querySelector<HTMLElement>('[data-composer]')?.focus()
}

// The box grows with its placeholder, which should stay in one line.
function shorten(name: string): string {
  return name.length > 28 ? `${name.slice(0, 27).trimEnd()}…` : name
}
