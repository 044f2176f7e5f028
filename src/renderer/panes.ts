import { flushSync } from 'react-dom'
import { focusComposer } from './chat/composer.tsx'
import { keepPanes, withinLimits, type Pane, type PaneName } from './pane-sizes.ts'
import { useApp } from './store.ts'

/** Makes a pane this wide, within its limits; null: as wide as it is by itself. */
export function resizePane(name: PaneName, width: number | null): void {
  changePane(name, { width: width === null ? null : withinLimits(name, width) })
}

/** Opens or closes a pane; where there is no room beside the chat, over it. */
export function togglePane(name: PaneName): void {
  const pane = document.querySelector<HTMLElement>(`[data-pane="${name}"]`)
  if (pane?.popover) {
    pane.togglePopover()
    return
  }
  const isOpen = !useApp.getState().panes[name].isOpen
  const { activeElement } = document
  const hadFocus = pane?.contains(activeElement) === true || activeElement?.role === 'separator'
  changePane(name, { isOpen })
  // The focus does not go with what it was on.
  if (!isOpen && hadFocus) focusComposer()
}

/** Makes sure that a pane is there to be used. */
export function openPane(name: PaneName): void {
  const pane = document.querySelector<HTMLElement>(`[data-pane="${name}"]`)
  if (pane?.popover) {
    if (!pane.matches(':popover-open')) pane.showPopover()
  } else if (!useApp.getState().panes[name].isOpen) {
    // Drawn at once: what asked for it puts the focus into it.
    flushSync(() => changePane(name, { isOpen: true }))
  }
}

/** Both panes open, and as wide as they are by themselves. */
export function resetPanes(): void {
  for (const name of ['list', 'pool'] as const) changePane(name, { width: null, isOpen: true })
}

function changePane(name: PaneName, change: Partial<Pane>): void {
  const before = useApp.getState().panes
  const panes = { ...before, [name]: { ...before[name], ...change } }
  keepPanes(panes)
  useApp.setState({ panes })
}
