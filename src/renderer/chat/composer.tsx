import { useEffect, useRef, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { runningTurnId } from '../conversation-mirror.ts'
import { sendTurn } from '../send-turn.ts'
import { attempt, host, useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { AskingButton } from './asking-button.tsx'
import { AttachButton } from './attach-button.tsx'
import { AttachmentChips } from './attachment-chips.tsx'
import { excessOf } from './attachment-cost.ts'
import { isAutoNext } from './auto-choice.ts'
import { AutoLine } from './auto-line.tsx'
import styles from './composer.module.css'
import { CostLine } from './cost-line.tsx'
import { MessageField } from './message-field.tsx'
import { ModelPicker } from './model-picker.tsx'
import { PlanLine } from './plan-line.tsx'
import { modelsBeside } from './several-models.ts'
import { useNextModel } from './use-next-model.ts'
import { draftAttachments, useTurnCost } from './use-turn-cost.ts'

/** Where a message is written and sent: its text and attachments, the model that takes the turn, and what that costs. */
export function Composer() {
  const { conversationId, draft, attachments, runningId, isConnected } = useApp(
    useShallow((state) => ({
      conversationId: state.conversationId,
      draft: state.drafts[state.conversationId ?? ''] ?? '',
      attachments: draftAttachments(state),
      runningId: runningTurnId(state.conversation),
      isConnected: state.connection === 'open',
    })),
  )
  const { models, residency, chosen } = useNextModel()
  const besideIds = useApp((state) => state.besideIds)
  const beside = modelsBeside(besideIds, { models, residency, chosen })
  const isAuto = useApp(isAutoNext)
  const cost = useTurnCost(chosen, chosen ? residency[chosen.id] : undefined)
  const [isSending, setIsSending] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus(), [])

  const ready = attachments.flatMap((each) => (each.kind === 'ready' ? [each.attachment] : []))
  // Judged by the number of letters alone it may fit after all.
  const isTooLarge = !isAuto && cost?.isExact === true && excessOf(cost, ready) !== null
  const hasMessage = draft.trim() !== '' || ready.length > 0
  const isFree = isConnected && runningId === null && !isSending && ready.length === attachments.length
  const canSend = chosen !== null && isFree && hasMessage && !isTooLarge
  const send = async () => {
    field.current?.focus()
    if (!canSend) return
    setIsSending(true)
    await sendTurn(draft, chosen.id, { beside: beside.map(({ id }) => id), isAuto })
    setIsSending(false)
  }
  const stop = (turnId: string) => {
    field.current?.focus()
    void attempt(() => host().turns.stop({ turnId }))
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
        {attachments.length > 0 && <AttachmentChips attachments={attachments} model={chosen} cost={cost} />}
        <MessageField
          field={field}
          conversationId={conversationId}
          draft={draft}
          placeholder={
            isAuto && chosen
              ? 'Message, and Auto finds who answers'
              : chosen
                ? `Message ${shorten(chosen.name)}${beside.length > 0 ? ` and ${String(beside.length)} more` : ''}`
                : 'Add a model to begin'
          }
          onSend={() => void send()}
        />
        <div className={styles['row']}>
          <ModelPicker
            models={models}
            residency={residency}
            chosen={chosen}
            beside={besideIds && beside}
            onChosen={() => field.current?.focus()}
          />
          <div className={styles['tools']}>
            <AttachButton onDone={() => field.current?.focus()} />
            <AskingButton />
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
        </div>
        {chosen && beside.length > 0 && <PlanLine modelIds={[chosen, ...beside].map(({ id }) => id)} />}
        {chosen && isAuto && <AutoLine fallback={chosen} />}
        {chosen && !isAuto && beside.length === 0 && (
          <CostLine model={chosen} state={residency[chosen.id]} turnCost={cost} />
        )}
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
