import { useId } from 'react'
import styles from './field.module.css'
import { useDraft } from './use-draft.ts'

type TextFieldProps = {
  readonly label: string
  /** Null is the default, shown as the placeholder. */
  readonly value: string | null
  readonly placeholder: string
  readonly maxLength: number
  /** Words rather than code. */
  readonly isProse?: boolean
  /** Lines to begin with. Default: one, and six with text. */
  readonly rows?: number
  readonly describedBy?: string
  /** Called with the text, or null for an empty field, when the user leaves it. */
  readonly onCommit: (value: string | null) => void
}

/** A text of several lines; empty means the default. */
export function TextField(props: TextFieldProps) {
  const { label, value, placeholder, maxLength, rows, isProse, describedBy, onCommit } = props
  const id = useId()
  const { text, isChanged, write, drop, onEscape } = useDraft(value ?? '')
  return (
    <div className={styles['field']}>
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        className={styles['text']}
        data-prose={isProse}
        rows={rows ?? (text === '' ? 1 : 6)}
        spellCheck={isProse ?? false}
        value={text}
        placeholder={placeholder}
        maxLength={maxLength}
        aria-describedby={describedBy}
        onChange={(event) => write(event.target.value)}
        onBlur={() => {
          if (!isChanged) return
          drop()
          onCommit(text.trim() === '' ? null : text)
        }}
        onKeyDown={onEscape}
      />
    </div>
  )
}
