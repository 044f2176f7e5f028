import { useEffect, useRef, type ReactNode } from 'react'
import { showOverlay } from '../store.ts'
import styles from './overlay.module.css'

/** A list over the upper part of the page that goes with Escape, a press beside it, or when it has done its part. */
export function Overlay({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    if (!dialog) return
    const before = document.activeElement
    dialog.showModal()
    return () => {
      dialog.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    // Escape does from the keyboard what a press beside it does.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className={styles['overlay']}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        showOverlay(null)
      }}
      onClick={(event) => {
        // The content fills the dialog, so that a press on the dialog itself is one beside it.
        if (event.target === event.currentTarget) showOverlay(null)
      }}
    >
      <div className={styles['content']}>{children}</div>
    </dialog>
  )
}
