import { useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
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
  const { memoryStartsAtTurnId, modelName } = last ? chosenAnswer(last) : {}
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
              memoryOf={turn.id === memoryStartsAtTurnId ? (modelName ?? null) : null}
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
      <AnswerAnnouncer answer={last ? chosenAnswer(last) : null} />
    </div>
  )
}
