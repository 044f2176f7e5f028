import { Icon } from './icon.tsx'
import styles from './warning-list.module.css'

/** What the user should know, one line each; nothing when there is nothing. */
export function WarningList({ warnings }: { readonly warnings: readonly string[] }) {
  if (warnings.length === 0) return null
  return (
    <ul className={styles['warnings']} aria-label="Warnings">
      {warnings.map((warning) => (
        <li key={warning}>
          <Icon name="warning" size={14} />
          <span>{warning}</span>
        </li>
      ))}
    </ul>
  )
}
