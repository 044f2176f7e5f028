import { describe, expect, it } from 'vitest'
import { firstFitting, shortenName } from './label.ts'

// One pixel a letter: widths are lengths.
const measure = (text: string) => text.length
const shorten = (name: string, widthPx: number, others?: readonly string[]) =>
  shortenName(name, { widthPx, measure, ...(others ? { others } : {}) })

describe('shortenName', () => {
  it('keeps a name that fits', () => expect(shorten('Guide', 5)).toBe('Guide'))

  it('keeps as many leading words as fit', () => {
    expect([18, 12, 8].map((width) => shorten('Qwen3-Coder 30B Instruct', width))).toEqual([
      'Qwen3-Coder 30B…',
      'Qwen3-Coder…',
      'Qwen3…',
    ])
  })

  it('keeps both ends of a name without words', () =>
    expect(shorten('meta.llama.3.3.70b', 9)).toBe('meta….70b'))

  it('keeps the ends when another name starts with the same words', () =>
    expect(shorten('Llama-3.1-8B-Q4_0', 11, ['Llama-3.1-8B-Q8_0'])).toBe('Llama…-Q4_0'))

  it('never cuts a letter that is made of several code points', () => {
    const family = '👩‍👩‍👧'
    const text = shorten(`${family}${family}${family}`, 2 * family.length + 1)
    expect(text).toBe(`${family}…${family}`)
  })

  it('says nothing rather than one letter', () => expect(shorten('Guide', 2)).toBe(''))
})

describe('firstFitting', () => {
  it('takes the longest text that fits, or none', () => {
    const texts = ['42.4 GB · Q4_K_M', '42.4 GB']
    expect([20, 10, 3].map((widthPx) => firstFitting(texts, { widthPx, measure }))).toEqual([
      '42.4 GB · Q4_K_M',
      '42.4 GB',
      '',
    ])
  })
})
