import { useId, useState, type KeyboardEvent } from 'react'
import styles from './field.module.css'

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
  const shown = value ?? ''
  const [draft, setDraft] = useState<{ readonly of: string; readonly text: string } | null>(null)
  const text = draft?.of === shown ? draft.text : shown
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || text === shown) return
    event.preventDefault()
    event.stopPropagation()
    setDraft(null)
  }
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
        onChange={(event) => setDraft({ of: shown, text: event.target.value })}
        onBlur={() => {
          if (text === shown) return
          setDraft(null)
          onCommit(text.trim() === '' ? null : text)
        }}
        onKeyDown={onKeyDown}
      />
    </div>
  )
}
