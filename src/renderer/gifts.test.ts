import { describe, expect, it } from 'vitest'
import { uploadGifts } from './gifts.ts'

const files = (...names: readonly string[]) => names.map((name) => new File(['GGUF'], name))

describe('uploadGifts', () => {
  it('sends the parts of a split model together and in order, and other files one by one', () => {
    const gifts = uploadGifts(
      files('b-00002-of-00002.gguf', 'a.gguf', 'b-00001-of-00002.gguf', 'c-00001-of-00002.gguf'),
    )
    expect(gifts.map((gift) => (gift.kind === 'files' ? gift.files.map(({ name }) => name) : gift))).toEqual([
      ['a.gguf'],
      ['b-00001-of-00002.gguf', 'b-00002-of-00002.gguf'],
      ['c-00001-of-00002.gguf'],
    ])
  })

  it('does not take two files of one name for parts of each other', () =>
    expect(uploadGifts(files('a.gguf', 'a.gguf'))).toHaveLength(2))
})
