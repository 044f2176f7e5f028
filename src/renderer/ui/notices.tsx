import { dismissNotice, useApp } from '../store.ts'
import styles from './notices.module.css'

/** Problems that belong to no place of their own, until they are dismissed. */
export function Notices() {
  const notices = useApp((state) => state.notices)
  return (
    <div className={styles['stack']} role="alert">
      {notices.map(({ id, problem }) => (
        <div key={id} className={styles['notice']}>
          <div>
            <p className={styles['message']}>{problem.message}</p>
            {problem.details.help !== undefined && <p className={styles['help']}>{problem.details.help}</p>}
          </div>
          <button
            type="button"
            className={styles['close']}
            aria-label="Dismiss"
            onClick={() => dismissNotice(id)}
          >
            ✕
          </button>
        </div>
      ))}
    </div>
  )
}
