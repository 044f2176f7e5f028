/** The panes beside the chat. */
export type PaneName = 'list' | 'pool'

/** How wide a pane was made, in pixels (null: as wide as it is by itself), and whether it is there. */
export type Pane = { readonly width: number | null; readonly isOpen: boolean }
export type Panes = Readonly<Record<PaneName, Pane>>

/** How narrow and how wide each pane may be made, in pixels; the chat between them keeps room of its own, see app.module.css. */
export const paneLimits = {
  list: { min: 160, max: 420 },
  pool: { min: 280, max: 900 },
} as const satisfies Readonly<Record<PaneName, { readonly min: number; readonly max: number }>>

/** A key moves a separator by so many pixels, with Shift by five times as many. */
const keyStep = 16

const storageKey = 'plenum.panes'

/** The panes as they were left in this window or browser. */
export function rememberedPanes(): Panes {
  const kept = readKept()
  return { list: readPane(kept, 'list'), pool: readPane(kept, 'pool') }
}

/** Remembers the panes for the next time. */
export function keepPanes(panes: Panes): void {
  localStorage.setItem(storageKey, JSON.stringify(panes))
}

/** A width in whole pixels that the pane may have. Pure. */
export function withinLimits(name: PaneName, width: number): number {
  const { min, max } = paneLimits[name]
  return Math.round(Math.min(max, Math.max(min, width)))
}

/**
 * The width that a pressed key leads to from `width`: arrows move the separator, Home and End lead to the limits; null for other
 * keys. The separator is at the pane's end for the list and at its start for the pool. Pure.
 */
export function widthByKey(
  name: PaneName,
  { key, width, isBig }: { readonly key: string; readonly width: number; readonly isBig: boolean },
): number | null {
  const step = (isBig ? 5 : 1) * keyStep * (name === 'list' ? 1 : -1)
  const { min, max } = paneLimits[name]
  switch (key) {
    case 'ArrowRight':
      return withinLimits(name, width + step)
    case 'ArrowLeft':
      return withinLimits(name, width - step)
    case 'Home':
      return min
    case 'End':
      return max
    default:
      return null
  }
}

function readKept(): unknown {
  try {
    return JSON.parse(localStorage.getItem(storageKey) ?? 'null')
  } catch {
    return null
  }
}

/** Whatever is kept: what is no pane is as at first. */
function readPane(kept: unknown, name: PaneName): Pane {
  const pane: unknown = isRecord(kept) ? kept[name] : null
  const { width, isOpen } = isRecord(pane) ? pane : {}
  return {
    width: typeof width === 'number' && Number.isFinite(width) ? withinLimits(name, width) : null,
    isOpen: isOpen !== false,
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
