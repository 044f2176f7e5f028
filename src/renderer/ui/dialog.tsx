import { useEffect, useEffectEvent, useId, useRef, type ReactNode } from 'react'
import styles from './dialog.module.css'
import { Icon } from './icon.tsx'

type DialogProps = {
  readonly title: string
  /** Width on a screen that has room for it. */
  readonly size?: 'small' | 'medium' | 'large'
  /** `over` the page, which waits for it, or `beside` the pool, which stays in sight and can be used. */
  readonly place?: 'over' | 'beside'
  readonly onClose: () => void
  readonly children: ReactNode
}

/**
 * A dialog, open as long as it is rendered. Escape and the cross close it, a modal one also a press beside it; the focus goes back to
 * where it came from.
 */
export function Dialog({ title, size = 'medium', place = 'over', onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const dialog = ref.current
    if (!dialog || dialog.open) return
    const before = document.activeElement
    if (place === 'over') dialog.showModal()
    else dialog.show()
    const body = dialog.querySelector<HTMLElement>('[data-dialog-body]')
    const first =
      body?.querySelector<HTMLElement>('[data-first]') ??
      body?.querySelector<HTMLElement>('button, input:not([hidden]), select, textarea, [tabindex="0"]')
    // To the content, not to the cross; a dialog without fields takes the focus itself, so that arrows scroll it.
    if (!first && body) body.tabIndex = 0
    ;(first ?? body)?.focus()
    return () => {
      // It may be off the page already, and the focus nowhere.
      const focused = document.activeElement
      const hadFocus = place === 'over' || focused === document.body || dialog.contains(focused)
      dialog.close()
      // The browser gives focus back on close(), but not when the element leaves the page in the same moment.
      if (hadFocus && before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [place])
  // The browser closes only modal dialogs by Escape. One that is opened from inside of this one has an Escape of its own.
  const onEscape = useEffectEvent((event: KeyboardEvent) => {
    const { target } = event
    if (event.key !== 'Escape' || event.defaultPrevented || !(target instanceof Element)) return
    // With the focus nowhere, as after a press on something that is gone, the dialog on top is meant.
    const top = target === document.body ? [...document.querySelectorAll('dialog[open]')].at(-1) : null
    if ((top ?? target.closest('dialog')) === ref.current) onClose()
  })
  useEffect(() => {
    if (place === 'over') return
    const listener = (event: KeyboardEvent) => onEscape(event)
    document.addEventListener('keydown', listener)
    return () => document.removeEventListener('keydown', listener)
  }, [place])
  return (
    // A press on the backdrop arrives as one on the dialog itself; Escape does the same from the keyboard.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className={styles['dialog']}
      data-size={size}
      data-place={place}
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
        {/* No header element: of a dialog that stands beside the page it would be a second banner. */}
        <div className={styles['header']}>
          <h2 id={titleId} className={styles['title']}>
            {title}
          </h2>
          <button type="button" className={styles['close']} aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
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
