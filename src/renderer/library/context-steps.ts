/** The shortest context that is offered, in tokens: llama.cpp makes KV caches of multiples of 256 cells. */
const shortest = 256

/**
 * Context sizes to choose from, in tokens: 256, 512, 768, 1,024, and from there each power of two and the middle between two of them, up to what
 * the model was trained with (that one included). `chosen` is one of them even where it lies between or beyond. Pure.
 */
export function contextSteps(trainTokens: number, chosen?: number): readonly number[] {
  const longest = Math.max(shortest, trainTokens)
  const steps = new Set([longest, ...(chosen === undefined ? [] : [chosen])])
  for (let power = shortest; power < longest; power *= 2) {
    steps.add(power)
    const middle = 1.5 * power
    if (middle % shortest === 0 && middle < longest) steps.add(middle)
  }
  return [...steps].sort((a, b) => a - b)
}
