import type { Drafter } from './drafter.ts'

/** So many tokens have to agree before what followed them is taken for what follows now. */
const patternTokens = 3
/** Earlier places that are compared, the latest first, and how far back. */
const mostPlaces = 8
const longestMatch = 16

/**
 * Proposes what followed the last tokens where they stood before: in the prompt or in the answer itself. Of several places the one that
 * agrees longest, of these the latest (prompt lookup decoding, https://github.com/apoorvumang/prompt-lookup-decoding).
 */
export class LookupDraft<Token extends number> implements Drafter<Token> {
  /** The latest end of a pattern, by its hash; before it the next earlier one with the same hash. */
  readonly #latest = new Map<number, number>()
  readonly #earlier: number[] = []

  propose(text: readonly Token[], count: number): readonly Token[] {
    if (count <= 0) return []
    // The pattern at the very end is what is looked for, and comes in with the next token.
    for (let end = this.#earlier.length; end < text.length - 1; end++) this.#index(text, end)
    const last = text.length - 1
    if (last < patternTokens) return []
    let best = { end: -1, length: patternTokens - 1 }
    let end = this.#latest.get(hashAt(text, last)) ?? -1
    for (let places = 0; end !== -1 && places < mostPlaces; places++) {
      const length = matchLength(text, end)
      if (length > best.length) best = { end, length }
      end = this.#earlier[end] ?? -1
    }
    return best.end === -1 ? [] : text.slice(best.end + 1, best.end + 1 + count)
  }

  #index(text: readonly Token[], end: number): void {
    if (end < patternTokens - 1) {
      this.#earlier.push(-1)
      return
    }
    const hash = hashAt(text, end)
    this.#earlier.push(this.#latest.get(hash) ?? -1)
    this.#latest.set(hash, end)
  }
}

function hashAt(text: readonly number[], end: number): number {
  let hash = 0
  for (let at = end - patternTokens + 1; at <= end; at++)
    hash = (Math.imul(hash, 0x01000193) ^ (text[at] ?? 0)) | 0
  return hash
}

/** Tokens up to `end` that agree with the last ones of the text. */
function matchLength(text: readonly number[], end: number): number {
  let length = 0
  while (length < longestMatch && length <= end && text[end - length] === text[text.length - 1 - length])
    length++
  return length
}
