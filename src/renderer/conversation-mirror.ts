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
  const turns = [...conversation.turns]
  for (const delta of deltas) {
    // Answers grow at the end; a long conversation is not gone through for each frame.
    const index = turns.findLastIndex(({ id }) => id === delta.turnId)
    const turn = turns[index]
    if (!turn) continue
    const answers = turn.answers.map((answer) =>
      answer.id === delta.answerId ? withText(answer, delta, gaps) : answer,
    )
    if (answers.some((answer, place) => answer !== turn.answers[place])) turns[index] = { ...turn, answers }
  }
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

/** The conversation with turns that come right before its first one; others wait for their place, or have one already. */
export function withEarlier(conversation: Conversation, turns: readonly Turn[]): Conversation {
  const [first] = conversation.turns
  const last = turns.at(-1)
  return last && first?.parentId === last.id
    ? { ...conversation, turns: [...turns, ...conversation.turns] }
    : conversation
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

// Asked by many, after each change of anything: a long conversation is gone through once for each of its states.
const runningIds = new WeakMap<Conversation['turns'], string | null>()

/** The turn that has an answer on its way, or null. */
export function runningTurnId(conversation: Conversation | null): string | null {
  if (!conversation) return null
  const { turns } = conversation
  const known = runningIds.get(turns)
  if (known !== undefined) return known
  const id = turns.findLast((turn) => turn.answers.some(isRunning))?.id ?? null
  runningIds.set(turns, id)
  return id
}
