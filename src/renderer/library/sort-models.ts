import type { LibraryModel } from '../../contract/model.ts'

/** By what the library's list is ordered. */
export type SortKey = 'name' | 'size' | 'date'

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** The models whose name, file, architecture or quantization holds every word of the query, in order. */
export function findModels(
  models: readonly LibraryModel[],
  { query, sort }: { readonly query: string; readonly sort: SortKey },
): readonly LibraryModel[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const found = models.filter((model) => {
    if (words.length === 0) return true
    const text = searchText(model)
    return words.every((word) => text.includes(word))
  })
  return found.sort(
    (a, b) => compare(a, b, sort) || byName.compare(a.name, b.name) || byName.compare(a.id, b.id),
  )
}

function compare(a: LibraryModel, b: LibraryModel, sort: SortKey): number {
  switch (sort) {
    case 'name':
      return 0
    case 'size':
      return b.fileBytes - a.fileBytes
    case 'date':
      return b.addedAt - a.addedAt
    default:
      return sort satisfies never
  }
}

function searchText({ name, paths, file }: LibraryModel): string {
  const facts =
    file.kind === 'usable' ? [file.facts.architecture, file.facts.quantization, file.facts.title] : []
  return [name, ...paths, ...facts].join(' ').toLowerCase()
}
