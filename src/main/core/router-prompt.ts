import type { ChatMessage } from '../../contract/backend.ts'
import type { RequestLabel } from '../../contract/routing.ts'
import { nearest, wordsOf } from './route-examples.ts'

/** A request that is known to belong to a label. */
export type LabelledRequest = { readonly text: string; readonly label: string }

/** What a router is asked. */
export type RouterQuestion = {
  readonly text: string
  readonly labels: readonly RequestLabel[]
  /** Earlier requests of the conversation, oldest first, with the labels under which they were answered. */
  readonly path: readonly LabelledRequest[]
  /** What the user has taught. */
  readonly taught: readonly LabelledRequest[]
  /** What the router's context holds: examples and earlier requests are left out rather than that they do not fit. */
  readonly contextTokens: number
}

/** Requests of the path that a router reads at most. */
const mostEarlier = 3
/** Examples of a label that it reads at most. */
const mostExamples = 2
/** Messages with more words say by themselves what they are about. */
const fewWords = 3
/** A request is cut in its middle to so many characters: what it is about stands at its beginning or its end. */
const requestCharacters = 1200
const earlierCharacters = 300
/** Every tokenizer needs fewer tokens than this for a text in a language that it knows. */
const charactersPerToken = 2
/** What a template adds to a message, about. */
const charactersPerMessage = 20

/** The labels of several roles: those of the same name are one, with the first description and all examples. */
export function mergeLabels(labels: readonly RequestLabel[]): RequestLabel[] {
  const merged = new Map<string, RequestLabel>()
  for (const label of labels) {
    const known = merged.get(label.name)
    if (!known) merged.set(label.name, label)
    else {
      const description = known.description ?? label.description
      const examples = [...new Set([...(known.examples ?? []), ...(label.examples ?? [])])]
      merged.set(label.name, {
        name: label.name,
        ...(description !== undefined && { description }),
        ...(examples.length > 0 && { examples }),
      })
    }
  }
  return [...merged.values()]
}

/**
 * What a router reads: the labels, and the request as a user's message, to be answered with a label. Earlier requests and examples are pairs of
 * message and label, which take few tokens and show the form of the answer.
 *
 * Where no label has a description or an example, nothing but the names and the message is read: it is what the demo router was trained on. Of 200
 * unfamiliar requests it sorts 168 right so, 150 with one earlier pair before them, 160 with descriptions, 38 with letters for labels.
 * Only a message of a few words, which says little by itself, then follows the request before it.
 */
export function routerMessages({ text, labels, path, taught, contextTokens }: RouterQuestion): ChatMessage[] {
  const names = labels.map(({ name }) => name).join(', ')
  const told = labels.filter(({ description }) => description !== undefined)
  const known = labels.flatMap(({ name, examples = [] }) =>
    examples.map((example): LabelledRequest => ({ text: example, label: name })),
  )
  const isBare = told.length === 0 && known.length === 0
  const lines = told.map(({ name, description = '' }) => `${name}: ${description}`)
  const examples = isBare ? [] : pickExamples(text, [...taught, ...known], labels)
  const earlier = !isBare ? path.slice(-mostEarlier) : wordsOf(text).length <= fewWords ? path.slice(-1) : []
  const system = [`You sort requests. Reply with one label: ${names}.`, ...lines].join('\n')
  const pairs = [...examples, ...earlier].map((pair): ChatMessage[] => [
    { role: 'user', text: shorten(pair.text, earlierCharacters) },
    { role: 'assistant', text: pair.label },
  ])
  const question = shorten(text, requestCharacters)
  let room = contextTokens * charactersPerToken - lengthOf([system, question])
  // What is nearest to the message goes first.
  const fitting = pairs.toReversed().filter((pair) => (room -= lengthOf(pair.map((each) => each.text))) >= 0)
  return [{ role: 'system', text: system }, ...fitting.toReversed().flat(), { role: 'user', text: question }]
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length + charactersPerMessage, 0)
}

/** The examples of each label that are most like the request, those of the likest label last. */
function pickExamples(
  text: string,
  examples: readonly LabelledRequest[],
  labels: readonly RequestLabel[],
): LabelledRequest[] {
  return labels
    .map(({ name }) => {
      const own = examples.filter(({ label }) => label === name)
      return nearest(text, own).slice(0, mostExamples).reverse()
    })
    .sort((a, b) => (a.at(-1)?.similarity ?? 0) - (b.at(-1)?.similarity ?? 0))
    .flat()
    .map(({ example }) => example)
}

/** A text that keeps its beginning and its end. */
function shorten(text: string, characters: number): string {
  if (text.length <= characters) return text
  const half = Math.floor(characters / 2)
  return `${text.slice(0, half).toWellFormed()} … ${text.slice(-half).toWellFormed()}`
}
