import type { ChatMessage } from '../../contract/backend.ts'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { messagesOf } from './messages.ts'

/** Which part of a conversation a model reads, once the whole of it does not fit into its context. */
export type MemoryWindow = {
  /** The first turn that is read; what is before it has slid out. */
  readonly startsAtTurnId: string
  /** The first turn of the conversation, which often says how to answer, is read before it. */
  readonly keepsFirstTurn: boolean
}

/** The window of a model's last answer on a path; null when it read everything. What it has read stays its beginning, so that it is not read again. */
export function windowOf(path: readonly Turn[], modelId: string): MemoryWindow | null {
  const answer = path
    .slice(0, -1)
    .map((turn) => turn.answers.find(({ id }) => id === turn.chosenAnswerId))
    .findLast((each) => each?.modelId === modelId)
  return answer ? windowOfAnswer(path, answer) : null
}

/** The window of an answer; null when everything was read for it. */
export function windowOfAnswer(path: readonly Turn[], answer: Answer): MemoryWindow | null {
  const { memoryStartsAtTurnId: startsAtTurnId, memoryKeepsFirstTurn: keepsFirstTurn = false } = answer
  if (startsAtTurnId === undefined || !path.some(({ id }) => id === startsAtTurnId)) return null
  return { startsAtTurnId, keepsFirstTurn }
}

/** The turns of a path that a model reads. */
export function turnsInWindow(path: readonly Turn[], window: MemoryWindow | null): readonly Turn[] {
  if (!window) return path
  const start = startOf(path, window)
  return window.keepsFirstTurn && start > 0 ? [...path.slice(0, 1), ...path.slice(start)] : path.slice(start)
}

/** Whether a window could begin later. */
export function canSlide(path: readonly Turn[], window: MemoryWindow | null): boolean {
  return startOf(path, window) < path.length - 1 || window?.keepsFirstTurn === true
}

/**
 * A window that begins later, at the boundary of a turn. The oldest turns slide out until about half of the context is free: only then
 * do the next turns go on from what was read. The first turn stays while it takes an eighth of the context at most. Null when even the last
 * turn alone is too long. Pure.
 */
export function slideWindow(
  path: readonly Turn[],
  window: MemoryWindow | null,
  full: {
    readonly neededTokens: number
    readonly contextTokens: number
    /** What is read of turns; default: `messagesOf` alone. */
    readonly messages?: (turns: readonly Turn[]) => readonly ChatMessage[]
  },
): MemoryWindow | null {
  if (!canSlide(path, window)) return null
  // The last turn is all that is left beside the first.
  if (window && startOf(path, window) === path.length - 1) return { ...window, keepsFirstTurn: false }
  const read = turnsInWindow(path, window)
  const { messages = messagesOf } = full
  const tokensPerLetter = full.neededTokens / Math.max(1, lettersOf(messages(read)))
  // Instructions are read in any case: the turns have what is left.
  const fixedLetters = lettersOf(messages([]))
  const contextTokens = full.contextTokens - fixedLetters * tokensPerLetter
  const tokensOf = (turns: readonly Turn[]) => (lettersOf(messages(turns)) - fixedLetters) * tokensPerLetter
  // Its answer is read with it, but never the last turn's, which is still to be written.
  const keepsFirstTurn = window
    ? window.keepsFirstTurn
    : tokensOf(path.slice(0, 1)) <= contextTokens / keptShare
  const slidTo = (start: number): MemoryWindow => ({
    startsAtTurnId: path[start]?.id ?? '',
    keepsFirstTurn: keepsFirstTurn && start > 0,
  })
  // What begins later is shorter: a path of thousands of turns is halved, not tried turn by turn.
  let tooEarly = startOf(path, window)
  let start = path.length - 1
  while (start - tooEarly > 1) {
    const middle = Math.floor((tooEarly + start) / 2)
    if (tokensOf(turnsInWindow(path, slidTo(middle))) <= contextTokens / 2) start = middle
    else tooEarly = middle
  }
  return slidTo(start)
}

/** Share of the context that the first turn may take to stay. */
const keptShare = 8

function startOf(path: readonly Turn[], window: MemoryWindow | null): number {
  return window ? path.findIndex(({ id }) => id === window.startsAtTurnId) : 0
}

/** What a template adds to each message counts like so many letters. */
const lettersPerMessage = 24

function lettersOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { text }) => sum + text.length + lettersPerMessage, 0)
}
