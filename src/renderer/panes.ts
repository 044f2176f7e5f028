import { keepPanes, withinLimits, type Pane, type PaneName } from './pane-sizes.ts'
import { useApp } from './store.ts'

/** Makes a pane this wide, within its limits; null: as wide as it is by itself. */
export function resizePane(name: PaneName, width: number | null): void {
  changePane(name, { width: width === null ? null : withinLimits(name, width) })
}

/** Opens or closes a pane. */
export function togglePane(name: PaneName): void {
  changePane(name, { isOpen: !useApp.getState().panes[name].isOpen })
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
