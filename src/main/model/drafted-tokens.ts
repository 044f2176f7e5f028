import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { Choice } from './choice.ts'
import type { DraftPace } from './draft-pace.ts'
import type { Drafter } from './drafter.ts'

/** How an answer is drafted. */
export type Drafting = { readonly drafter: Drafter<Token>; readonly pace: DraftPace }

/** What of an answer there is, and how far it may go. */
export type DraftingBounds = {
  readonly choice: Choice
  /** Tokens of the answer before these. */
  readonly generatedTokens: number
  /** Null: as many as the model likes. */
  readonly maxTokens: number | null
  /** The sequence may hold so many tokens and no more. */
  readonly capacityTokens: number
}

/**
 * Reads tokens and writes an answer like the library's `evaluate`, up to an end-of-generation token, several tokens in one step where a
 * draft was right. Each token is the one that the model would have chosen by itself after those before it: a draft is only ever compared
 * with that. Whoever stops early finds the sequence as `evaluate` leaves it, without the last token that was yielded.
 *
 * Not with the library's predictors: they check one token of a draft and drop the rest (3.21.1: 16 of 32 tokens accepted with the
 * model itself as the draft), draw all of them with one seed, and look back at the same tokens for the repeat penalty.
 */
export async function* draftedTokens(
  sequence: LlamaContextSequence,
  unread: readonly Token[],
  { drafter, pace, ...bounds }: Drafting & DraftingBounds,
): AsyncGenerator<Token, void, void> {
  const { choice, maxTokens, capacityTokens } = bounds
  const text = [...sequence.contextTokens, ...unread]
  let { generatedTokens } = bounds
  let next = [...unread]
  for (;;) {
    const proposed = (await proposeDraft()) ?? (yield* plainTokens())
    if (proposed === null) return
    const { draft, ms } = proposed
    const startedAt = performance.now()
    const heldTokens = sequence.nextTokenIndex + 1
    const chosen = await chooseAfter([...next, ...draft])
    const wrong = draft.findIndex((token, index) => token !== chosen[index])
    const accepted = wrong === -1 ? draft.length : wrong
    await cut(sequence, heldTokens + accepted)
    pace.takeDrafted({ proposed: draft.length, accepted, ms: ms + performance.now() - startedAt })
    for (const [index, token] of chosen.slice(0, accepted + 1).entries()) {
      if (sequence.model.isEogToken(token)) {
        await cut(sequence, heldTokens + index)
        return
      }
      take(token)
      let isLeft = true
      try {
        yield token
        isLeft = false
      } finally {
        if (isLeft) await cut(sequence, heldTokens + index)
      }
    }
  }

  function take(token: Token): void {
    text.push(token)
    generatedTokens++
    next = [token]
  }

  /** What may follow the last token; null where nothing is proposed. */
  async function proposeDraft(): Promise<Proposed | null> {
    // Of a draft the sequence holds all; the token after it has no cell yet.
    const left = maxTokens === null ? Infinity : maxTokens - generatedTokens - 1
    const room = Math.min(pace.length, left, capacityTokens - sequence.nextTokenIndex - next.length)
    if (next.length > 1 || room <= 0) return null
    const startedAt = performance.now()
    const draft = await drafter.propose(text, room)
    const ms = performance.now() - startedAt
    if (draft !== 'reading' && draft.length > 0) return { draft, ms }
    pace.takeNothing(ms, { isReading: draft === 'reading' })
    return null
  }

  /** Writes one token after the other until there is a draft; null when the answer is over. */
  async function* plainTokens(): AsyncGenerator<Token, Proposed | null, void> {
    let isReading = next.length > 1
    for (;;) {
      const tokens = sequence.evaluate([...next], choice.optionsAt(generatedTokens))
      try {
        do {
          const startedAt = performance.now()
          const { value: token, done } = await tokens.next()
          if (done === true) return null
          // The rest of the prompt was read with the first one.
          if (!isReading) pace.takePlain(performance.now() - startedAt)
          isReading = false
          take(token)
          yield token
          const proposed = await proposeDraft()
          if (proposed !== null) return proposed
        } while (!choice.isStepwise)
      } finally {
        await tokens.return()
      }
    }
  }

  /** The model's choice after each of these tokens, were they right. */
  async function chooseAfter(tokens: readonly Token[]): Promise<readonly Token[]> {
    const results = await sequence.controlledEvaluate(
      tokens.map((token, index) => {
        const options = choice.optionsAfter(generatedTokens, tokens.slice(1, index + 1))
        return [token, { generateNext: { token: true, options } }]
      }),
    )
    return results.map((result) => {
      const token = result?.next.token
      if (token === undefined || token === null) throw new Error('Failed to sample next token')
      return token
    })
  }
}

/** A draft, and how long it took. */
type Proposed = { readonly draft: readonly Token[]; readonly ms: number }

async function cut(sequence: LlamaContextSequence, tokens: number): Promise<void> {
  const end = sequence.nextTokenIndex
  if (end > tokens) await sequence.eraseContextTokenRanges([{ start: tokens, end }])
}
