/** Rows that are chosen together, and the row from which a range is measured. */
export type Selection = { readonly ids: ReadonlySet<string>; readonly anchorId: string | null }

/** Nothing is chosen. */
export const noSelection: Selection = { ids: new Set(), anchorId: null }

/** One row more, or one fewer; a range is measured from it then. `openId` counts as chosen when there is no selection yet. */
export function toggleRow(selection: Selection, id: string, openId: string | null): Selection {
  const ids = new Set(selection.ids.size === 0 && openId !== null && openId !== id ? [openId] : selection.ids)
  if (!ids.delete(id)) ids.add(id)
  return { ids, anchorId: id }
}

/** All rows from the anchor to this one, in the order of the list. Without an anchor in the list: from `openId`, or only this row. */
export function extendTo(
  selection: Selection,
  id: string,
  list: { readonly order: readonly string[]; readonly openId: string | null },
): Selection {
  const at = list.order.indexOf(id)
  const anchor = [selection.anchorId, list.openId].find(
    (known) => known !== null && list.order.includes(known),
  )
  const from = anchor === undefined || anchor === null ? at : list.order.indexOf(anchor)
  const ids = list.order.slice(Math.min(from, at), Math.max(from, at) + 1)
  return { ids: new Set(ids), anchorId: list.order[from] ?? id }
}

/** Only what is still in the list. The same selection when nothing has gone. */
export function keepListed(selection: Selection, order: readonly string[]): Selection {
  if (selection.ids.size === 0) return selection
  const there = new Set(order)
  const ids = [...selection.ids].filter((id) => there.has(id))
  return ids.length === selection.ids.size ? selection : { ...selection, ids: new Set(ids) }
}
