import type { KeyboardEvent, PointerEvent } from 'react'
import { paneLimits, widthByKey, type PaneName } from './pane-sizes.ts'
import styles from './pane-separator.module.css'
import { resizePane, togglePane } from './panes.ts'
import { useSize } from './ui/use-size.ts'

type PaneSeparatorProps = {
  readonly name: PaneName
  readonly label: string
  /** The pane that it makes wider or narrower; null until it is on the page. */
  readonly pane: HTMLElement | null
}

/**
 * The line between a pane and the chat. Pointer and arrow keys move it, Home and End lead to the limits, a double press makes the pane
 * as wide as at first; Enter, or a pull far into the pane, closes it.
 */
export function PaneSeparator({ name, label, pane }: PaneSeparatorProps) {
  const { width } = useSize(pane)
  const { min, max } = paneLimits[name]
  const widthAt = ({ clientX }: PointerEvent) => {
    const box = pane?.getBoundingClientRect()
    return !box ? 0 : name === 'list' ? clientX - box.left : box.right - clientX
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const next = widthByKey(name, {
      key: event.key,
      width: pane?.offsetWidth ?? width,
      isBig: event.shiftKey,
    })
    if (next !== null) resizePane(name, next)
    else if (event.key === 'Enter') togglePane(name)
    else return
    event.preventDefault()
  }
  return (
    // A separator that can be moved is a control: it takes the focus and has a value.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      role="separator"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className={styles['separator']}
      data-name={name}
      title="Drag, or use the arrow keys; double-click for the first width"
      aria-label={label}
      aria-orientation="vertical"
      aria-controls={pane?.id}
      aria-valuenow={Math.min(max, Math.max(min, width))}
      aria-valuemin={min}
      aria-valuemax={max}
      aria-valuetext={`${String(width)} pixels`}
      onKeyDown={onKeyDown}
      onDoubleClick={() => resizePane(name, null)}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) resizePane(name, widthAt(event))
      }}
      onPointerUp={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId) && widthAt(event) < min / 2)
          togglePane(name)
      }}
    />
  )
}
