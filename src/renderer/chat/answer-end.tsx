import { endedEarly, type Answer } from '../../contract/conversation.ts'
import { runningTurnId } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import styles from './answer-end.module.css'
import { whyUnusable } from './next-model.ts'
import { FullContext } from './full-context.tsx'
import { askAgain, continueAnswer, wasCut } from './turn-actions.ts'
import { useNextModel } from './use-next-model.ts'

type AnswerEndProps = {
  readonly answer: Answer
  readonly turnId: string
  readonly isLast: boolean
}

/** How an answer ended, when there is something to say about it, and what can be done then. */
export function AnswerEnd({ answer, turnId, isLast }: AnswerEndProps) {
  const { state, modelId } = answer
  if (state.kind === 'interrupted') {
    const { problem } = state
    return (
      <div className={styles['trouble']}>
        <ProblemText problem={problem}>
          {isLast && problem.details.remedies && (
            <Remedies remedies={problem.details.remedies} modelId={modelId} />
          )}
          {isLast && problem.code === 'CONTEXT_FULL' && <FullContext modelId={modelId} />}
          {isLast && <GoOn answer={answer} />}
          {isLast && <SendAgain answer={answer} turnId={turnId} />}
        </ProblemText>
      </div>
    )
  }
  const words = state.kind === 'done' ? describeStop(answer, state) : null
  if (words === null) return null
  return (
    <div className={styles['stop']}>
      <p>{words}</p>
      {isLast && state.kind === 'done' && state.stopReason === 'context-full' && (
        <FullContext modelId={modelId} />
      )}
      {isLast && <GoOn answer={answer} />}
      {isLast && endedEarly(state) && <SendAgain answer={answer} turnId={turnId} />}
    </div>
  )
}

/** Lets a cut answer go on where its text ends. */
function GoOn({ answer }: Pick<AnswerEndProps, 'answer'>) {
  const isBusy = useApp((state) => state.connection !== 'open' || runningTurnId(state.conversation) !== null)
  if (!wasCut(answer)) return null
  return (
    <div className={styles['again']}>
      <Button icon="play" disabled={isBusy} onClick={() => void continueAnswer(answer.id)}>
        Continue
      </Button>
    </div>
  )
}

function describeStop(
  { modelName, stats }: Answer,
  { stopReason, repeated }: Extract<Answer['state'], { kind: 'done' }>,
): string | null {
  switch (stopReason) {
    case 'end':
      return null
    case 'stopped':
      return 'Stopped by you'
    case 'stop-text':
      return 'Ended at a stop text'
    case 'repetition': {
      const what = repeated === undefined ? '' : `: “${shorten(repeated)}”`
      return `Stopped early: the answer had begun to repeat itself${what}`
    }
    case 'max-tokens':
      return 'Cut off: the answer reached the longest length that was allowed'
    case 'context-full': {
      const held = stats ? ` with ${formatCount(stats.promptTokens + stats.generatedTokens)} tokens` : ''
      return `The answer stops here: the context of ${modelName} is full${held}. A new conversation begins with an empty one; the library sets how large each model’s may become`
    }
    case 'crashed':
      return `The process of ${modelName} ended before the answer did`
    case 'failed':
      return `${modelName} could not finish the answer`
    default:
      return stopReason satisfies never
  }
}

/** The beginning of a text, on one line. */
function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 60 ? `${line.slice(0, 60).trimEnd()}…` : line
}

/** Asks the turn again: the same model, or the one that is chosen for the next turn. */
function SendAgain({ answer, turnId }: Pick<AnswerEndProps, 'answer' | 'turnId'>) {
  const { models, residency, chosen } = useNextModel()
  const isBusy = useApp((state) => state.connection !== 'open' || runningTurnId(state.conversation) !== null)
  const same = models.find((model) => model.id === answer.modelId && whyUnusable(model, residency) === null)
  const other = chosen && chosen.id !== answer.modelId ? chosen : null
  return (
    <div className={styles['again']}>
      {same && (
        <Button icon="retry" disabled={isBusy} onClick={() => void askAgain(turnId, [same.id])}>
          Send again
        </Button>
      )}
      {other && (
        <Button icon="retry" disabled={isBusy} onClick={() => void askAgain(turnId, [other.id])}>
          {`Send again to ${other.name}`}
        </Button>
      )}
    </div>
  )
}
