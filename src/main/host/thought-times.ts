import type { Answer } from '../../contract/conversation.ts'
import { splitThoughts } from '../../contract/thoughts.ts'

type ThoughtTimes = Answer['thoughts']

/**
 * The times of the thoughts in an answer that has grown to `text` at `now` (milliseconds since 1970); the same object when nothing
 * began or ended. Pure.
 */
export function timeThoughts(text: string, times: ThoughtTimes, now: number): ThoughtTimes {
  // Most answers think nothing, and this is asked for every frame of text.
  if (!/think|thought/i.test(text)) return times
  const thoughts = splitThoughts(text, { isGrowing: true }).filter(({ kind }) => kind === 'thought')
  const known = times ?? []
  const isSame =
    thoughts.length === known.length &&
    thoughts.every(({ isOpen }, index) => isOpen === (known[index]?.ms === null))
  if (isSame) return times
  return thoughts.flatMap(({ isOpen }, index) => {
    const { startedAt, ms } = known[index] ?? { startedAt: now, ms: null }
    return [{ startedAt, ms: isOpen ? null : (ms ?? now - startedAt) }]
  })
}

/** The times when the answer is over: a thought that was cut off took until `now`. */
export function endThoughts(times: ThoughtTimes, now: number): ThoughtTimes {
  return times?.map(({ startedAt, ms }) => ({ startedAt, ms: ms ?? now - startedAt }))
}
