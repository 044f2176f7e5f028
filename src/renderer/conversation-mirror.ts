import type { Answer, Conversation, Turn } from '../contract/conversation.ts'

/** Text for an answer that is being written; `at` is the length of the answer before it. */
export type TextDelta = {
  readonly turnId: string
  readonly answerId: string
  readonly at: number
  readonly text: string
}

/**
 * The conversation with the text of these deltas. What did not change keeps its identity, so that only the
 * answer that grows is drawn again. `hasGap` says that text is missing and a new snapshot is needed.
 */
export function withTexts(
  conversation: Conversation,
  deltas: readonly TextDelta[],
): { readonly conversation: Conversation; readonly hasGap: boolean } {
  const gaps: TextDelta[] = []
  const turns = conversation.turns.map((turn) => {
    if (!deltas.some((delta) => delta.turnId === turn.id)) return turn
    const own = deltas.filter((delta) => delta.turnId === turn.id)
    const answers = turn.answers.map((answer) =>
      own
        .filter((delta) => delta.answerId === answer.id)
        .reduce((grown, delta) => withText(grown, delta, gaps), answer),
    )
    return answers.some((answer, index) => answer !== turn.answers[index]) ? { ...turn, answers } : turn
  })
  const changed = turns.some((turn, index) => turn !== conversation.turns[index])
  return { conversation: changed ? { ...conversation, turns } : conversation, hasGap: gaps.length > 0 }
}

function withText(answer: Answer, delta: TextDelta, gaps: TextDelta[]): Answer {
  if (delta.at > answer.text.length) {
    gaps.push(delta)
    return answer
  }
  // A snapshot or a turn event may already hold what was on its way: never shorten, never repeat.
  if (delta.at + delta.text.length <= answer.text.length) return answer
  return { ...answer, text: answer.text.slice(0, delta.at) + delta.text }
}

/** The conversation with this turn: in the place of its older state, or at the end. Another version of what is shown waits for its snapshot. */
export function withTurn(conversation: Conversation, turn: Turn): Conversation {
  const { turns } = conversation
  const known = turns.some(({ id }) => id === turn.id)
  const last = turns.at(-1)
  const isElsewhere =
    turns.some(({ id }) => turn.siblingIds.includes(id)) ||
    (turn.parentId !== null && turn.parentId !== last?.id)
  if (!known && isElsewhere) return conversation
  return {
    ...conversation,
    turns: known ? turns.map((old) => (old.id === turn.id ? turn : old)) : [...turns, turn],
  }
}

/** The answer that later turns build on. */
export function chosenAnswer(turn: Turn): Answer {
  const answer = turn.answers.find(({ id }) => id === turn.chosenAnswerId) ?? turn.answers.at(-1)
  if (!answer) throw new Error(`Turn "${turn.id}" has no answer`)
  return answer
}

/** Whether an answer is still on its way. */
export function isRunning({ state }: Answer): boolean {
  return state.kind === 'waiting' || state.kind === 'reading' || state.kind === 'writing'
}

/** The turn that has an answer on its way, or null. */
export function runningTurnId(conversation: Conversation | null): string | null {
  return conversation?.turns.findLast((turn) => turn.answers.some(isRunning))?.id ?? null
}
