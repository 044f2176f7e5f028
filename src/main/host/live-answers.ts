import type { Answer, AnswerState, AnswerStats } from '../../contract/conversation.ts'
import type { RoutingDecision } from '../../contract/routing.ts'
import type { ResolvedSampling } from '../../contract/sampling.ts'
import type { ConversationFeeds, TurnPlace } from './conversation-feeds.ts'
import type { ConversationList } from './conversation-list.ts'
import type { ConversationRows } from './conversation-rows.ts'
import type { MemoryWindow } from './memory-window.ts'
import { endThoughts, timeThoughts } from './thought-times.ts'

/** Text that streams is written to the database this often: what a killed app loses at most. */
const flushMs = 500
/** When writing failed (a full disk), it is tried again this often. */
const retryMs = 5000

/** An answer that is being made, or has ended and is not yet written: it is ahead of the database. */
type LiveAnswer = TurnPlace & { answer: Answer; isDirty: boolean; hasEnded: boolean }

/** Who answers, and how that was found. */
export type Routed = {
  readonly model: { readonly id: string; readonly name: string }
  readonly routing: RoutingDecision
}

/** Answers under way: their text reaches watchers at once and the database within half a second. */
export class LiveAnswers implements Disposable {
  readonly #rows: ConversationRows
  readonly #feeds: ConversationFeeds
  readonly #list: ConversationList
  readonly #now: () => number
  readonly #onDefect: (error: unknown) => void
  readonly #live = new Map<string, LiveAnswer>()
  #flushTimer: NodeJS.Timeout | undefined

  constructor(options: {
    readonly rows: ConversationRows
    readonly feeds: ConversationFeeds
    readonly list: ConversationList
    readonly now: () => number
    /** Hears of text that could not be written. */
    readonly onDefect: (error: unknown) => void
  }) {
    this.#rows = options.rows
    this.#feeds = options.feeds
    this.#list = options.list
    this.#now = options.now
    this.#onDefect = options.onDefect
  }

  /** Takes answers of a turn that are in the database, and wait for their models. */
  begin(place: TurnPlace, answers: readonly Answer[]): void {
    for (const answer of answers)
      this.#live.set(answer.id, { ...place, answer, isDirty: false, hasEnded: false })
    this.#feeds.publishTurn(place)
    this.#list.tell(place.conversationId)
  }

  /** An answer as it is now, where the database has it as `written`. */
  latest(written: Answer): Answer {
    return this.#live.get(written.id)?.answer ?? written
  }

  /** Says where an answer under way is. Ignored when it has ended. */
  setState(answerId: string, state: Extract<AnswerState, { kind: 'waiting' | 'reading' | 'writing' }>): void {
    const live = this.#underWay(answerId)
    const isNewKind = live?.answer.state.kind !== state.kind
    if (!live || (state.kind === 'writing' && !isNewKind)) return
    live.answer = { ...live.answer, state }
    if (isNewKind) this.#makeDirty(live)
    this.#feeds.publishTurn(live)
  }

  /** Tells where the model's memory begins for an answer under way. Ignored when it has ended. */
  setMemory(answerId: string, { startsAtTurnId, keepsFirstTurn }: MemoryWindow): void {
    this.#change(answerId, { memoryStartsAtTurnId: startsAtTurnId, memoryKeepsFirstTurn: keepsFirstTurn })
  }

  /** Tells how the tokens of an answer under way are chosen. Ignored when it has ended. */
  setSampling(answerId: string, { sampling, isJson }: { sampling: ResolvedSampling; isJson: boolean }): void {
    this.#change(answerId, { sampling, ...(isJson && { isJson: true }) })
  }

  /** Gives an answer under way to the model that Auto found. Ignored when it has ended. */
  setRouting(answerId: string, { model, routing }: Routed): void {
    this.#change(answerId, { modelId: model.id, modelName: model.name, routing })
  }

  /** Appends text to an answer under way. Ignored when it has ended. */
  append(answerId: string, text: string): void {
    const live = this.#underWay(answerId)
    if (!live || text === '') return
    const { conversationId, turnId, answer } = live
    const grown = answer.text + text
    const thoughts = timeThoughts(grown, answer.thoughts, this.#now())
    live.answer = { ...answer, text: grown, ...(thoughts && { thoughts }) }
    this.#makeDirty(live)
    this.#feeds.publish(conversationId, { kind: 'text', turnId, answerId, at: answer.text.length, text })
    // A thought that began or ended.
    if (thoughts !== answer.thoughts) this.#feeds.publishTurn(live)
  }

  /** Ends an answer under way: its state, text and stats are in the database when this returns. Ignored when it has ended. */
  end(
    answerId: string,
    state: Extract<AnswerState, { kind: 'done' | 'interrupted' }>,
    stats?: AnswerStats,
  ): void {
    const live = this.#underWay(answerId)
    if (!live) return
    const thoughts = endThoughts(live.answer.thoughts, this.#now())
    const allStats = addStats(live.answer.stats, stats)
    live.answer = { ...live.answer, state, stats: allStats, ...(thoughts && { thoughts }) }
    live.hasEnded = true
    live.isDirty = true
    this.flush()
    this.#chooseEnded(live)
    this.#feeds.publishTurn(live)
    this.#list.tell(live.conversationId)
  }

  /** What an answer cost, where that became known only after its end. Ignored when the conversation is gone. */
  addStats(answerId: string, turnId: string, stats: AnswerStats): void {
    const live = this.#live.get(answerId)
    if (live) live.answer = { ...live.answer, stats: addStats(live.answer.stats, stats) ?? stats }
    else {
      const before = this.#rows.turn(turnId)?.answers.find(({ id }) => id === answerId)?.stats
      this.#rows.saveStats(answerId, addStats(before ?? null, stats) ?? stats)
    }
    const conversationId = this.#rows.conversationOfTurn(turnId)
    if (conversationId !== undefined) this.#feeds.publishTurn({ conversationId, turnId })
  }

  /** Writes all text that is not in the database yet. What cannot be written stays in memory and is tried again. */
  flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    const dirty = [...this.#live].filter(([, { isDirty }]) => isDirty)
    if (dirty.length === 0) return
    try {
      this.#rows.together(() => {
        for (const [, live] of dirty) {
          this.#rows.saveAnswer(live.answer)
          if (live.hasEnded) this.#rows.touch(live.conversationId, this.#now())
        }
      })
    } catch (error) {
      this.#onDefect(error)
      this.#flushTimer = setTimeout(() => this.flush(), retryMs)
      return
    }
    for (const [answerId, live] of dirty) {
      live.isDirty = false
      if (live.hasEnded) this.#live.delete(answerId)
    }
  }

  /** Writes what there is of a conversation that is deleted, should it come back; nothing is added to its answers any more. */
  forget(conversationId: string): void {
    this.flush()
    for (const [answerId, live] of this.#live)
      if (live.conversationId === conversationId) this.#live.delete(answerId)
  }

  /** Writes what is left. */
  [Symbol.dispose](): void {
    this.flush()
    clearTimeout(this.#flushTimer)
  }

  /** An answer that has not ended. */
  #underWay(answerId: string): LiveAnswer | undefined {
    const live = this.#live.get(answerId)
    return live?.hasEnded ? undefined : live
  }

  #change(answerId: string, changes: Partial<Answer>): void {
    const live = this.#underWay(answerId)
    if (!live) return
    live.answer = { ...live.answer, ...changes }
    this.#makeDirty(live)
    this.#feeds.publishTurn(live)
  }

  #makeDirty(live: LiveAnswer): void {
    live.isDirty = true
    this.#flushTimer ??= setTimeout(() => this.flush(), flushMs)
  }

  /** While nobody has kept an answer of several, the path goes on from the first that ended well. */
  #chooseEnded({ answer, turnId }: LiveAnswer): void {
    if (!endedWell(answer)) return
    const turn = this.#rows.turn(turnId)
    const written = turn?.answers.find(({ id }) => id === turn.chosenAnswerId)
    const chosen = written && this.latest(written)
    if (turn?.isUndecided && !(chosen && chosen.id !== answer.id && endedWell(chosen)))
      this.#rows.chooseAnswer(turnId, answer.id, { isUndecided: true })
  }
}

function endedWell({ state, text }: Answer): boolean {
  return state.kind === 'done' && state.stopReason !== 'stopped' && text !== ''
}

/** What an answer has cost with what going on with it has: it was begun once, and all of it was generated. */
function addStats(before: AnswerStats | null, after: AnswerStats | undefined): AnswerStats | null {
  if (!before || !after) return after ?? before
  return {
    ...before,
    generatedTokens: before.generatedTokens + after.generatedTokens,
    tokensPerSecond: after.tokensPerSecond ?? before.tokensPerSecond,
  }
}
