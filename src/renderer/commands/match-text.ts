/** How well a text matches what was typed, and which of its letters were meant. */
export type Match = {
  /** The higher the better; the scores of two texts can be compared for the same query. */
  readonly score: number
  /** Indexes into the text, ascending. */
  readonly marks: readonly number[]
}

// A letter that begins a word says more than one within it, and one that follows the letter before says most.
const points = { letter: 1, wordStart: 8, textStart: 2, next: 10 } as const
/** Letters passed over cost little, so that a long title with the words in it still beats scattered letters. */
const gapCost = 0.1

/**
 * Finds the words of a query in a text, each as letters in their order and in the best place; null when one is not there.
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
  return { score: score - text.length / 1000, marks: [...marks].sort((a, b) => a - b) }
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
    let reach = -Infinity
    let reachFrom = -1
    for (const [j, other] of text.entries()) {
      // The best of the earlier ends, less what lies between.
      reach -= gapCost
      const before = i === 0 ? 0 : (best[j - 1] ?? -Infinity)
      if (i > 0 && before > reach) {
        reach = before
        reachFrom = j - 1
      }
      if (other !== letter) {
        next.push(-Infinity)
        back.push(-1)
        continue
      }
      const base =
        points.letter + (isWordStart(text, j) ? points.wordStart : 0) + (j === 0 ? points.textStart : 0)
      const follows = i > 0 ? before + points.next : 0
      const jumps = i > 0 ? reach : 0
      next.push(base + Math.max(follows, jumps))
      back.push(follows >= jumps ? j - 1 : reachFrom)
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

function isWordStart(text: readonly string[], index: number): boolean {
  return index === 0 || !/[\p{L}\p{N}]/u.test(text[index - 1] ?? ' ')
}
