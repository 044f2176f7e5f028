/** llama.cpp makes contexts of whole blocks of this many tokens. */
const blockTokens = 256

/** With so many tokens a context begins while memory is short; it grows at once to what its conversation needs. */
export const shortContextTokens = 512

/** A context size as llama.cpp makes it. */
export function blocksOf(tokens: number): number {
  return Math.ceil(tokens / blockTokens) * blockTokens
}

/**
 * Sizes to which a context may grow when it needs more tokens, the best first: twice as large or more, so that a long conversation grows seldom; a
 * quarter more than it needs; the least that will do. Empty when no size within the limit would do. Pure.
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
  const some = blocksOf(neededTokens * 1.25)
  const ample = Math.max(2 * contextTokens, some)
  return [...new Set([ample, some, least].map((size) => Math.min(limit, blocksOf(size))))]
}
