/** How well a text matches what was typed, and which of its letters were meant. */
export type Match = {
  /** The higher the better; the scores of two texts can be compared for the same query. */
  readonly score: number
  /** Indexes into the text, ascending. */
  readonly marks: readonly number[]
}

// A letter that begins a word says more than one within it, and one that follows the letter before says most.
const points = { letter: 1, wordStart: 8, textStart: 2, next: 10 } as const
/** What each letter that is passed over costs. */
const gapCost = 0.1

/**
 * Finds the words of a query in a text, in any order, each in its best place: letters in their order, where one that does not follow the
 * letter before is in the same word or begins another. Null when one is not there.
 * Takes query length × text length steps. Pure.
 */
export function matchText(text: string, query: string): Match | null {
  const letters = fold(text)
  const marks = new Set<number>()
  let score = 0
  for (const word of query.trim().split(/\s+/)) {
    if (word === '') continue
    const found = matchWord(letters, fold(word))
    if (!found) return null
    score += found.score
    for (const mark of found.marks) marks.add(mark)
  }
  return { score, marks: [...marks].sort((a, b) => a - b) }
}

/** One character each, lower case and without accents, so that indexes stay those of the text. */
function fold(text: string): readonly string[] {
  return Array.from({ length: text.length }, (_, index) => {
    const plain = text.charAt(index).normalize('NFD').charAt(0).toLowerCase()
    return plain.charAt(0)
  })
}

function matchWord(text: readonly string[], word: readonly string[]): Match | null {
  // best[j]: the best score when the letters so far end at text[j]; from[i][j]: where the letter before was.
  let best: readonly number[] = []
  const from: number[][] = []
  for (const [i, letter] of word.entries()) {
    const next: number[] = []
    const back: number[] = []
    // The best earlier end, in the same word and in all of the text, less what lies between.
    let inWord = { score: -Infinity, at: -1 }
    let inText = { score: -Infinity, at: -1 }
    for (const [j, other] of text.entries()) {
      const startsWord = isWordStart(text, j)
      const before = { score: i === 0 ? 0 : (best[j - 1] ?? -Infinity), at: j - 1 }
      inText = better(before, { ...inText, score: inText.score - gapCost })
      inWord = startsWord
        ? { score: -Infinity, at: -1 }
        : better(before, { ...inWord, score: inWord.score - gapCost })
      if (other !== letter) {
        next.push(-Infinity)
        back.push(-1)
        continue
      }
      const base = points.letter + (startsWord ? points.wordStart : 0) + (j === 0 ? points.textStart : 0)
      const follows = { ...before, score: before.score + (i === 0 ? 0 : points.next) }
      const chosen = i === 0 ? follows : better(follows, startsWord ? inText : inWord)
      next.push(base + chosen.score)
      back.push(chosen.at)
    }
    best = next
    from.push(back)
  }
  const score = Math.max(-Infinity, ...best)
  if (!Number.isFinite(score)) return null
  const marks: number[] = []
  for (let i = word.length - 1, at = best.indexOf(score); i >= 0; i--) {
    marks.push(at)
    at = from[i]?.[at] ?? -1
  }
  return { score, marks: marks.reverse() }
}

function better<Of extends { readonly score: number }>(one: Of, other: Of): Of {
  return one.score >= other.score ? one : other
}

function isWordStart(text: readonly string[], index: number): boolean {
  return index === 0 || !/[\p{L}\p{N}]/u.test(text[index - 1] ?? ' ')
}
