/** The least room around the card, in pixels. */
const edge = 12

/** Draws a ring around a target and stands the card beside it: before it, above it, below it or over its lower end, wherever there is room. */
export function placeBeside(
  target: HTMLElement,
  { card, ring }: { readonly card: HTMLElement; readonly ring: HTMLElement },
): void {
  const at = target.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = card
  const { left, top } = cornerBeside(at, { width, height }, { width: innerWidth, height: innerHeight })
  card.style.left = `${String(left)}px`
  card.style.top = `${String(top)}px`
  ring.style.left = `${String(at.left - 4)}px`
  ring.style.top = `${String(at.top - 4)}px`
  ring.style.width = `${String(at.width + 8)}px`
  ring.style.height = `${String(at.height + 8)}px`
}

type Size = { readonly width: number; readonly height: number }

/** Upper left corner of a card beside a target, in pixels; never outside the window. Pure. */
export function cornerBeside(
  at: Pick<DOMRect, 'left' | 'right' | 'top' | 'bottom'>,
  card: Size,
  window: Size,
): { readonly left: number; readonly top: number } {
  const before = at.left - card.width - edge
  const above = at.top - card.height - edge
  const after = at.right + edge
  const corner =
    before >= edge
      ? { left: before, top: at.top }
      : above >= edge
        ? { left: at.left, top: above }
        : after + card.width + edge <= window.width
          ? { left: after, top: at.top }
          : { left: at.left, top: at.bottom + edge }
  const within = (value: number, size: number, room: number) =>
    Math.round(Math.max(edge, Math.min(value, room - size - edge)))
  return {
    left: within(corner.left, card.width, window.width),
    top: within(corner.top, card.height, window.height),
  }
}
