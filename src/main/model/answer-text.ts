/** Turns an answer's tokens into text that can be shown: whole characters only, and nothing of what ends the answer. */
export class AnswerText<Token extends number> {
  readonly #decode: (tokens: readonly Token[], after: readonly Token[]) => string
  readonly #stopTexts: readonly string[]
  readonly #markOf: (token: Token) => string | null
  /** The last tokens whose text is out, for tokenizers that look back. */
  #shownTokens: readonly Token[] = []
  /** Tokens that end within a character. */
  #openTokens: Token[] = []
  /** Text that may be the beginning of a stop text. */
  #held = ''

  constructor(options: {
    readonly decode: (tokens: readonly Token[], after: readonly Token[]) => string
    readonly stopTexts: readonly string[]
    /** Tokens of the answer whose text is out already. Default: none. */
    readonly after?: readonly Token[]
    /** The text of a token that is a mark and no text; null for all others. Default: there are none. */
    readonly markOf?: (token: Token) => string | null
  }) {
    this.#decode = options.decode
    this.#shownTokens = (options.after ?? []).slice(-8)
    this.#markOf = options.markOf ?? (() => null)
    this.#stopTexts = options.stopTexts.filter((text) => text !== '')
  }

  /** Takes the next token: the text that can be shown now, and the stop text that came up, if one did. */
  push(token: Token): { text: string; stopText: string | null } {
    const mark = this.#markOf(token)
    if (mark !== null) {
      const before = this.#openTokens.length === 0 ? '' : this.#decode(this.#openTokens, this.#shownTokens)
      this.#openTokens.push(token)
      return this.#show(before + mark)
    }
    this.#openTokens.push(token)
    const decoded = this.#decode(this.#openTokens, this.#shownTokens)
    // A character has at most four bytes, so after four tokens a replacement character is what the model wrote.
    if (decoded.endsWith('\uFFFD') && this.#openTokens.length < 4) return { text: '', stopText: null }
    return this.#show(decoded)
  }

  /** The answer has ended: what was held back. */
  flush(): string {
    const { text } =
      this.#openTokens.length > 0
        ? this.#show(this.#decode(this.#openTokens, this.#shownTokens))
        : { text: '' }
    const rest = text + this.#held
    this.#held = ''
    return rest
  }

  #show(decoded: string): { text: string; stopText: string | null } {
    this.#shownTokens = [...this.#shownTokens, ...this.#openTokens].slice(-8)
    this.#openTokens = []
    const text = this.#held + decoded
    const found = this.#stopTexts
      .map((stopText) => ({ stopText, at: text.indexOf(stopText) }))
      .filter(({ at }) => at !== -1)
      .sort((a, b) => a.at - b.at)
    const [first] = found
    if (first) {
      this.#held = ''
      return { text: text.slice(0, first.at), stopText: first.stopText }
    }
    const heldLength = Math.max(0, ...this.#stopTexts.map((stop) => overlap(text, stop)))
    this.#held = heldLength === 0 ? '' : text.slice(-heldLength)
    return { text: text.slice(0, text.length - heldLength), stopText: null }
  }
}

/** Length of the longest end of `text` that `stop` begins with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (stop.startsWith(text.slice(-length))) return length
  return 0
}
