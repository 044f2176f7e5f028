import { useId, type ReactNode } from 'react'
import type { Settings, SettingsChanges } from '../../contract/settings.ts'
import styles from './settings.module.css'

/** What a group of settings shows and changes. */
export type GroupProps = {
  readonly settings: Settings
  readonly save: (changes: SettingsChanges) => void
}

/** Settings that belong together. */
export function Group({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={styles['group']} aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  )
}

/** A field and, beside it, its default and its effect. */
export function Setting({
  effect,
  children,
}: {
  readonly effect: string
  readonly children: (noteId: string) => ReactNode
}) {
  const noteId = useId()
  return (
    <div className={styles['setting']}>
      {children(noteId)}
      <p id={noteId} className={styles['effect']}>
        {effect}
      </p>
    </div>
  )
}

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
