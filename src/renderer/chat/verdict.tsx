import { memo, useState } from 'react'
import type { Answer } from '../../contract/conversation.ts'
import { formatShare, type Verification } from '../../contract/routing.ts'
import { Button } from '../ui/button.tsx'
import { FactList } from '../ui/fact-list.tsx'
import { formatDuration } from '../ui/format.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { showAnswer, stopAnswers } from './turn-actions.ts'
import { repairText, verdictText } from './verdict-text.ts'
import styles from './verdict.module.css'

const marks = {
  checking: 'search',
  pass: 'check',
  fail: 'warning',
  unknown: 'info',
} as const satisfies Record<Verification['outcome']['kind'], IconName>

type VerdictProps = {
  readonly verification: Verification
  readonly turnId: string
}

/** What a verifier said of an answer: one line with a mark, which is read out when it changes; the figures folded. */
export const Verdict = memo(function Verdict({ verification, turnId }: VerdictProps) {
  const [isShown, setIsShown] = useState(false)
  const { outcome } = verification
  const text = verdictText(verification)
  const mark = <Icon name={marks[outcome.kind]} size={14} />
  return (
    <div>
      <div role="status" className={styles['status']} data-outcome={outcome.kind}>
        {outcome.kind === 'checking' ? (
          <p className={styles['verdict']}>
            {mark}
            <span>{outcome.waitsFor === null ? text : `${text} ${outcome.waitsFor}`}</span>
            <Button
              look="quiet"
              icon="stop"
              aria-label="Stop the check"
              onClick={() => void stopAnswers(turnId)}
            >
              Stop
            </Button>
          </p>
        ) : (
          <button
            type="button"
            className={styles['verdict']}
            aria-expanded={isShown}
            title={
              outcome.kind === 'unknown'
                ? undefined
                : `Probability of PASS: ${formatShare(outcome.passProbability)}`
            }
            onClick={() => setIsShown(!isShown)}
          >
            {mark}
            <span>{text}</span>
          </button>
        )}
      </div>
      {isShown && <VerdictDetails verification={verification} turnId={turnId} />}
    </div>
  )
})

function VerdictDetails({ verification, turnId }: VerdictProps) {
  const { verifierName, outcome, repairAnswerId } = verification
  if (outcome.kind === 'checking') return null
  return (
    <div className={styles['details']}>
      {outcome.kind === 'unknown' ? (
        <ProblemText problem={outcome.problem} />
      ) : (
        <FactList
          facts={[
            { name: 'Reason', value: outcome.reason === '' ? null : outcome.reason },
            { name: 'Probability of PASS', value: formatShare(outcome.passProbability) },
            { name: 'Read by', value: verifierName },
            { name: 'Time', value: formatDuration(outcome.ms) },
          ]}
        />
      )}
      {repairAnswerId !== undefined && (
        <Button icon="chevron-right" onClick={() => void showAnswer(turnId, repairAnswerId)}>
          Show the repair
        </Button>
      )}
    </div>
  )
}

type RepairNoteProps = {
  readonly failed: Answer
  readonly turnId: string
  /** Whether the answer has its text, so that it can be compared. */
  readonly canCompare: boolean
  readonly isCompared: boolean
  readonly onCompare: (isCompared: boolean) => void
}

/** Said above a repair: what it repairs, and how to see what it changed. */
export const RepairNote = memo(function RepairNote(props: RepairNoteProps) {
  const { failed, turnId, canCompare, isCompared, onCompare } = props
  return (
    <div className={styles['repair']}>
      <p>{repairText(failed)}</p>
      {canCompare && (
        <Button look="quiet" icon="columns" aria-pressed={isCompared} onClick={() => onCompare(!isCompared)}>
          Show what changed
        </Button>
      )}
      <Button look="quiet" icon="undo" onClick={() => void showAnswer(turnId, failed.id)}>
        Show the failed answer
      </Button>
    </div>
  )
})
