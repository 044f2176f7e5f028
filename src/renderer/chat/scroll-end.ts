/** Where a scroller stands. */
export type ScrollPlace = {
  readonly scrollTop: number
  readonly scrollHeight: number
  readonly clientHeight: number
}

/** So near to the end counts as being there, in CSS pixels. */
const nearPx = 24

/**
 * Whether the view goes on following the end after a scroll event. Only the reader lets go of it, by moving up;
 * content that grows or shrinks, or a box that changes its size, does not. Coming near the end takes hold again.
 */
export function followsEnd(isFollowing: boolean, before: ScrollPlace, now: ScrollPlace): boolean {
  const toEnd = now.scrollHeight - now.scrollTop - now.clientHeight
  const boxChanged = now.scrollHeight < before.scrollHeight || now.clientHeight > before.clientHeight
  if (now.scrollTop < before.scrollTop && !boxChanged) return toEnd < 1
  return isFollowing || toEnd <= nearPx
}
