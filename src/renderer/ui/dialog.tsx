import { useEffect, useId, useRef, type ReactNode } from 'react'
import styles from './dialog.module.css'
import { Icon } from './icon.tsx'

type DialogProps = {
  readonly title: string
  /** Width on a screen that has room for it. */
  readonly size?: 'small' | 'medium' | 'large'
  readonly onClose: () => void
  readonly children: ReactNode
}

/**
 * A modal dialog, open as long as it is rendered. Escape, the cross and a press beside it close it; the browser
 * keeps the focus inside and gives it back to where it came from.
 */
export function Dialog({ title, size = 'medium', onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const dialog = ref.current
    if (!dialog || dialog.open) return
    const before = document.activeElement
    dialog.showModal()
    const body = dialog.querySelector<HTMLElement>('[data-dialog-body]')
    const first =
      body?.querySelector<HTMLElement>('[data-first]') ??
      body?.querySelector<HTMLElement>('button, input:not([hidden]), select, textarea, [tabindex="0"]')
    // To the content, not to the cross; a dialog without fields takes the focus itself, so that arrows scroll it.
    if (!first && body) body.tabIndex = 0
    ;(first ?? body)?.focus()
    return () => {
      dialog.close()
      // The browser gives focus back on close(), but not when the element leaves the page in the same moment.
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    // A press on the backdrop arrives as one on the dialog itself; Escape does the same from the keyboard.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className={styles['dialog']}
      data-size={size}
      aria-labelledby={titleId}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget && isOutside(event.currentTarget, event)) onClose()
      }}
    >
      <div className={styles['frame']}>
        <header className={styles['header']}>
          <h2 id={titleId} className={styles['title']}>
            {title}
          </h2>
          <button type="button" className={styles['close']} aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div className={styles['body']} data-dialog-body tabIndex={-1}>
          {children}
        </div>
      </div>
    </dialog>
  )
}

function isOutside(
  dialog: HTMLDialogElement,
  { clientX, clientY }: { clientX: number; clientY: number },
): boolean {
  const box = dialog.getBoundingClientRect()
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom
}
