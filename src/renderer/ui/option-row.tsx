import { useId, type ReactNode } from 'react'
import { Button } from './button.tsx'
import styles from './option-row.module.css'

type OptionRowProps = {
  /** What the option does. */
  readonly effect: string
  /** What holds while nothing is set, and why, where that is worth saying. */
  readonly source?: string
  readonly isSet: boolean
  readonly onReset: () => void
  /** The field, described by the element of this id. */
  readonly children: (noteId: string) => ReactNode
}

/** A field with what it does, and the way back to its default. */
export function OptionRow({ effect, source, isSet, onReset, children }: OptionRowProps) {
  const noteId = useId()
  return (
    <div className={styles['row']} data-set={isSet || undefined}>
      <div className={styles['field']}>{children(noteId)}</div>
      <div id={noteId} className={styles['note']}>
        <p>{effect}</p>
        {source !== undefined && <p className={styles['source']}>{source}</p>}
      </div>
      {isSet && (
        <Button look="quiet" onClick={onReset}>
          Back to the default
        </Button>
      )}
    </div>
  )
}
