import { useId } from 'react'
import styles from './range-field.module.css'

type RangeFieldProps = {
  readonly label: string
  /** What can be set, in ascending order: each at the same distance from the next. */
  readonly steps: readonly number[]
  readonly value: number
  /** A value in words. */
  readonly text: (value: number) => string
  readonly describedBy?: string
  /** Called with each value on the way. */
  readonly onSlide: (value: number) => void
  /** Called when the slider has been let go. */
  readonly onCommit?: (value: number) => void
}

/** A slider over given steps, with its value in words beside its label. */
export function RangeField({ label, steps, value, text, describedBy, onSlide, onCommit }: RangeFieldProps) {
  const id = useId()
  const commit = onCommit && (() => onCommit(value))
  return (
    <div className={styles['field']}>
      <label htmlFor={id}>{label}</label>
      <span className={styles['value']} aria-hidden="true">
        {text(value)}
      </span>
      <input
        id={id}
        type="range"
        className={styles['range']}
        min={0}
        max={steps.length - 1}
        step={1}
        value={nearest(steps, value)}
        aria-valuetext={text(value)}
        aria-describedby={describedBy}
        onChange={(event) => onSlide(steps[Number(event.target.value)] ?? value)}
        onPointerUp={commit}
        onKeyUp={commit}
        onBlur={commit}
      />
    </div>
  )
}

/** Index of the last step that is not above the value. */
function nearest(steps: readonly number[], value: number): number {
  return Math.max(
    0,
    steps.findLastIndex((step) => step <= value),
  )
}
