import type { LabelledRequest } from './router-prompt.ts'

/** A label and how likely it is. */
export type LabelProbability = { readonly name: string; readonly probability: number }

/** Requests less alike than this say nothing of each other. */
const leastSimilarity = 0.5

/** The words of a text: runs of letters and digits, lower case; every number is the same word. */
export function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/\p{L}+|\p{N}+/gu) ?? []).map((word) =>
    /^\p{N}/u.test(word) ? '0' : word,
  )
}

/** How alike two texts are by their words: twice those that they share by those that they have (Sørensen and Dice), from 0 to 1. */
export function similarity(a: string, b: string): number {
  const [first, second] = [new Set(wordsOf(a)), new Set(wordsOf(b))]
  if (first.size + second.size === 0) return 0
  return (2 * first.intersection(second).size) / (first.size + second.size)
}

/** Examples by how alike they are to a text, the likest first; the first of equals first. */
export function nearest<Example extends LabelledRequest>(
  text: string,
  examples: readonly Example[],
): { readonly example: Example; readonly similarity: number }[] {
  return examples
    .map((example) => ({ example, similarity: similarity(text, example.text) }))
    .sort((a, b) => b.similarity - a.similarity)
}

/**
 * What the user has taught, laid over what a router says: the likest example takes a share of the probability, none when it is half alike and all
 * when it has the same words. A small router takes examples in its prompt badly: see `routerMessages`.
 */
export function withExamples(
  labels: readonly LabelProbability[],
  text: string,
  taught: readonly LabelledRequest[],
): LabelProbability[] {
  const known = taught.filter(({ label }) => labels.some(({ name }) => name === label))
  const [best] = nearest(text, known)
  const share = best ? Math.max(0, (best.similarity - leastSimilarity) / (1 - leastSimilarity)) : 0
  return labels.map(({ name, probability }) => ({
    name,
    probability: probability * (1 - share) + (name === best?.example.label ? share : 0),
  }))
}
