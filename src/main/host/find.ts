import type { Turn } from '../../contract/conversation.ts'
import type { FoundPlace } from '../../contract/search.ts'
import { findPiece, findTerms, hasAllTerms, parseQuery } from '../../contract/search-text.ts'

/**
 * The messages and answers of a path that hold a piece of text, or all words of a search, in their order on the screen. Of a turn the
 * chosen answer counts; all of them while none was kept. A message's attachments, whose texts are not on the screen, count once each.
 */
export function findPlaces(
  path: readonly Turn[],
  {
    text,
    as,
    textOf = () => '',
  }: {
    readonly text: string
    readonly as: 'piece' | 'words'
    /** The text of an attachment, by its id; default: only its name is looked at. */
    readonly textOf?: (attachmentId: string) => string
  },
): FoundPlace[] {
  const terms = as === 'words' ? parseQuery(text) : []
  const countIn = (whole: string): number => {
    if (as === 'piece') return findPiece(whole, text).length
    return hasAllTerms(whole, terms) ? findTerms(whole, terms).length : 0
  }
  const countWith = ({ text: message, attachments = [] }: Turn): number => {
    const holding = attachments.filter(({ id, name }) => countIn(`${name}\n${textOf(id)}`) > 0)
    return countIn(message) + holding.length
  }
  const places = path.flatMap((turn) => [
    { turnId: turn.id, answerId: null, count: countWith(turn) },
    ...turn.answers
      .filter(({ id }) => turn.isUndecided || id === turn.chosenAnswerId)
      .map((answer) => ({ turnId: turn.id, answerId: answer.id, count: countIn(answer.text) })),
  ])
  return places.filter(({ count }) => count > 0)
}
