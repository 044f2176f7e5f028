/** Width of a text in pixels. */
export type Measure = (text: string) => number

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * The longest form of a name that fits: the whole name, its leading words, or its ends around an ellipsis; empty when
 * not even two letters fit. `others` are the names beside it: leading words that another name shares would not tell
 * the two apart, so the ends are kept instead.
 */
export function shortenName(
  name: string,
  options: { readonly widthPx: number; readonly measure: Measure; readonly others?: readonly string[] },
): string {
  const { widthPx, measure, others = [] } = options
  const fits = (text: string) => measure(text) <= widthPx
  if (fits(name)) return name
  const lead = leadingWords(name).find((text) => fits(`${text}…`))
  const isShared = (text: string) => others.some((other) => other !== name && other.startsWith(text))
  if (lead !== undefined && lead.length >= 4 && !isShared(lead)) return `${lead}…`
  return middleEllipsis(name, fits)
}

/** The first of several texts, longest first, that fits; empty when none does. */
export function firstFitting(
  texts: readonly string[],
  { widthPx, measure }: { readonly widthPx: number; readonly measure: Measure },
): string {
  return texts.find((text) => measure(text) <= widthPx) ?? ''
}

/** "Qwen3 Coder 30B" → "Qwen3 Coder", "Qwen3"; words end at spaces, dashes, underscores, colons and slashes. */
function leadingWords(name: string): readonly string[] {
  return [...name.matchAll(/[\s_:/-]+/gu)]
    .map(({ index }) => name.slice(0, index))
    .filter((text) => text !== '')
    .reverse()
}

function middleEllipsis(name: string, fits: (text: string) => boolean): string {
  const letters = [...graphemes.segment(name)].map(({ segment }) => segment)
  for (let kept = letters.length - 1; kept >= 2; kept--) {
    const head = Math.ceil(kept / 2)
    const tail = kept - head
    const text = `${letters.slice(0, head).join('').trimEnd()}…${letters
      .slice(letters.length - tail)
      .join('')
      .trimStart()}`
    if (fits(text)) return text
  }
  return ''
}

/** Measures text in the page's own font; `size` is in rem. Without a canvas (in tests) letters count as 0.6 em. */
export function textMeasure({ size, weight }: { readonly size: number; readonly weight: number }): Measure {
  const rootPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
  const context = document.createElement('canvas').getContext('2d')
  if (!context) return (text) => text.length * 0.6 * size * rootPx
  context.font = `${weight} ${size * rootPx}px ${getComputedStyle(document.documentElement).fontFamily}`
  return (text) => context.measureText(text).width
}
