/** Tokens, and how long they took. */
export type Timed = { readonly tokens: number; readonly ms: number }

/** Plain steps that say what a token costs without drafts, before the first draft. */
const baselineSteps = 4
/** Steps with drafts after which is asked whether they pay. */
const trialSteps = 8
const firstLength = 4
const longestLength = 16
/** Tokens that are written without drafts when they have not paid: at first, and at most. */
const firstRest = 32
const longestRest = 512

/**
 * How many tokens are drafted at each step of one answer: more while all are accepted, fewer when some are not, and none for a while when
 * the steps with drafts were slower a token than those without. Pure but for its counts.
 */
export class DraftPace {
  readonly #persists: boolean
  #length = firstLength
  #plain = { tokens: 0, ms: 0 }
  /** Milliseconds a token of the latest plain steps, the older the less they weigh. */
  #plainMs = 0
  #drafted = { tokens: 0, ms: 0 }
  #trial = { steps: 0, tokens: 0, ms: 0 }
  #rest = 0
  #nextRest = firstRest
  #proposed = 0
  #accepted = 0

  /** `persists`: drafts also where that does not pay, and from the first token on. */
  constructor({ persists = false }: { readonly persists?: boolean } = {}) {
    this.#persists = persists
  }

  /** How many tokens are worth proposing next; 0: none. */
  get length(): number {
    if (this.#persists) return this.#length
    return this.#rest > 0 || this.#plain.tokens < baselineSteps ? 0 : this.#length
  }

  /** A token was written without drafts. */
  takePlain(ms: number): void {
    this.#plain.tokens++
    this.#plain.ms += ms
    this.#plainMs = this.#plain.tokens === 1 ? ms : this.#plainMs + (ms - this.#plainMs) / 8
    if (this.#rest > 0) this.#rest--
  }

  /** So many tokens were proposed, so many accepted, and one more was written with them. `ms`: drafting and checking. */
  takeDrafted({ proposed, accepted, ms }: { proposed: number; accepted: number; ms: number }): void {
    this.#proposed += proposed
    this.#accepted += accepted
    this.#drafted.tokens += accepted + 1
    this.#drafted.ms += ms
    if (accepted === proposed) this.#length = Math.min(longestLength, Math.max(this.#length, proposed + 2))
    else this.#length = Math.max(2, Math.min(this.#length - 1, accepted + 2))
    this.#trial.steps++
    this.#trial.tokens += accepted + 1
    this.#trial.ms += ms
    this.#judge()
  }

  /** Nothing was proposed, and that took so long. `isReading`: the draft has to catch up with the text first, which is not held against it here. */
  takeNothing(ms: number, { isReading }: { readonly isReading: boolean }): void {
    this.#drafted.ms += ms
    if (isReading) return
    this.#trial.ms += ms
    this.#judge()
  }

  /** What drafting has come to. */
  get figures(): {
    readonly proposedTokens: number
    readonly acceptedTokens: number
    readonly plain: Timed
    readonly drafted: Timed
  } {
    return {
      proposedTokens: this.#proposed,
      acceptedTokens: this.#accepted,
      plain: { ...this.#plain },
      drafted: { ...this.#drafted },
    }
  }

  #judge(): void {
    if (this.#persists) return
    const { steps, tokens, ms } = this.#trial
    // A draft that takes time and proposes nothing makes no steps.
    if (steps < trialSteps && ms < 2 * trialSteps * this.#plainMs) return
    this.#trial = { steps: 0, tokens: 0, ms: 0 }
    if (ms <= this.#plainMs * tokens) {
      this.#nextRest = firstRest
      return
    }
    this.#rest = this.#nextRest
    this.#nextRest = Math.min(longestRest, this.#nextRest * 2)
    this.#length = firstLength
  }
}
