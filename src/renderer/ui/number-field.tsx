import { useId, type KeyboardEvent } from 'react'
import styles from './field.module.css'
import { useDraft } from './use-draft.ts'

type NumberFieldProps = {
  readonly label: string
  readonly unit: string
  /** Null is the default, shown as the placeholder. */
  readonly value: number | null
  readonly placeholder: string
  readonly min: number
  readonly max: number
  /** Whole numbers only, unless set. */
  readonly fractions?: boolean
  readonly describedBy?: string
  /** Called with a number that is within the limits, or null for an empty field, when the user leaves it or presses Enter. */
  readonly onCommit: (value: number | null) => void
}

/** A number with its unit; empty means the default. What is no such number is told beside it and not committed. */
export function NumberField(props: NumberFieldProps) {
  const { label, unit, value, placeholder, describedBy, onCommit } = props
  const id = useId()
  const { text, write, drop, onEscape } = useDraft(value === null ? '' : String(value))
  const parsed = parse(text, props)
  const commit = () => {
    if ('error' in parsed || parsed.value === value) return
    drop()
    onCommit(parsed.value)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') commit()
    onEscape(event)
  }
  const error = 'error' in parsed ? parsed.error : null
  return (
    <div className={styles['field']}>
      <label htmlFor={id}>{label}</label>
      <span className={styles['row']}>
        <input
          id={id}
          className={styles['input']}
          inputMode="decimal"
          autoComplete="off"
          value={text}
          placeholder={placeholder}
          aria-invalid={error !== null}
          aria-describedby={[describedBy, error === null ? undefined : `${id}error`]
            .filter(Boolean)
            .join(' ')}
          onChange={(event) => write(event.target.value)}
          onBlur={commit}
          onKeyDown={onKeyDown}
        />
        <span className={styles['unit']}>{unit}</span>
      </span>
      {error !== null && (
        <p id={`${id}error`} className={styles['error']} role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

function parse(
  text: string,
  { min, max, unit, fractions = false }: Pick<NumberFieldProps, 'min' | 'max' | 'unit' | 'fractions'>,
): { readonly value: number | null } | { readonly error: string } {
  const plain = text.replaceAll(/[\s,_']/g, '')
  if (plain === '') return { value: null }
  const value = Number(plain)
  const kind = fractions ? 'a number' : 'a whole number'
  const within = `from ${min.toLocaleString('en')} to ${max.toLocaleString('en')} ${unit}`.trimEnd()
  if (!Number.isFinite(value) || (!fractions && !Number.isInteger(value)) || value < min || value > max)
    return { error: `Takes ${kind} ${within}` }
  return { value }
}
