import { describe, expect, it } from 'vitest'
import type { LibraryModel } from '../../contract/model.ts'
import { findModels, type SortKey } from './sort-models.ts'

const model = (name: string, fileBytes: number, addedAt: number): LibraryModel => ({
  id: name,
  name,
  paths: [`/models/${name}-Q4_K_M.gguf`],
  fileBytes,
  source: 'added',
  projectorPath: null,
  file: { kind: 'inspecting' },
  pinned: false,
  colour: 0,
  loadOptions: {},
  addedAt,
})

const models = [model('Llama 10', 5, 1), model('llama 9', 7, 3), model('Guide', 1, 2)]
const find = (query: string, sort: SortKey = 'name') =>
  findModels(models, { query, sort }).map(({ name }) => name)

describe('findModels', () => {
  it('orders names as people count, sizes and dates downwards', () => {
    expect([find(''), find('', 'size'), find('', 'date')]).toEqual([
      ['Guide', 'llama 9', 'Llama 10'],
      ['llama 9', 'Llama 10', 'Guide'],
      ['llama 9', 'Guide', 'Llama 10'],
    ])
  })

  it('finds models that have all words in name or file, in any order and case', () => {
    expect([find('q4_k LLAMA'), find('guide llama')]).toEqual([['llama 9', 'Llama 10'], []])
  })
})
