import { useShallow } from 'zustand/react/shallow'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { isRunning } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import styles from './answer-columns.module.css'
import { AnswerView } from './answer-view.tsx'
import { keepAnswer, showSideBySide, stopAnswers } from './turn-actions.ts'

type AnswerColumnsProps = {
  readonly turn: Turn
  readonly answers: readonly Answer[]
  readonly isLast: boolean
}

/** The answers of several models side by side. One of them is kept, and the conversation goes on from it. */
export function AnswerColumns({ turn, answers, isLast }: AnswerColumnsProps) {
  const colours = useApp(
    useShallow((state) =>
      answers.map(({ modelId }) => state.models.find(({ id }) => id === modelId)?.colour ?? null),
    ),
  )
  const isRunningTurn = answers.some(isRunning)
  return (
    <div>
      {/* Scrolls sideways, which the keyboard can do only where the focus can be. */}
      <div
        role="group"
        aria-label={`Answers of ${String(answers.length)} models`}
        className={styles['columns']}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
      >
        {answers.map((answer, index) => (
          <Column
            key={answer.id}
            turn={turn}
            answer={answer}
            colour={colours[index] ?? null}
            isLast={isLast}
          />
        ))}
      </div>
      {!turn.isUndecided && !isRunningTurn && (
        <Button look="quiet" icon="columns" onClick={() => showSideBySide(turn.id, false)}>
          Only the kept one
        </Button>
      )}
    </div>
  )
}

function Column({
  turn,
  answer,
  colour,
  isLast,
}: Omit<AnswerColumnsProps, 'answers'> & { readonly answer: Answer; readonly colour: number | null }) {
  const isChosen = turn.chosenAnswerId === answer.id
  return (
    <div
      className={styles['column']}
      data-chosen={isChosen || undefined}
      data-colour={colour === null ? undefined : colour % 10}
    >
      <AnswerView answer={answer} turn={turn} colour={colour} isLast={isLast} isColumn />
      <div className={styles['end']}>
        {isRunning(answer) ? (
          <Button
            icon="stop"
            aria-label={`Stop this one, by ${answer.modelName}`}
            onClick={() => void stopAnswers(turn.id, answer.id)}
          >
            Stop this one
          </Button>
        ) : (
          (turn.isUndecided || !isChosen) && (
            <Button
              icon="check"
              aria-label={`Keep this answer by ${answer.modelName}`}
              onClick={() => void keepAnswer(turn.id, answer)}
            >
              Keep this answer
            </Button>
          )
        )}
        {isChosen && <p>{turn.isUndecided ? 'Kept when you send on' : 'Kept'}</p>}
      </div>
    </div>
  )
}
