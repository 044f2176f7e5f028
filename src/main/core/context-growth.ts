/** llama.cpp makes contexts of whole blocks of this many tokens. */
const blockTokens = 256

/** A context size as llama.cpp makes it. */
export function blocksOf(tokens: number): number {
  return Math.ceil(tokens / blockTokens) * blockTokens
}

/**
 * Sizes to which a context may grow when it needs more tokens, the best first: twice as large or more, so that a long conversation grows seldom; then
 * the least that will do. Empty when no size within the limit would do. Pure.
 */
export function grownContextSizes(context: {
  readonly contextTokens: number
  readonly neededTokens: number
  readonly limitTokens: number
}): readonly number[] {
  const { contextTokens, neededTokens } = context
  const limit = blocksOf(context.limitTokens)
  const least = blocksOf(neededTokens)
  if (least > limit || least <= contextTokens) return []
  // A quarter more than is needed now: an answer follows.
  const ample = Math.min(limit, blocksOf(Math.max(2 * contextTokens, neededTokens * 1.25)))
  return [...new Set([ample, least])]
}
