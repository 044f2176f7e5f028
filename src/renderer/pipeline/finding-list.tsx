import type { PipelineFinding } from '../../contract/pipeline-report.ts'
import { Icon } from '../ui/icon.tsx'
import styles from './finding-list.module.css'

const names = { error: 'Error', warning: 'Warning', note: 'Note' } as const

/** What is to be said of a file, each with its place: a press shows it in the text. */
export function FindingList({
  label,
  findings,
  onShow,
}: {
  readonly label: string
  readonly findings: readonly PipelineFinding[]
  readonly onShow: (finding: PipelineFinding) => void
}) {
  if (findings.length === 0) return null
  return (
    <section aria-label={label}>
      <ul className={styles['findings']}>
        {findings.map((finding, index) => {
          const { severity, line, column, message, expected, help } = finding
          return (
            <li key={index} data-severity={severity}>
              <Icon name={severity === 'note' ? 'info' : 'warning'} size={14} />
              <div className={styles['words']}>
                <p>
                  <span className={styles['kind']}>{names[severity]}</span>{' '}
                  {line !== null && (
                    <button type="button" className={styles['place']} onClick={() => onShow(finding)}>
                      {`line ${line}, column ${column ?? 1}`}
                    </button>
                  )}
                </p>
                <p>{message}</p>
                {expected !== undefined && <p className={styles['more']}>{`Expected: ${expected}`}</p>}
                {help !== undefined && <p className={styles['more']}>{help}</p>}
              </div>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
