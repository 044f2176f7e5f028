import { readFileSync, writeFileSync } from 'node:fs'
import type { BrowserWindow, Rectangle } from 'electron'
import { screen } from 'electron'
import { z } from 'zod'

const stateSchema = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(200),
  height: z.number().int().min(200),
  isMaximized: z.boolean(),
})

/** Where a window was when it was last closed. */
export type WindowState = z.infer<typeof stateSchema>

/** Reads where the window was; null at the first start, or when that place is no longer on any screen. */
export function readWindowState(file: string): WindowState | null {
  try {
    const state = stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return isOnScreen(state) ? state : null
  } catch {
    // Not there, cut short or from another version: the window opens where a new one does.
    return null
  }
}

/** Remembers where a window is each time it closes. */
export function keepWindowState(window: BrowserWindow, file: string): void {
  window.on('close', () => {
    const state: WindowState = { ...window.getNormalBounds(), isMaximized: window.isMaximized() }
    try {
      writeFileSync(file, JSON.stringify(state))
    } catch {
      // A full or read-only disk must not keep a window from closing.
    }
  })
}

/** Whether enough of the title bar can be reached to move the window. */
function isOnScreen(bounds: Rectangle): boolean {
  const { workArea } = screen.getDisplayMatching(bounds)
  const visibleWidth =
    Math.min(bounds.x + bounds.width, workArea.x + workArea.width) - Math.max(bounds.x, workArea.x)
  return visibleWidth >= 100 && bounds.y >= workArea.y - 10 && bounds.y <= workArea.y + workArea.height - 40
}
