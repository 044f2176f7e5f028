import { focusComposer } from '../chat/composer.tsx'

/** The parts of the window between which F6 moves the focus, in reading order. */
const regions = ['nav', 'main', 'aside']

/** Moves the focus to the next part of the window (-1: the one before) that is there. */
export function focusNextRegion(step: 1 | -1): void {
  const parts = regions
    .map((name) => document.querySelector<HTMLElement>(name))
    .filter((part) => part !== null && part.checkVisibility() && !part.inert)
  const at = parts.findIndex((part) => part?.contains(document.activeElement))
  const next = parts.at(at === -1 ? (step === 1 ? 0 : -1) : (at + step) % parts.length)
  if (next?.tagName === 'MAIN') focusComposer()
  else next?.querySelector<HTMLElement>('[data-row][tabindex="0"], [data-key][tabindex="0"], button')?.focus()
}
