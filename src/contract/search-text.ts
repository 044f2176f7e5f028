/**
 * Part of a query: words that follow each other. The last of them may be only the beginning of a word. Words are folded:
 * lower case, without accents, ß as ss; of scripts without spaces each letter is a word.
 */
export type Term = { readonly words: readonly string[]; readonly isPrefix: boolean }

/** A stretch of a text, in UTF-16 code units: `[start, end)`. */
export type TextRange = { readonly start: number; readonly end: number }

/** A query is no longer than this; what follows is not looked for. */
export const maxQueryCharacters = 500

/** Letters of scripts that part no words by spaces. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const eachUnspaced = new RegExp(unspaced.source, 'gu')
const word = new RegExp(`${unspaced.source}|(?:(?!${unspaced.source})[\\p{L}\\p{N}\\p{Co}])+`, 'gu')

/**
 * What is put into the search index for a text: letters of scripts without spaces stand alone, so that any part is found, and what the index
 * does not fold by itself is folded.
 */
export function indexText(text: string): string {
  const folded = /[ßẞ]/.test(text) ? text.replaceAll(/[ßẞ]/g, 'ss') : text
  return unspaced.test(folded) ? folded.replaceAll(eachUnspaced, ' $& ') : folded
}

/**
 * Reads what somebody looks for: words, and "words in quotation marks" that follow each other. The last word, unless it is
 * quoted or a space follows, may be the beginning of one. Everything is a query; one without letters and digits has no terms.
 */
export function parseQuery(query: string): readonly Term[] {
  const text = query.slice(0, maxQueryCharacters)
  const parts = [...text.matchAll(/["“”„«»]([^"“”„«»]*)(["“”„«»]|$)|[^\s"“”„«»]+/g)]
  return parts.flatMap((part, index) => {
    const [whole, quoted, closing] = part
    const words = fold(quoted ?? whole).text.match(word) ?? []
    const isLast = index === parts.length - 1
    const isOpen = quoted === undefined ? !/\s$/.test(text) : closing === ''
    return words.length === 0 ? [] : [{ words, isPrefix: isLast && isOpen }]
  })
}

/** Where the terms are in a text, in order; at most `limit` places. */
export function findTerms(text: string, terms: readonly Term[], limit = 1000): readonly TextRange[] {
  if (terms.length === 0) return []
  const pattern = new RegExp(terms.map(patternOf).join('|'), 'gu')
  return findPattern(text, pattern, limit)
}

/** Whether each of the terms, of which there is at least one, is in the text. */
export function hasAllTerms(text: string, terms: readonly Term[]): boolean {
  return terms.length > 0 && terms.every((term) => findTerms(text, [term], 1).length > 0)
}

/** Where a piece of text is, whatever the case and the accents, in order; at most `limit` places. */
export function findPiece(text: string, piece: string, limit = 1000): readonly TextRange[] {
  const wanted = fold(piece.trim()).text
  if (wanted === '') return []
  // What is one space in the query may be a line's end in the text.
  const pattern = wanted.split(/\s+/).map(escapePattern).join('\\s+')
  return findPattern(text, new RegExp(pattern, 'gu'), limit)
}

/** Texts are read in parts of this many characters, so that a huge one takes no huge map. */
const partCharacters = 200_000

function findPattern(text: string, pattern: RegExp, limit: number): readonly TextRange[] {
  const found: TextRange[] = []
  for (let from = 0; from < text.length && found.length < limit; from += partCharacters) {
    const { text: folded, places } = fold(text.slice(from, from + partCharacters))
    for (const { index, 0: match } of folded.matchAll(pattern)) {
      if (match === '' || found.length === limit) break
      const last = index + match.length - 1
      const start = from + (places ? (places[index] ?? 0) : index)
      // The other half of a character that is folded to two.
      if (found.at(-1)?.start === start) continue
      found.push({
        start,
        end: from + (places ? endOf(places, last, folded.length) : last + 1),
      })
    }
  }
  return found.map((range) => ({ start: range.start, end: withMarks(text, range.end) }))
}

/** Lower case, without accents, and ß as ss; `places` says where each character was, and is left out where nothing moved. */
function fold(text: string): { readonly text: string; readonly places: Uint32Array | null } {
  // Most texts: nothing moves.
  if (/^[\0-\x7f]*$/.test(text)) return { text: text.toLowerCase(), places: null }
  let folded = ''
  const places: number[] = []
  let at = 0
  for (const character of text) {
    const plain = character < '\x80' ? character.toLowerCase() : foldCharacter(character)
    folded += plain
    for (const end = places.length + plain.length; places.length < end;) places.push(at)
    at += character.length
  }
  return { text: folded, places: Uint32Array.from([...places, at]) }
}

function foldCharacter(character: string): string {
  return character
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll('ß', 'ss')
    .normalize('NFC')
}

/** Where the character ends that was folded to the one at `index`: one may become several. */
function endOf(places: Uint32Array, index: number, length: number): number {
  let next = index + 1
  while (next < length && places[next] === places[index]) next++
  return places[next] ?? 0
}

/** Accents that stand behind a letter belong to it. */
function withMarks(text: string, end: number): number {
  const marks = /^\p{M}+/u.exec(text.slice(end, end + 8))?.[0] ?? ''
  return end + marks.length
}

function patternOf({ words, isPrefix }: Term): string {
  const [first = '', last = ''] = [words[0], words.at(-1)]
  const begin = unspaced.test(first) ? '' : '(?<![\\p{L}\\p{N}])'
  const end = isPrefix ? '' : unspaced.test(last) ? '' : '(?![\\p{L}\\p{N}])'
  return `${begin}${words.map(escapePattern).join('[^\\p{L}\\p{N}]*')}${end}`
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
