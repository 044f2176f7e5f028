import { expect, test } from 'vitest'
import { editItems } from './edit-menu.ts'

const editFlags = {
  ...{ canUndo: true, canRedo: false, canCut: false, canCopy: true, canPaste: true, canDelete: false },
  ...{ canSelectAll: true, canEditRichly: false },
}
const nothing = { isEditable: false, selectionText: '', linkURL: '', editFlags }
const items = (params: Partial<typeof nothing>, copied: string[] = []) =>
  editItems({ ...nothing, ...params }, { copyLink: (address) => copied.push(address) })

test('a field offers what can be done in it', () => {
  const offered = items({ isEditable: true, selectionText: 'words' })
  expect(offered.filter(({ enabled }) => enabled).map(({ role }) => role)).toEqual([
    ...['undo', 'copy', 'paste', 'selectAll'],
  ])
  expect(offered.filter(({ enabled }) => enabled === false).map(({ role }) => role)).toEqual(['redo', 'cut'])
})

test('a selection can be copied, and nothing else opens a menu', () => {
  expect(items({ selectionText: 'words' })).toEqual([{ role: 'copy' }])
  expect(items({ selectionText: ' \n' })).toEqual([])
})

test('a link is copied as it is', () => {
  const copied: string[] = []
  const [link] = items({ linkURL: 'https://example.org/a?b=c' }, copied)
  expect(link?.label).toBe('Copy link')
  // Electron calls it with what a menu knows.
  const press = link?.click as unknown as () => void
  press()
  expect(copied).toEqual(['https://example.org/a?b=c'])
})
