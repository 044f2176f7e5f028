import { memo, useState } from 'react'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { isRunning } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { AnswerActions } from './answer-actions.tsx'
import { AnswerEnd } from './answer-end.tsx'
import { AnswerText } from './answer-text.tsx'
import { AnswerFigures } from './answer-figures.tsx'
import { ReadingNote, WaitingNote } from './answer-progress.tsx'
import styles from './answer-view.module.css'
import { ChangeView } from './change-view.tsx'
import { EditForm } from './edit-form.tsx'
import { asJsonCode } from '../markdown/json-answer.ts'
import { OverruledLine, RoutingLine } from './routing-line.tsx'
import { overruledAnswer } from './routing-text.ts'
import { saveEdit, showAnswer } from './turn-actions.ts'
import { RepairNote, Verdict } from './verdict.tsx'
import { repairedAnswer } from './verdict-text.ts'
import { VersionSwitch } from './version-switch.tsx'

type AnswerViewProps = {
  readonly answer: Answer
  readonly turn: Turn
  readonly colour: number | null
  /** Only the last turn can be asked again. */
  readonly isLast: boolean
  /** It stands beside others: which version it is, is seen. Default false. */
  readonly isColumn?: boolean
}

/** One model's answer: who it is, what it cost, its text, and where it stands. */
export const AnswerView = memo(function AnswerView({
  answer,
  turn,
  colour,
  isLast,
  isColumn = false,
}: AnswerViewProps) {
  const edit = useApp((app) => app.edits[answer.id])
  // Of this version: another one is shown in the same place.
  const [comparedId, setComparedId] = useState<string | null>(null)
  const { modelId, modelName, text, state, stats, routing, verification } = answer
  const overruled = overruledAnswer(answer, turn)
  const failed = repairedAnswer(answer, turn)
  const isCompared = failed !== null && comparedId === answer.id && !isRunning(answer)
  const isWriting = state.kind === 'writing'
  const isRouting = state.kind === 'waiting' && state.isRouting === true
  return (
    <article
      className={styles['answer']}
      aria-label={isRouting ? 'Answer by whom Auto finds' : `Answer by ${modelName}`}
      aria-busy={isRunning(answer)}
      data-answer={answer.id}
      data-colour={colour === null || isRouting ? undefined : colour % 10}
    >
      <header className={styles['header']} data-column={isColumn || undefined}>
        <span className={styles['who']}>
          {isRouting ? <Icon name="route" size={14} /> : <ModelSwatch colour={colour} />}
          <span className={styles['name']} title={isRouting ? undefined : modelName}>
            {isRouting ? 'Auto' : modelName}
          </span>
          {!isColumn && (
            <VersionSwitch
              of="answer"
              place={`answer ${turn.id}`}
              ids={turn.answers.map(({ id }) => id)}
              shownId={answer.id}
              onShow={(id) => showAnswer(turn.id, id)}
            />
          )}
          {answer.isEdited === true && <span className={styles['edited']}>edited</span>}
          {!isRunning(answer) && (
            <span className={styles['copy']}>
              <AnswerActions answer={answer} turn={turn} />
            </span>
          )}
        </span>
        {stats && <AnswerFigures answer={answer} stats={stats} />}
      </header>
      {routing && <RoutingLine {...{ routing, modelId, modelName, isLast }} answerId={answer.id} />}
      {overruled && <OverruledLine overruled={overruled} />}
      {failed && (
        <RepairNote
          failed={failed}
          turnId={turn.id}
          canCompare={!isRunning(answer) && text !== ''}
          isCompared={isCompared}
          onCompare={(isOn) => setComparedId(isOn ? answer.id : null)}
        />
      )}
      {state.kind === 'waiting' && <WaitingNote modelId={isRouting ? null : modelId} reason={state.reason} />}
      {state.kind === 'reading' && <ReadingNote state={state} />}
      {edit !== undefined && !isRunning(answer) && (
        <EditForm
          id={answer.id}
          text={edit}
          label="Edit the answer"
          action="Save"
          hint="Models read it like this from now on"
          onDone={() => saveEdit(answer.id)}
        />
      )}
      {isCompared && edit === undefined ? (
        <ChangeView before={withoutThoughts(failed.text)} after={withoutThoughts(text)} />
      ) : (
        (text !== '' || isWriting) &&
        edit === undefined && (
          <AnswerText
            text={answer.isJson === true ? asJsonCode(text) : text}
            thoughts={answer.thoughts}
            isGrowing={isWriting}
          />
        )
      )}
      {!isRunning(answer) && <AnswerEnd answer={answer} turnId={turn.id} isLast={isLast} />}
      {verification && <Verdict verification={verification} turnId={turn.id} />}
    </article>
  )
})
