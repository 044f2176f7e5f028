import type { Turn } from '../../contract/conversation.ts'
import type { FoundPlace } from '../../contract/search.ts'
import { findPiece } from '../../contract/search-text.ts'

/** The messages and answers of a path that hold a piece of text, in their order on the screen. Of a turn the chosen answer is shown. */
export function findPlaces(path: readonly Turn[], text: string): FoundPlace[] {
  const places = path.flatMap(({ id: turnId, text: message, answers, chosenAnswerId }) => [
    { turnId, answerId: null, count: findPiece(message, text).length },
    ...answers
      .filter(({ id }) => id === chosenAnswerId)
      .map((answer) => ({ turnId, answerId: answer.id, count: findPiece(answer.text, text).length })),
  ])
  return places.filter(({ count }) => count > 0)
}
