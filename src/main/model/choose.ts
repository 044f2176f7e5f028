import type { ControlledEvaluateInputItem, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { Chosen } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { Control } from './generate.ts'
import { mayGoOn, readTokens } from './read.ts'

/** Tokens in which a model may write an option. */
export type Spelling<Each extends number> = { readonly option: number; readonly tokens: readonly Each[] }

/** Where so little of the probability is left, options share it equally: reading on would change nothing that anybody sees. */
const negligible = 1e-4

/** How a model may write the options as the beginning of an answer: as they are, and after a space. `BAD_INPUT` for options that are empty or the same. */
export function spellOptions(model: LlamaModel, options: readonly string[]): readonly Spelling<Token>[] {
  const texts = options.map((option) => option.trim())
  const twice = texts.find((text, at) => text === '' || texts.indexOf(text) !== at)
  if (twice !== undefined)
    throw new AppError(
      'BAD_INPUT',
      `Cannot choose: ${twice === '' ? 'an option is empty' : `"${twice}" is there twice`}`,
    )
  return texts.flatMap((text, option) => {
    const plain = model.tokenize(text, false, 'trimLeadingSpace')
    const spaced = model.tokenize(` ${text}`, false, 'trimLeadingSpace')
    // A space that is a token by itself begins all options alike, and says nothing.
    const [first] = spaced
    const isOfItsOwn = first !== undefined && first !== plain[0] && model.detokenize([first]).trim() !== ''
    return [plain, ...(isOfItsOwn ? [spaced] : [])].map((tokens) => ({ option, tokens }))
  })
}

/**
 * The probability of each option when nothing else may be written, token by token as constrained decoding chooses; their sum is 1. `look` gives the
 * probabilities of what follows some tokens of the answer: it is asked for the beginning, and further only where options begin alike.
 * `coveredShare`: how much of the probability of all beginnings the options have together.
 */
export async function weighOptions<Each extends number>(
  spellings: readonly Spelling<Each>[],
  look: (path: readonly Each[]) => Promise<ReadonlyMap<Each, number>>,
): Promise<{ probabilities: number[]; coveredShare: number }> {
  const count = Math.max(-1, ...spellings.map(({ option }) => option)) + 1
  const probabilities = new Array<number>(count).fill(0)
  let coveredShare = 0
  const add = (options: ReadonlySet<number>, share: number) => {
    for (const option of options) probabilities[option] = (probabilities[option] ?? 0) + share / options.size
  }
  const walk = async (path: readonly Each[], among: readonly Spelling<Each>[], share: number) => {
    const options = new Set(among.map(({ option }) => option))
    if (options.size === 1 || share < negligible) {
      add(options, share)
      return
    }
    const ended = new Set(
      among.filter(({ tokens }) => tokens.length === path.length).map(({ option }) => option),
    )
    const groups = new Map<Each, Spelling<Each>[]>()
    for (const spelling of among) {
      const token = spelling.tokens[path.length]
      if (token !== undefined) groups.set(token, [...(groups.get(token) ?? []), spelling])
    }
    // There is one way on: nothing to be looked up.
    const isForced = groups.size === 1 && ended.size === 0 && path.length > 0
    const next = isForced ? null : await look(path)
    const ways = [...groups].map(([token, group]) => ({
      ...{ token, group },
      weight: next ? (next.get(token) ?? 0) : 1,
    }))
    const onward = ways.reduce((sum, { weight }) => sum + weight, 0)
    if (path.length === 0) coveredShare = Math.min(1, onward)
    const endWeight = ended.size > 0 ? Math.max(0, 1 - onward) : 0
    const whole = onward + endWeight
    const shareOf = (weight: number) =>
      whole > 0 ? (share * weight) / whole : share / (ways.length + Math.min(1, ended.size))
    if (ended.size > 0) add(ended, shareOf(endWeight))
    for (const { token, group, weight } of ways) await walk([...path, token], group, shareOf(weight))
  }
  await walk([], spellings, 1)
  return { probabilities, coveredShare }
}

/** Reads the rest of a prompt and weighs the options as what follows it. The sequence then holds the prompt, less its last token. */
export async function weighInSequence(
  sequence: LlamaContextSequence,
  rest: readonly Token[],
  {
    spellings,
    noThought,
    control,
  }: {
    readonly spellings: readonly Spelling<Token>[]
    /** A thought of no words, put before the options where the model would rather begin to think than say one of them. */
    readonly noThought: readonly Token[]
    readonly control: Control
  },
): Promise<Pick<Chosen, 'probabilities' | 'coveredShare' | 'ms'>> {
  const startedAt = performance.now()
  let pausedMs = await readTokens(sequence, rest.slice(0, -1), control)
  // Read again with what follows it: recurrent layers go back to their checkpoint and nowhere else.
  if (sequence.needsCheckpoints) await sequence.takeCheckpoint()
  const last = rest.slice(-1)
  const look = async (path: readonly Token[]) => {
    pausedMs += await mayGoOn(control)
    return probabilitiesAfter(sequence, [...last, ...path])
  }
  const beginnings = await look([])
  const [thought] = noThought
  const covered = new Set(spellings.flatMap(({ tokens }) => tokens.slice(0, 1)))
  const coveredShare = [...covered].reduce((sum: number, token) => sum + (beginnings.get(token) ?? 0), 0)
  const isThinking = thought !== undefined && (beginnings.get(thought) ?? 0) > coveredShare
  const weighed = await weighOptions(spellings, async (path) => {
    if (isThinking) return look([...noThought, ...path])
    return path.length === 0 ? beginnings : look(path)
  })
  return { ...weighed, ms: performance.now() - startedAt - pausedMs }
}

/** What may follow some tokens, which are read for it and forgotten again. */
async function probabilitiesAfter(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
): Promise<ReadonlyMap<Token, number>> {
  const heldTokens = sequence.nextTokenIndex
  const input: ControlledEvaluateInputItem[] = tokens.map((token, at) =>
    at === tokens.length - 1 ? [token, { generateNext: { probabilities: true } }] : token,
  )
  try {
    const results = await sequence.controlledEvaluate(input)
    return results.at(-1)?.next.probabilities ?? new Map<Token, number>()
  } finally {
    await sequence.eraseContextTokenRanges([{ start: heldTokens, end: sequence.nextTokenIndex }])
  }
}
