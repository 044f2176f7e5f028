import type { ChatMessage } from '../../contract/backend.ts'

/** What a verifier may say, in the order in which it is asked. */
export const verdicts = ['PASS', 'FAIL'] as const
type Verdict = (typeof verdicts)[number]

/**
 * An answer passes from this probability of PASS on. The demo verifier is hardly better with another one: of 300 answers, half of them wrong, it judges 196
 * right with 0.5, 198 with 0.4 and 197 with 0.6 (bench/verdicts.ts).
 */
const passProbability = 0.5
/** Longer questions and answers are cut in their middle: a verdict needs what is asked for, and how the answer begins and ends. */
const mostCharacters = 12_000
/** A reason is one sentence. */
const mostReasonCharacters = 300
/** And so it has no more tokens than this. */
export const reasonTokens = 80

/** What an answer is checked against. */
export type CheckedAnswer = {
  readonly question: string
  readonly answer: string
}

/** What a verifier reads: as the demo verifier was trained. */
export function verifierMessages({ question, answer }: CheckedAnswer): ChatMessage[] {
  return [
    { role: 'system', text: 'You check answers. Reply PASS or FAIL with one reason.' },
    { role: 'user', text: `Question: ${shorten(question)}\nAnswer: ${shorten(answer)}` },
  ]
}

/** The same with the verdict, to be gone on with its reason. */
export function reasonMessages(checked: CheckedAnswer, verdict: Verdict): ChatMessage[] {
  return [...verifierMessages(checked), { role: 'assistant', text: `${verdict}:` }]
}

/** The verdict of how likely each of `verdicts` is. */
export function verdictOf(probabilities: readonly number[]): { verdict: Verdict; passProbability: number } {
  const [pass = 0] = probabilities
  return { verdict: pass >= passProbability ? 'PASS' : 'FAIL', passProbability: pass }
}

/** The first sentence of what a verifier has gone on with, with a capital and without a full stop; a plain one where it said nothing. */
export function reasonOf(text: string, verdict: Verdict): string {
  const [line = ''] = text.trim().split('\n')
  const sentence = /^.*?[.!?](?=\s|$)/u.exec(line)?.[0] ?? line
  const said = sentence
    .replace(/^[\s:,–-]+/u, '')
    .replace(/\.$/u, '')
    .trim()
  if (said === '')
    return verdict === 'PASS' ? 'The answer fits the question' : 'The answer does not fit the question'
  const cut =
    said.length <= mostReasonCharacters ? said : `${said.slice(0, mostReasonCharacters - 1).toWellFormed()}…`
  return cut.charAt(0).toUpperCase() + cut.slice(1)
}

/**
 * What the repairing model reads after the path: the answer that has failed, and the reason with the question once more at the end, where small models look.
 * Nobody else reads it, and it is not kept.
 */
export function repairMessages({ question, answer }: CheckedAnswer, reason: string): ChatMessage[] {
  return [
    { role: 'assistant', text: answer },
    { role: 'user', text: `That answer has failed a check: ${reason}. Answer again.\n\n${question}` },
  ]
}

function shorten(text: string): string {
  if (text.length <= mostCharacters) return text
  const half = mostCharacters / 2
  return `${text.slice(0, half).toWellFormed()}\n…\n${text.slice(-half).toWellFormed()}`
}
