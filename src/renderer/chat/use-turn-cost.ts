import { useEffect, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { TurnCost } from '../../contract/attachment.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { chosenAnswer, isRunning } from '../conversation-mirror.ts'
import { host, useApp, type AppState } from '../store.ts'
import { shownAsking } from './asking.ts'
import type { DraftAttachment } from './draft-attachments.ts'

/** So long nothing must have been typed before the host is asked. */
const quietMs = 250

const noAttachments: readonly DraftAttachment[] = []

/** The attachments of the message that is being written. */
export function draftAttachments({ attachments, conversationId }: AppState): readonly DraftAttachment[] {
  return attachments[conversationId ?? ''] ?? noAttachments
}

/**
 * What sending the draft to a model would cost, as the host counts it; null until it has, and while an answer is on its way. Asked when typing rests,
 * and again when something has changed that it depends on; the host knows the path, only the draft goes there.
 */
export function useTurnCost(model: LibraryModel | null, residentState: string | undefined): TurnCost | null {
  const modelId = model?.id ?? null
  const question = useApp(useShallow((state) => questionOf(state, modelId)))
  const { conversationId, text, attachmentIds, instructions, facts, isFree } = question
  const [answer, setAnswer] = useState<{ readonly of: string; readonly cost: TurnCost } | null>(null)
  const of = `${modelId ?? ''} ${conversationId ?? ''}`
  useEffect(() => {
    if (modelId === null || !isFree) return
    const abort = new AbortController()
    const timer = setTimeout(() => {
      const ask = async () =>
        host().turns.cost(
          {
            ...{ conversationId, text, modelId },
            attachmentIds: attachmentIds === '' ? [] : attachmentIds.split(' '),
            ...(conversationId === null && { asking: { instructions } }),
          },
          { signal: abort.signal },
        )
      const follow = async () => {
        // The host waits for what is better before it answers, and gives up by itself.
        let cost: TurnCost
        do {
          cost = await ask()
          if (abort.signal.aborted) return
          setAnswer({ of, cost })
        } while (cost.isProvisional === true)
      }
      follow().catch(() => {
        // The model may have left, or the connection: what is said without it stands.
        if (!abort.signal.aborted) setAnswer(null)
      })
    }, quietMs)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
    // The last two are no input: they say that the answer may have changed.
  }, [modelId, conversationId, text, attachmentIds, instructions, isFree, of, facts, residentState])
  return answer?.of === of && isFree ? answer.cost : null
}

// Plain values only: a token that streams or a snapshot of the pool asks nothing again.
function questionOf(state: AppState, modelId: string | null) {
  const { conversationId, conversation, drafts, models, connection, pool } = state
  const shown = conversation?.id === conversationId ? conversation : null
  const turn = shown?.turns.at(-1)
  const answer = turn && chosenAnswer(turn)
  const isFree = connection === 'open' && (!answer || !isRunning(answer))
  const resident = pool?.residents.find((each) => each.modelId === modelId)
  const context = resident?.contexts.find((each) => each.conversationId === conversationId)
  const loadOptions = models.find(({ id }) => id === modelId)?.loadOptions
  return {
    conversationId,
    text: drafts[conversationId ?? ''] ?? '',
    attachmentIds: draftAttachments(state)
      .flatMap((each) => (each.kind === 'ready' ? [each.attachment.id] : []))
      .join(' '),
    instructions: shownAsking(state).instructions,
    facts: JSON.stringify([
      answer?.id,
      answer?.state.kind,
      loadOptions,
      // Idle contexts are given back, and come back.
      isFree && context?.usedTokens,
      draftAttachments(state).map((each) => (each.kind === 'ready' ? each.attachment.characters : 0)),
    ]),
    isFree,
  }
}
