import type { ReactNode } from 'react'
import type { Problem } from '../../contract/errors.ts'
import { Icon } from './icon.tsx'
import styles from './problem-text.module.css'

/** A problem at the place where it belongs: what happened, what would help, and what can be pressed. */
export function ProblemText({
  problem,
  hasRemedies = false,
  children,
}: {
  readonly problem: Problem
  /** Whether the children hold what would help, so that it need not be told as well. */
  readonly hasRemedies?: boolean
  readonly children?: ReactNode
}) {
  return (
    <div className={styles['problem']}>
      <span className={styles['icon']}>
        <Icon name="warning" />
      </span>
      <div className={styles['text']}>
        <p className={styles['message']}>{problem.message}</p>
        {problem.details.help !== undefined && !hasRemedies && (
          <p className={styles['help']}>{problem.details.help}</p>
        )}
        {children}
      </div>
    </div>
  )
}
