/** How a model marks its thoughts in what it writes, special tokens as text. */
export type ThoughtMarks = {
  /** Null: an answer begins with a thought. */
  readonly prefix: string | null
  readonly suffix: string
}

/** Says when the thoughts of an answer have taken as many tokens as they may. */
export class ThoughtLimit {
  readonly #prefix: string | null
  readonly #suffix: string
  readonly #budgetTokens: number
  #isThinking: boolean
  /** Thought so far, over all thoughts of the answer. */
  #tokens = 0
  /** The end of what was written, long enough for a mark that comes in pieces. */
  #tail = ''

  /** `prompt` is what the answer goes on from: a template may have begun the thought. */
  constructor({
    marks,
    budgetTokens,
    prompt,
  }: {
    marks: ThoughtMarks
    budgetTokens: number
    prompt: string
  }) {
    this.#prefix = marks.prefix?.trim() ?? null
    this.#suffix = marks.suffix.trim()
    this.#budgetTokens = budgetTokens
    this.#isThinking = this.#prefix === null || prompt.trimEnd().endsWith(this.#prefix)
  }

  /** What comes next belongs to a thought. */
  get isThinking(): boolean {
    return this.#isThinking
  }

  /** Ends the thought that goes on; whether there was one. */
  end(): boolean {
    const wasThinking = this.#isThinking
    this.#isThinking = false
    this.#tail = ''
    return wasThinking
  }

  /** Takes the text of the next token; true when the thought has to be ended after it. Nothing is thought from then on. */
  push(text: string): boolean {
    this.#tail += text
    if (this.#isThinking) this.#tokens++
    const mark = this.#isThinking ? this.#suffix : this.#prefix
    const at = mark === null ? -1 : this.#tail.indexOf(mark)
    if (mark !== null && at !== -1) {
      this.#isThinking = !this.#isThinking
      this.#tail = this.#tail.slice(at + mark.length)
    }
    this.#tail = this.#tail.slice(-64)
    if (!this.#isThinking || this.#tokens < this.#budgetTokens) return false
    this.#isThinking = false
    this.#tail = ''
    return true
  }
}
