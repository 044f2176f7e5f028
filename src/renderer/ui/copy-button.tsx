import { useEffect, useState } from 'react'
import { copyText } from './copy-text.ts'
import { Icon } from './icon.tsx'
import styles from './copy-button.module.css'

type CopyButtonProps = {
  /** What is copied; called when the button is pressed. */
  readonly text: () => string
  /** The button's name: "Copy answer". */
  readonly label: string
}

/** A button that puts text on the clipboard and says that it did. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'none' | 'copied' | 'failed'>('none')
  useEffect(() => {
    if (outcome === 'none') return
    const timer = setTimeout(() => setOutcome('none'), 2000)
    return () => clearTimeout(timer)
  }, [outcome])
  const says = outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Cannot copy here' : ''
  return (
    <button
      type="button"
      className={styles['copy']}
      aria-label={label}
      title={label}
      onClick={() => void copyText(text()).then((copied) => setOutcome(copied ? 'copied' : 'failed'))}
    >
      <Icon name={outcome === 'copied' ? 'check' : 'copy'} size={14} />
      <span role="status">{says}</span>
    </button>
  )
}
