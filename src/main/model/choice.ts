import { randomInt } from 'node:crypto'
import type { SequenceEvaluateOptions, Token } from 'node-llama-cpp'
import type { ResolvedSampling } from '../../contract/sampling.ts'

/** How the tokens of one answer are chosen. */
export class Choice {
  readonly #sampling: ResolvedSampling
  readonly #seed: number
  readonly #grammar: SequenceEvaluateOptions['grammarEvaluationState']
  /** The last tokens, read and written; kept for the repeat penalty alone. */
  #recent: Token[]

  constructor(
    sampling: ResolvedSampling,
    {
      read,
      grammar,
    }: {
      /** The end of what was read before the answer. */
      readonly read: readonly Token[]
      /** What may follow; asked before each token. */
      readonly grammar?: SequenceEvaluateOptions['grammarEvaluationState']
    },
  ) {
    this.#sampling = sampling
    this.#seed = sampling.seed ?? randomInt(2 ** 32)
    this.#grammar = grammar
    this.#recent = this.#isPenalizing ? read.slice(-sampling.repeatWindowTokens) : []
  }

  /**
   * With a seed that was asked for, each token is drawn with a seed of its own: the answer is the same then, wherever its context had to grow. One
   * draw of the library's goes on from the one before.
   */
  get isStepwise(): boolean {
    return this.#sampling.seed !== null && this.#sampling.temperature > 0
  }

  /** What the library is told for the tokens after the first `generatedTokens`. */
  optionsAt(generatedTokens: number): SequenceEvaluateOptions {
    return {
      ...this.#chain(generatedTokens, () => this.#recent),
      ...(this.#grammar && { grammarEvaluationState: this.#grammar }),
    }
  }

  /** The same for the one token after these and some that are drafted: as `optionsAt` would have it, were they written. Knows no grammar. */
  optionsAfter(generatedTokens: number, drafted: readonly Token[]): ReturnType<Choice['optionsAt']> {
    const recent = () => [...this.#recent, ...drafted].slice(-this.#sampling.repeatWindowTokens)
    return this.#chain(generatedTokens + drafted.length, recent)
  }

  /** A token was chosen. */
  take(token: Token): void {
    if (!this.#isPenalizing) return
    this.#recent.push(token)
    if (this.#recent.length > this.#sampling.repeatWindowTokens) this.#recent.shift()
  }

  #chain(index: number, punishTokens: () => Token[]): SequenceEvaluateOptions {
    const { temperature, topK, topP, minP, repeatPenalty: penalty, repeatWindowTokens } = this.#sampling
    return {
      temperature,
      ...(temperature > 0 && { topK, topP, minP, seed: mixSeed(this.#seed, index) }),
      ...(this.#isPenalizing && {
        repeatPenalty: { punishTokens, maxPunishTokens: repeatWindowTokens, penalty },
      }),
    }
  }

  get #isPenalizing(): boolean {
    return this.#sampling.repeatPenalty !== 1
  }
}

/** Seeds that follow each other begin alike in some generators: these do not (the finalizer of MurmurHash3). */
function mixSeed(seed: number, index: number): number {
  let mixed = (seed + Math.imul(index, 0x9e3779b9)) >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
