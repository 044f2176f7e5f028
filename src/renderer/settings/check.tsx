import styles from './settings.module.css'

/** Something that is on or off. */
export function Check({
  label,
  isOn,
  describedBy,
  onChange,
}: {
  readonly label: string
  readonly isOn: boolean
  readonly describedBy: string
  readonly onChange: (isOn: boolean) => void
}) {
  return (
    <label className={styles['check']}>
      <input
        type="checkbox"
        checked={isOn}
        aria-describedby={describedBy}
        onChange={(event) => onChange(event.target.checked)}
      />
      {label}
    </label>
  )
}
