import type { FoundPlace } from '../../contract/search.ts'

/** The hit with this number within a message (`answerId` null) or an answer. */
export type FoundAt = { readonly turnId: string; readonly answerId: string | null; readonly index: number }

/** How many hits there are. */
export function countHits(places: readonly FoundPlace[]): number {
  return places.reduce((sum, { count }) => sum + count, 0)
}

/** The number of a hit among all, from 1; of one that is gone the number of the place where it was. */
export function numberOf(places: readonly FoundPlace[], at: FoundAt): number {
  const place = places.findIndex(({ turnId, answerId }) => turnId === at.turnId && answerId === at.answerId)
  return place === -1
    ? 0
    : countHits(places.slice(0, place)) + Math.min(at.index, (places[place]?.count ?? 1) - 1) + 1
}

/** The hit with this number, from 0; they go round. */
export function hitAt(places: readonly FoundPlace[], number: number): FoundAt | null {
  const count = countHits(places)
  if (count === 0) return null
  let left = ((number % count) + count) % count
  for (const place of places) {
    if (left < place.count) return { turnId: place.turnId, answerId: place.answerId, index: left }
    left -= place.count
  }
  return null
}
