import type { Turn } from '../../contract/conversation.ts'

/** The turns of a conversation in groups that are drawn together. */
export type TurnGroups = readonly (readonly Turn[])[]

/** So many turns are in a group, but for the first and the last one. */
const groupTurns = 40

/**
 * Turns in groups, given the groups of before: those in which nothing has changed stay the same objects, and each ends where it ended, whatever
 * comes in front of it or behind.
 */
export function groupAgain(turns: readonly Turn[], known: TurnGroups): TurnGroups {
  const first = known[0]?.[0]
  const ahead = Math.max(0, first ? turns.findIndex(({ id }) => id === first.id) : 0)
  const sizes = [
    ahead % groupTurns,
    ...Array<number>(Math.floor(ahead / groupTurns)).fill(groupTurns),
    ...known.slice(0, -1).map(({ length }) => length),
  ].filter((size) => size > 0)
  const before = new Map(known.map((group) => [group[0]?.id, group]))
  const groups: (readonly Turn[])[] = []
  for (let start = 0; start < turns.length; start += groups.at(-1)?.length ?? groupTurns) {
    const group = turns.slice(start, start + (sizes[groups.length] ?? groupTurns))
    const same = before.get(group[0]?.id)
    const isSame = same?.length === group.length && same.every((turn, index) => turn === group[index])
    groups.push(isSame ? same : group)
  }
  return groups
}
