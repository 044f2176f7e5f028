import type { TurnCost } from '../../contract/attachment.ts'
import { formatCount, formatDuration } from '../ui/format.ts'

/** Fewer unread tokens than this are read before anybody notices. */
const noticeableTokens = 16

/**
 * What a model has still to read before it answers, in a few words: "answers at once, 91 tokens reused", "1,204 tokens to read, 96 reused, about
 * 2.1 s". Tokens that it had read, and that a changed path or instruction make useless, are named.
 */
export function readingText(cost: TurnCost): string {
  const { promptTokens, reusedTokens, lostTokens, isExact, readingSeconds } = cost
  const readTokens = promptTokens - reusedTokens
  const about = isExact ? '' : 'about '
  if (readTokens < noticeableTokens)
    return `answers at once${reusedTokens > 0 ? `, ${formatCount(reusedTokens)} tokens reused` : ''}`
  return [
    `${about}${formatCount(readTokens)} tokens to read`,
    ...(lostTokens >= noticeableTokens ? [`${formatCount(lostTokens)} of them again`] : []),
    ...(reusedTokens > 0 ? [`${formatCount(reusedTokens)} reused`] : []),
    ...(readingSeconds === null ? [] : [`about ${formatDuration(readingSeconds * 1000)}`]),
  ].join(', ')
}

/** The same for a model that has to be loaded first: "1,204 tokens to read, about 0.8 s to load". */
export function loadingText(cost: TurnCost): string {
  const { loadingSeconds } = cost
  const load = loadingSeconds === null ? '' : `, about ${formatDuration(loadingSeconds * 1000)} to load`
  return `${readingText(cost)}${load}`
}
