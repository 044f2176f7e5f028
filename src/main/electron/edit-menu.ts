import type { ContextMenuParams, MenuItemConstructorOptions } from 'electron'

/**
 * What a right click offers for text: in a field, of a selection, or of a link; nothing for anything else. What the page has menus of its own for
 * never comes here.
 */
export function editItems(
  { isEditable, selectionText, linkURL, editFlags }: EditParams,
  { copyLink }: { readonly copyLink: (address: string) => void },
): MenuItemConstructorOptions[] {
  if (isEditable) {
    return [
      { role: 'undo', enabled: editFlags.canUndo },
      { role: 'redo', enabled: editFlags.canRedo },
      { type: 'separator' },
      { role: 'cut', enabled: editFlags.canCut },
      { role: 'copy', enabled: editFlags.canCopy },
      { role: 'paste', enabled: editFlags.canPaste },
      { type: 'separator' },
      { role: 'selectAll', enabled: editFlags.canSelectAll },
    ]
  }
  return [
    ...(linkURL === '' ? [] : [{ label: 'Copy link', click: () => copyLink(linkURL) }]),
    ...(selectionText.trim() === '' ? [] : [{ role: 'copy' } as const]),
  ]
}

type EditParams = Pick<ContextMenuParams, 'isEditable' | 'selectionText' | 'linkURL' | 'editFlags'>
