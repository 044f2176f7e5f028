import { memo } from 'react'
import type { Answer } from '../../contract/conversation.ts'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { isRunning } from '../conversation-mirror.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { AnswerEnd } from './answer-end.tsx'
import { AnswerText } from './answer-text.tsx'
import { AnswerFigures } from './answer-figures.tsx'
import { ReadingNote, WaitingNote } from './answer-progress.tsx'
import styles from './answer-view.module.css'
import { asJsonCode } from './json-answer.ts'

type AnswerViewProps = {
  readonly answer: Answer
  readonly turnId: string
  readonly colour: number | null
  /** Only the last turn can be asked again. */
  readonly isLast: boolean
}

/** One model's answer: who it is, what it cost, its text, and where it stands. */
export const AnswerView = memo(function AnswerView({ answer, turnId, colour, isLast }: AnswerViewProps) {
  const { modelName, text, state, stats } = answer
  const isWriting = state.kind === 'writing'
  return (
    <article
      className={styles['answer']}
      aria-label={`Answer by ${modelName}`}
      aria-busy={isRunning(answer)}
      data-answer={answer.id}
      data-colour={colour === null ? undefined : colour % 10}
    >
      <header className={styles['header']}>
        <span className={styles['who']}>
          <ModelSwatch colour={colour} />
          <span className={styles['name']} title={modelName}>
            {modelName}
          </span>
          {text !== '' && !isRunning(answer) && (
            <span className={styles['copy']}>
              <CopyButton label="Copy answer" text={() => withoutThoughts(text)} />
            </span>
          )}
        </span>
        {stats && <AnswerFigures answer={answer} stats={stats} />}
      </header>
      {state.kind === 'waiting' && <WaitingNote modelId={answer.modelId} reason={state.reason} />}
      {state.kind === 'reading' && <ReadingNote state={state} />}
      {(text !== '' || isWriting) && (
        <AnswerText
          text={answer.isJson === true ? asJsonCode(text) : text}
          thoughts={answer.thoughts}
          isGrowing={isWriting}
        />
      )}
      {!isRunning(answer) && <AnswerEnd answer={answer} turnId={turnId} isLast={isLast} />}
    </article>
  )
})
