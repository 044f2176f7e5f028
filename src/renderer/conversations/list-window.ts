import type { ConversationGroup } from './conversation-groups.ts'

/** Heights of a list with headings, in pixels. */
export type ListSizes = { readonly heading: number; readonly row: number }

/** The rows of a group that are drawn: `[from, to)`. */
export type DrawnRows = { readonly from: number; readonly to: number }

/**
 * Which rows of each group are near the part of the list that is seen (`top` to `bottom`, pixels from the beginning of the
 * list): only these are drawn. Groups lie below each other, each a heading and its rows. Pure.
 */
export function drawnRows(
  groups: readonly ConversationGroup[],
  seen: { readonly top: number; readonly bottom: number },
  sizes: ListSizes,
): readonly DrawnRows[] {
  let start = 0
  return groups.map(({ conversations: { length } }) => {
    const first = start + sizes.heading
    start = first + length * sizes.row
    const clamp = (row: number) => Math.min(Math.max(row, 0), length)
    return {
      from: clamp(Math.floor((seen.top - first) / sizes.row)),
      to: clamp(Math.ceil((seen.bottom - first) / sizes.row)),
    }
  })
}
