import { describe, expect, it } from 'vitest'
import { firstFitting, fitName, shortenName } from './label.ts'

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
    expect(shorten(family.repeat(6), 4 * family.length + 1)).toBe(`${family.repeat(2)}…${family.repeat(2)}`)
  })

  it('says nothing rather than a stub', () => expect(shorten('Guidebook', 4)).toBe(''))
})

describe('fitName', () => {
  const fit = (name: string, widthPx: number, lines: number) => fitName(name, { widthPx, lines, measure })

  it('breaks a name after its words', () =>
    expect(fit('Qwen3-Coder 30B', 6, 3)).toEqual(['Qwen3-', 'Coder', '30B']))

  it('shortens what is left when the lines are full', () =>
    expect(fit('Mistral-Small-3.2-24B-Instruct', 10, 2)).toEqual(['Mistral-', 'Small-3.2…']))

  it('shortens to one line when the first word does not fit', () =>
    expect(fit('abcdefghijklmnop q', 8, 3)).toEqual(['abcd…p q']))

  it('says nothing rather than a stub', () => expect(fit('Guidebook', 4, 3)).toEqual([]))

  it('does not let the beginning of a name pass for the whole', () =>
    expect(fit('gpt-instructed', 4, 2)).toEqual([]))
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
