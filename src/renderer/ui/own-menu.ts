import type { MouseEvent } from 'react'

/** A right click on an element, or the menu key: presses the button in it that opens its menu, in place of the browser's own one. */
export function openOwnMenu(event: MouseEvent<HTMLElement>): void {
  const button = event.currentTarget.querySelector<HTMLElement>('[aria-haspopup]')
  if (!button) return
  event.preventDefault()
  // Where it comes with the press and not with the release, the release would close at once what opens now.
  if (event.buttons === 0) button.click()
  else window.addEventListener('pointerup', () => setTimeout(() => button.click()), { once: true })
}
