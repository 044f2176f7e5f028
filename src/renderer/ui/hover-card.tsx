import { useId, useRef, useState, type ReactNode } from 'react'
import styles from './hover-card.module.css'

type HoverCardProps = {
  /** What is always seen. */
  readonly children: ReactNode
  /** What is shown on pointing, focus and press; drawn only then. */
  readonly details: () => ReactNode
  readonly className?: string | undefined
}

/** Words with more behind them: a card that shows beside them on pointing or focus. Escape hides it. */
export function HoverCard({ children, details, className }: HoverCardProps) {
  const id = useId()
  const anchorName = `--card${id.replace(/\W/g, '')}`
  const card = useRef<HTMLDivElement>(null)
  const [isOpen, setIsOpen] = useState(false)
  const show = () => card.current?.showPopover()
  const hide = () => card.current?.hidePopover()
  return (
    <>
      <button
        type="button"
        className={[styles['trigger'], className].join(' ')}
        aria-describedby={isOpen ? id : undefined}
        style={{ anchorName }}
        onPointerEnter={show}
        onPointerLeave={hide}
        onFocus={show}
        onBlur={hide}
        onClick={show}
        onKeyDown={(event) => {
          if (event.key === 'Escape') hide()
        }}
      >
        {children}
      </button>
      <div
        ref={card}
        id={id}
        popover="manual"
        role="tooltip"
        className={styles['card']}
        style={{ positionAnchor: anchorName }}
        onToggle={(event) => setIsOpen(event.newState === 'open')}
      >
        {isOpen && details()}
      </div>
    </>
  )
}
