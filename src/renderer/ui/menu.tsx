import { useId, useRef, useState, type KeyboardEvent, type ToggleEvent } from 'react'
import { flushSync } from 'react-dom'
import { Icon, type IconName } from './icon.tsx'
import styles from './menu.module.css'

/** One thing to do. */
export type MenuItem = {
  readonly label: string
  readonly icon: IconName
  /** The key that does the same. */
  readonly shortcut?: string
  /** It takes something away for good. */
  readonly danger?: boolean
  readonly onSelect: () => void
}

type MenuProps = {
  /** The button's name: "Actions for Release notes". */
  readonly label: string
  readonly items: readonly MenuItem[]
  readonly tabIndex?: number
}

/** A small button that opens a list of actions. Arrow keys move, Escape closes and gives the focus back. */
export function Menu({ label, items, tabIndex = 0 }: MenuProps) {
  const id = useId()
  const anchorName = `--menu${id.replace(/\W/g, '')}`
  const list = useRef<HTMLDivElement>(null)
  const [isOpen, setIsOpen] = useState(false)
  // Opening, at once: the first item has to be there when the browser moves the focus.
  const beforeToggle = ({ newState }: ToggleEvent) => {
    if (newState === 'open') flushSync(() => setIsOpen(true))
  }
  // Closing, after it: the browser gives the focus back only from something that is still there.
  const toggle = ({ newState }: ToggleEvent) => setIsOpen(newState === 'open')
  const move = (event: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])]
    const at = buttons.findIndex((button) => button === document.activeElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    event.stopPropagation()
    buttons.at(to % buttons.length)?.focus()
  }
  return (
    <>
      <button
        type="button"
        className={styles['button']}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        title={label}
        tabIndex={tabIndex}
        popoverTarget={id}
        style={{ anchorName }}
      >
        <Icon name="more" />
      </button>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        className={styles['menu']}
        style={{ positionAnchor: anchorName }}
        onBeforeToggle={beforeToggle}
        onToggle={toggle}
        onKeyDown={move}
      >
        {isOpen &&
          items.map((item, index) => (
            <button
              key={item.label}
              ref={index === 0 ? takeFocus : null}
              type="button"
              role="menuitem"
              tabIndex={-1}
              className={styles['item']}
              data-danger={item.danger}
              onClick={() => {
                list.current?.hidePopover()
                item.onSelect()
              }}
            >
              <Icon name={item.icon} />
              <span>{item.label}</span>
              {item.shortcut !== undefined && <kbd>{item.shortcut}</kbd>}
            </button>
          ))}
      </div>
    </>
  )
}

// The attribute, which React does not write: a popover that opens gives the focus to it.
function takeFocus(button: HTMLButtonElement | null): void {
  button?.setAttribute('autofocus', '')
}
