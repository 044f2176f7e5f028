import type { Resident } from '../../contract/memory.ts'
import { attempt, host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import styles from './resident-problems.module.css'

/** Models that failed: why, and how to go on. */
export function ResidentProblems({ residents }: { readonly residents: readonly Resident[] }) {
  const failed = residents.filter(({ state }) => state === 'failed')
  return (
    <section className={styles['problems']} aria-label="Models that failed" aria-live="polite">
      {failed.map(({ modelId, name, problem }) => (
        <article key={modelId} className={styles['problem']} aria-label={`${name} failed`}>
          <h3 className={styles['name']}>{name}</h3>
          {problem && (
            <ProblemText problem={problem}>
              <Remedies remedies={problem.details.remedies ?? []} modelId={modelId} />
            </ProblemText>
          )}
          <div className={styles['buttons']}>
            <Button icon="retry" onClick={() => void attempt(() => host().models.load({ id: modelId }))}>
              Load again
            </Button>
            <Button onClick={() => void attempt(() => host().models.unload({ id: modelId }))}>Dismiss</Button>
          </div>
        </article>
      ))}
    </section>
  )
}
