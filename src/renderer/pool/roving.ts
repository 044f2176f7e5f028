/** Where something is on the screen, in pixels. */
export type Box = {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Keys that move the focus among blocks. */
export const rovingKeys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'] as const
export type RovingKey = (typeof rovingKeys)[number]

/** Whether a pressed key is one of the roving keys. */
export function isRovingKey(key: string): key is RovingKey {
  return (rovingKeys as readonly string[]).includes(key)
}

/**
 * Index of the box that a key leads to. Left and right go through all boxes in order, so that each can be reached;
 * up and down go to the nearest box above and below, or on in order where there is none. Stays at the ends.
 */
export function nextBox(
  boxes: readonly Box[],
  { from, key }: { readonly from: number; readonly key: RovingKey },
): number {
  const last = boxes.length - 1
  const next = Math.min(last, from + 1)
  const previous = Math.max(0, from - 1)
  switch (key) {
    case 'Home':
      return 0
    case 'End':
      return last
    case 'ArrowRight':
      return next
    case 'ArrowLeft':
      return previous
    case 'ArrowDown':
      return nearest(boxes, { from, sign: 1 }) ?? next
    case 'ArrowUp':
      return nearest(boxes, { from, sign: -1 }) ?? previous
    default:
      return key satisfies never
  }
}

/** The nearest box below (1) or above (-1); sideways distance counts double. */
function nearest(
  boxes: readonly Box[],
  { from, sign }: { readonly from: number; readonly sign: 1 | -1 },
): number | null {
  const start = boxes[from]
  if (!start) return null
  const distances = boxes.map((box, index) => {
    const ahead = sign === 1 ? box.top - (start.top + start.height) : start.top - (box.top + box.height)
    // Rounded edges may overlap by a pixel.
    if (index === from || ahead < -2) return Infinity
    const aside = Math.max(0, box.left - (start.left + start.width), start.left - (box.left + box.width))
    // Among those that lie alongside, the one whose edge is nearest.
    return Math.max(0, ahead) + 2 * aside + Math.abs(box.left - start.left) * 0.01
  })
  const least = Math.min(...distances)
  return Number.isFinite(least) ? distances.indexOf(least) : null
}
