/** Width of a text in pixels. */
export type Measure = (text: string) => number

// A stub of three letters says nothing.
const fewestLetters = 4
const wordEnds = /[\s_:/-]+/gu
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * The longest form of a name that fits: the whole name, its leading words, or its ends around an ellipsis; empty when
 * not even four letters fit. `others` are the names beside it: leading words that another name shares would not tell
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
  if (lead !== undefined && lead.length >= fewestLetters && !isShared(lead)) return `${lead}…`
  return middleEllipsis(name, fits)
}

/**
 * A name on up to `lines` lines: whole where it can be, broken after spaces and dashes; else its start on full lines and
 * the rest shortened; else shortened to one line. Empty when nothing that can be read fits.
 */
export function fitName(
  name: string,
  options: {
    readonly widthPx: number
    readonly lines: number
    readonly measure: Measure
    readonly others?: readonly string[]
  },
): readonly string[] {
  const { widthPx, measure, lines } = options
  if (measure(name) <= widthPx) return [name]
  const filled: string[] = []
  let rest = name
  while (filled.length < lines - 1 && measure(rest) > widthPx) {
    const line = longestLine(rest, { widthPx, measure })
    if (line === null) break
    filled.push(line.trimEnd())
    rest = rest.slice(line.length)
  }
  const last = shortenName(rest, { ...options, ...(filled.length > 0 && { others: [] }) })
  if (last !== '') return [...filled, last]
  // Nothing of the rest fits: rather one shortened line than a beginning that looks like a whole name.
  const only = filled.length > 0 ? shortenName(name, options) : ''
  return only === '' ? [] : [only]
}

/** The most of a text's whole words that fits on a line, with what separates them; null when the first does not fit. */
function longestLine(
  text: string,
  { widthPx, measure }: { readonly widthPx: number; readonly measure: Measure },
): string | null {
  const ends = [...text.matchAll(wordEnds)].map(({ index, 0: separator }) =>
    text.slice(0, index + separator.length),
  )
  return ends.findLast((line) => measure(line.trimEnd()) <= widthPx) ?? null
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
  return [...name.matchAll(wordEnds)]
    .map(({ index }) => name.slice(0, index))
    .filter((text) => text !== '')
    .reverse()
}

function middleEllipsis(name: string, fits: (text: string) => boolean): string {
  const letters = [...graphemes.segment(name)].map(({ segment }) => segment)
  for (let kept = letters.length - 1; kept >= fewestLetters; kept--) {
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
  context.font = `${weight} ${size * rootPx}px ${getComputedStyle(document.body).fontFamily}`
  // The same few names are measured with every snapshot of the pool.
  const known = new Map<string, number>()
  return (text) => {
    const width = known.get(text) ?? context.measureText(text).width
    if (known.size < 10_000) known.set(text, width)
    return width
  }
}
