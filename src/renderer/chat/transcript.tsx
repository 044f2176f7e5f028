import { useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { Answer } from '../../contract/conversation.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { AnswerAnnouncer } from './answer-announcer.tsx'
import { focusComposer } from './composer.tsx'
import styles from './transcript.module.css'
import { TurnView } from './turn-view.tsx'
import { useFollowEnd } from './use-follow-end.ts'
import { Welcome } from './welcome.tsx'

/** The turns of the open conversation. Follows the end while the reader is there. */
export function Transcript() {
  const { conversation, models, isNew } = useApp(
    useShallow((state) => ({
      conversation: state.conversation,
      models: state.models,
      isNew: state.conversationId === null,
    })),
  )
  const colours = useMemo(() => new Map(models.map(({ id, colour }) => [id, colour])), [models])
  const turns = conversation?.turns ?? []
  const last = turns.at(-1)
  const lastAnswer = last ? chosenAnswer(last) : null
  const { scroller, content, isFollowing, jumpToEnd } = useFollowEnd(last?.id)
  const isEmpty = isNew || (conversation !== null && turns.length === 0)
  return (
    <div className={styles['frame']}>
      <div ref={scroller} className={styles['scroller']}>
        <div ref={content} className={styles['content']} aria-busy={!isNew && conversation === null}>
          <h2 className="visually-hidden">{conversation?.title ?? 'New conversation'}</h2>
          {isEmpty && <Welcome />}
          {turns.map((turn) => (
            <TurnView
              key={turn.id}
              turn={turn}
              colour={colours.get(chosenAnswer(turn).modelId) ?? null}
              isLast={turn === last}
              memoryText={lastAnswer?.memoryStartsAtTurnId === turn.id ? memoryText(lastAnswer) : null}
            />
          ))}
        </div>
        {/* Inside of the scroller, so that the wheel goes on working over it. */}
        {!isFollowing && (
          <div className={styles['jump']}>
            <button
              type="button"
              onClick={() => {
                jumpToEnd()
                // The button goes; the focus should not go with it.
                focusComposer()
              }}
            >
              <Icon name="down" size={14} /> Jump to the end
            </button>
          </div>
        )}
      </div>
      <AnswerAnnouncer answer={lastAnswer} />
    </div>
  )
}

/** Said where a model's memory of the conversation begins, once that is not its beginning. */
export function memoryText({
  modelName,
  memoryKeepsFirstTurn = false,
}: Pick<Answer, 'modelName' | 'memoryKeepsFirstTurn'>): string {
  return memoryKeepsFirstTurn
    ? `From here on ${modelName} remembers everything, and the first turn: what is between did not fit into its context`
    : `The memory of ${modelName} begins here: what is above did not fit into its context`
}
