import type { Turn } from '../../contract/conversation.ts'
import type { FoundPlace } from '../../contract/search.ts'
import { findPiece, findTerms, hasAllTerms, parseQuery } from '../../contract/search-text.ts'

/**
 * The messages and answers of a path that hold a piece of text, or all words of a search, in their order on the screen. Of a turn the
 * chosen answer counts; all of them while none was kept.
 */
export function findPlaces(
  path: readonly Turn[],
  { text, as }: { readonly text: string; readonly as: 'piece' | 'words' },
): FoundPlace[] {
  const terms = as === 'words' ? parseQuery(text) : []
  const countIn = (whole: string): number => {
    if (as === 'piece') return findPiece(whole, text).length
    return hasAllTerms(whole, terms) ? findTerms(whole, terms).length : 0
  }
  const places = path.flatMap(({ id: turnId, text: message, answers, chosenAnswerId, isUndecided }) => [
    { turnId, answerId: null, count: countIn(message) },
    ...answers
      .filter(({ id }) => isUndecided || id === chosenAnswerId)
      .map((answer) => ({ turnId, answerId: answer.id, count: countIn(answer.text) })),
  ])
  return places.filter(({ count }) => count > 0)
}
