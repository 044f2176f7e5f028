import { useId, type KeyboardEvent } from 'react'
import { formatBytes, parseBytes } from '../../contract/bytes.ts'
import styles from './field.module.css'
import { useDraft } from './use-draft.ts'

type SizeFieldProps = {
  readonly label: string
  /** Null is the default, shown as the placeholder. */
  readonly bytes: number | null
  readonly placeholder: string
  readonly minBytes: number
  readonly describedBy?: string
  /** Called with bytes, or null for an empty field, when the user leaves it or presses Enter. */
  readonly onCommit: (bytes: number | null) => void
}

/** A size as people write it, "4GB" or "512 MB"; empty means the default. What is no size is told beside it. */
export function SizeField({ label, bytes, placeholder, minBytes, describedBy, onCommit }: SizeFieldProps) {
  const id = useId()
  const { text, isChanged, write, drop, onEscape } = useDraft(bytes === null ? '' : writeBytes(bytes))
  const parsed = text.trim() === '' ? null : parseBytes(text)
  const error =
    text.trim() === ''
      ? null
      : parsed === null
        ? 'Takes a size such as "4GB" or "512 MB"'
        : parsed < minBytes
          ? `Takes at least ${formatBytes(minBytes)}`
          : null
  const commit = () => {
    if (error !== null || !isChanged || parsed === bytes) return
    drop()
    onCommit(parsed)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') commit()
    onEscape(event)
  }
  return (
    <div className={styles['field']}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className={styles['input']}
        autoComplete="off"
        value={text}
        placeholder={placeholder}
        aria-invalid={error !== null}
        aria-describedby={[describedBy, error === null ? undefined : `${id}error`].filter(Boolean).join(' ')}
        onChange={(event) => write(event.target.value)}
        onBlur={commit}
        onKeyDown={onKeyDown}
      />
      {error !== null && (
        <p id={`${id}error`} className={styles['error']} role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

/** A size in the largest unit that tells it exactly. */
function writeBytes(bytes: number): string {
  const units = [
    { name: 'GB', size: 2 ** 30 },
    { name: 'MB', size: 2 ** 20 },
    { name: 'KB', size: 2 ** 10 },
  ]
  // Quarters of a unit are as readable as whole ones.
  const unit = units.find(({ size }) => Number.isInteger((4 * bytes) / size) && bytes >= size)
  return unit ? `${bytes / unit.size} ${unit.name}` : `${bytes} B`
}
