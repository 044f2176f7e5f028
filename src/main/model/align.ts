/** What the alignment needs to know of a tokenizer. */
export interface AlignTokenizer<Token extends number> {
  /** Text of tokens that follow others; special tokens give none. */
  detokenize(tokens: readonly Token[], options: { after: readonly Token[] }): string
  /** Tokens of plain text that follows others. */
  tokenize(text: string): Token[]
  isSpecial(token: Token): boolean
}

/**
 * Finds how much of what a context holds is the beginning of a prompt. Pure.
 *
 * Where the tokens differ, their text is compared: a model writes its answer in tokens of its own choice, and the same text put through
 * the tokenizer often comes out in others. What it wrote is kept, and is not read again. Special tokens are compared as tokens,
 * so text that only looks like one matches none.
 *
 * @returns `kept`: so many of the held tokens stay. `rest`: the tokens to read after them; never empty, for a model samples from what it reads.
 */
export function alignTokens<Token extends number>(
  held: readonly Token[],
  prompt: readonly Token[],
  tokenizer: AlignTokenizer<Token>,
): { kept: number; rest: readonly Token[] } {
  // Up to here the text is the same and both have a token boundary.
  let heldAt = 0
  let promptAt = 0
  for (;;) {
    // 1. The same token.
    let same = 0
    while (heldAt < held.length && promptAt < prompt.length && held[heldAt] === prompt[promptAt]) {
      heldAt++
      promptAt++
      same++
    }
    if (heldAt === held.length || promptAt === prompt.length) break
    // 2. The same text in other tokens, from the last whole character on, up to the next common boundary.
    let back = 0
    while (back < same && isBroken(held[heldAt - back - 1], tokenizer)) back++
    const run = matchRun(held, prompt, { heldAt: heldAt - back, promptAt: promptAt - back, tokenizer })
    if (run.kind === 'different') break
    if (run.kind === 'held-ended') {
      // 3. The context ends within a token of the prompt (an answer that was stopped): the rest of that text is read anew.
      const rest = [...tokenizer.tokenize(run.restText), ...prompt.slice(run.promptAt)]
      if (rest.length > 0) return { kept: held.length, rest }
      break
    }
    heldAt = run.heldAt
    promptAt = run.promptAt
  }
  if (promptAt < prompt.length) return { kept: heldAt, rest: prompt.slice(promptAt) }
  // 4. All of the prompt is there: its last token is read again, for its successor.
  return { kept: Math.max(0, heldAt - 1), rest: held.slice(Math.max(0, heldAt - 1), heldAt) }
}

type Run =
  | { readonly kind: 'same'; readonly heldAt: number; readonly promptAt: number }
  | { readonly kind: 'held-ended'; readonly restText: string; readonly promptAt: number }
  | { readonly kind: 'different' }

/** Extends two runs of plain tokens, the shorter text first, until their texts are equal, differ or end. */
function matchRun<Token extends number>(
  held: readonly Token[],
  prompt: readonly Token[],
  from: { heldAt: number; promptAt: number; tokenizer: AlignTokenizer<Token> },
): Run {
  const { tokenizer } = from
  const after = prompt.slice(Math.max(0, from.promptAt - contextOfText), from.promptAt)
  let { heldAt, promptAt } = from
  let heldText = ''
  let promptText = ''
  for (;;) {
    const isHeldNext = heldText.length <= promptText.length && heldAt < held.length
    const token = isHeldNext ? held[heldAt] : prompt[promptAt]
    if (token === undefined || tokenizer.isSpecial(token)) return { kind: 'different' }
    if (isHeldNext) {
      heldAt++
      heldText = tokenizer.detokenize(held.slice(from.heldAt, heldAt), { after })
    } else {
      promptAt++
      promptText = tokenizer.detokenize(prompt.slice(from.promptAt, promptAt), { after })
    }
    // A token may end within a character; what is decoded of it so far is a replacement character and says nothing. Within the text
    // it is what people have seen of bytes that are no character.
    const heldWhole = heldText.replace(/\uFFFD+$/u, '')
    const promptWhole = promptText.replace(/\uFFFD+$/u, '')
    const areWhole = heldWhole.length === heldText.length && promptWhole.length === promptText.length
    if (!heldWhole.startsWith(promptWhole) && !promptWhole.startsWith(heldWhole)) return { kind: 'different' }
    if (areWhole && heldText === promptText && heldText !== '') return { kind: 'same', heldAt, promptAt }
    if (
      heldAt === held.length &&
      areWhole &&
      promptText.length > heldText.length &&
      promptText.startsWith(heldText)
    )
      return { kind: 'held-ended', restText: promptText.slice(heldText.length), promptAt }
  }
}

/** Whether a token by itself is no whole text: a part of a character. */
function isBroken<Token extends number>(token: Token | undefined, tokenizer: AlignTokenizer<Token>): boolean {
  return token !== undefined && tokenizer.detokenize([token], { after: [] }).includes('\uFFFD')
}

/** So many tokens before a run are enough for a tokenizer to know how its text begins. */
const contextOfText = 4
