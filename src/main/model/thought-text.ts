/** What a special token of a mark looks like in the text that `ThoughtText` takes: between two characters that Unicode leaves to such uses. */
export function markToken(text: string): string {
  return `\uFDD0${text}\uFDD1`
}

/** How a format marks thoughts with special tokens; each mark with its special tokens as `markToken` has them. */
export type ThoughtFormat = {
  readonly prefix: string
  readonly suffix: string
  /** Marks around what is said: they are seen nowhere. */
  readonly silent: readonly string[]
  /** The special tokens of all these. */
  readonly tokenTexts: ReadonlyMap<number, string>
}

/** The marks that thoughts have in answers, where a format has others. */
const shown = { prefix: '<think>\n', suffix: '\n</think>\n\n' } as const

/** The beginning of an answer whose thought the template has begun. */
export const begunThought = shown.prefix

/** Puts the marks that everybody knows in the place of a format's own, as an answer comes. */
export class ThoughtText {
  readonly #format: ThoughtFormat
  #isThinking: boolean
  #isLineStart = true
  /** Text that may be the beginning of a mark. */
  #held = ''

  /** With `isThinking` the answer goes on with a thought. */
  constructor(format: ThoughtFormat, { isThinking }: { readonly isThinking: boolean }) {
    this.#format = format
    this.#isThinking = isThinking
  }

  /** Takes the next text: what can be shown now. */
  push(text: string): string {
    const { prefix, suffix, silent } = this.#format
    this.#held += text
    let out = ''
    for (;;) {
      const marks = this.#isThinking ? [suffix] : [prefix, ...silent]
      const next = marks
        .map((mark) => ({ mark, at: this.#held.indexOf(mark) }))
        .filter(({ at }) => at !== -1)
        .sort((one, other) => one.at - other.at)[0]
      if (!next) {
        const heldLength = Math.max(...marks.map((mark) => overlap(this.#held, mark)))
        out += this.#show(this.#held.slice(0, this.#held.length - heldLength))
        this.#held = heldLength === 0 ? '' : this.#held.slice(-heldLength)
        return out
      }
      out += this.#show(this.#held.slice(0, next.at))
      this.#held = this.#held.slice(next.at + next.mark.length)
      if (next.mark === suffix && this.#isThinking) {
        out += this.#show(shown.suffix)
        this.#isThinking = false
      } else if (next.mark === prefix) {
        out += this.#show(`${this.#isLineStart ? '' : '\n'}${shown.prefix}`)
        this.#isThinking = true
      }
    }
  }

  /** The answer has ended: what was held back. */
  flush(): string {
    const rest = this.#show(this.#held)
    this.#held = ''
    return rest
  }

  #show(text: string): string {
    // A special token that is no part of a mark here.
    const clean = text.replaceAll(/\uFDD0[^\uFDD1]*\uFDD1?/g, '')
    if (clean !== '') this.#isLineStart = clean.endsWith('\n')
    return clean
  }
}

/** A part of an answer as its format writes it. `isEnded` of a thought: its end has come. */
export type WrittenPart =
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'thought'; readonly text: string; readonly isEnded: boolean }

/** Takes an answer apart that `ThoughtText` has put together, to the letter: what a model wrote is what it is given again. */
export function partsOfAnswer(text: string): readonly WrittenPart[] {
  const parts: WrittenPart[] = []
  let from = 0
  for (const match of text.matchAll(/(?:^|\n)<think>\n([\s\S]*?)(\n<\/think>(?:\n\n|$)|$)/g)) {
    const said = text.slice(from, match.index)
    if (said !== '') parts.push({ kind: 'said', text: said })
    parts.push({ kind: 'thought', text: match[1] ?? '', isEnded: match[2] !== '' })
    from = match.index + match[0].length
  }
  const said = text.slice(from)
  if (said !== '' || parts.length === 0) parts.push({ kind: 'said', text: said })
  return parts
}

/** Length of the longest end of `text` that `mark` begins with. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--)
    if (mark.startsWith(text.slice(-length))) return length
  return 0
}
