import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { Allocation, DraftLoad } from '../../contract/backend.ts'
import { AppError } from '../../contract/errors.ts'
import type { FileAccess } from '../../contract/model.ts'
import type { Drafter } from './drafter.ts'
import type { OpenedLlama } from './llama.ts'

/** Guesses that the draft model itself thinks less likely than this are not proposed. */
const leastProbability = 0.5
/** The likeliest tokens among which a probability is told: all of them would have to be sorted. */
const likeliest = 8
/** llama.cpp takes vocabularies for the same when one is padded by at most so many tokens (`SPEC_VOCAB_MAX_SIZE_DIFFERENCE` in common/speculative.cpp). */
const paddingTokens = 128
/** Signs for unknown and such come before it (`SPEC_VOCAB_CHECK_START_TOKEN_ID`). */
const firstCompared = 5
const otherDraftHelp = 'Choose a smaller model of the same family, or looking up in the conversation'

/** What a draft model is loaded with, beside what the contract tells. */
export type DraftModelOptions = DraftLoad & {
  /** The model that it drafts for. */
  readonly target: LlamaModel
  readonly threads: number
  readonly fileAccess: FileAccess
  readonly signal?: AbortSignal | undefined
}

/** A small model that guesses what a large one will write. It has one context, for one answer at a time. */
export class DraftModel {
  readonly #model: LlamaModel
  readonly #context: LlamaContext
  readonly #sequence: LlamaContextSequence
  readonly #name: string
  #isClaimed = false

  private constructor(name: string, model: LlamaModel, context: LlamaContext) {
    this.#name = name
    this.#model = model
    this.#context = context
    this.#sequence = context.getSequence()
  }

  /** Loads it beside its target and decodes one token. Rejects with `BAD_INPUT` where the vocabularies differ. */
  static async load({ llama }: OpenedLlama, options: DraftModelOptions): Promise<DraftModel> {
    const { path, name, target, threads, contextTokens, batchTokens, gpuLayers, signal } = options
    const model = await llama.loadModel({
      modelPath: path,
      gpuLayers: gpuLayers ?? 'max',
      ignoreMemorySafetyChecks: true,
      defaultContextFlashAttention: options.flashAttention ? 'auto' : false,
      useMmap: options.fileAccess === 'mmap',
      useDirectIo: options.fileAccess === 'direct',
      ...(signal && { loadSignal: signal }),
    })
    refuseOtherVocabulary(model, { name, target })
    const context = await model.createContext({
      contextSize: contextTokens,
      sequences: 1,
      threads: ownThreads(threads),
      batchSize: Math.min(batchTokens, contextTokens),
      // Else what has left a window could not be gone back to.
      swaFullCache: true,
      ignoreMemorySafetyChecks: true,
      failedCreationRemedy: false,
      ...(signal && { createSignal: signal }),
    })
    const draft = new DraftModel(name, model, context)
    const { bos, eos } = model.tokens
    const [token = bos ?? eos] = model.tokenize(' ')
    if (token !== null) await draft.#sequence.evaluateWithoutGeneratingNewTokens([token])
    return draft
  }

  /** Its weights, and its KV cache with the compute buffers. */
  get allocated(): { readonly weights: Allocation; readonly context: Allocation } {
    const weights = this.#model.memoryUsage
    const context = this.#context.memoryUsage
    return {
      weights: { hostBytes: weights.ram, deviceBytes: weights.vram },
      context: { hostBytes: context.ram, deviceBytes: context.vram },
    }
  }

  /** Takes it for an answer until that is disposed of; null while another answer has it. `isBold`: it proposes what it thinks unlikely too. */
  claim({
    isBold,
  }: {
    readonly isBold: boolean
  }): (Drafter<Token> & Disposable & { readonly name: string }) | null {
    if (this.#isClaimed) return null
    this.#isClaimed = true
    let from = 0
    return {
      name: this.#name,
      propose: async (text, count) => {
        from = this.#windowStart(text.length, { from, count })
        return this.#propose(text.slice(from), { count, least: isBold ? 0 : leastProbability })
      },
      [Symbol.dispose]: () => {
        this.#isClaimed = false
      },
    }
  }

  /** Where what it reads of a text begins: at 0, or where the text is longer than its context, so that this is half full. */
  #windowStart(length: number, { from, count }: { readonly from: number; readonly count: number }): number {
    const capacity = this.#context.contextSize - 1
    return length - from + count <= capacity ? from : length - Math.floor(capacity / 2)
  }

  async #propose(
    text: readonly Token[],
    { count, least }: { readonly count: number; readonly least: number },
  ): Promise<readonly Token[] | 'reading'> {
    const sequence = this.#sequence
    const held = sequence.contextTokens
    let kept = 0
    // The last token is read again: what follows it is asked.
    while (kept < held.length && kept < text.length - 1 && held[kept] === text[kept]) kept++
    if (kept < held.length) await sequence.eraseContextTokenRanges([{ start: kept, end: held.length }])
    const unread = text.slice(kept)
    const { batchSize } = this.#context
    if (unread.length > batchSize) {
      await sequence.evaluateWithoutGeneratingNewTokens(unread.slice(0, batchSize))
      return 'reading'
    }
    const draft: Token[] = []
    const steps = sequence.evaluateWithMetadata(
      unread,
      { probabilities: true },
      // The token that is drawn does not matter: the likeliest is taken in its place.
      { temperature: 1, topK: likeliest, topP: 1, minP: 0, seed: 1, yieldEogToken: true },
    )
    try {
      let step = await steps.next()
      while (step.done !== true) {
        const [token, probability] = likeliestOf(step.value.probabilities)
        if (token === null || probability < least || this.#model.isEogToken(token)) break
        draft.push(token)
        if (draft.length >= count) break
        step = await steps.next(token)
      }
    } finally {
      await steps.return()
    }
    return draft
  }
}

/** Contexts that decode in turns have all threads each: the library would share them out between those that were used just now. */
export function ownThreads(threads: number): { readonly ideal: number; readonly min: number } {
  return { ideal: threads, min: threads }
}

function likeliestOf(probabilities: ReadonlyMap<Token, number>): readonly [Token | null, number] {
  let best: readonly [Token | null, number] = [null, 0]
  for (const [token, probability] of probabilities) if (probability > best[1]) best = [token, probability]
  return best
}

/** As llama.cpp has it for its own drafts (`common_speculative_are_compatible`). Throws `BAD_INPUT`. */
function refuseOtherVocabulary(
  draft: LlamaModel,
  { name, target }: { readonly name: string; readonly target: LlamaModel },
): void {
  const [own, wanted] = [tokensOf(draft), tokensOf(target)]
  const size = Math.min(own.length, wanted.length)
  const other = own.findIndex(
    (text, token) => token >= firstCompared && token < size && text !== wanted[token],
  )
  const difference =
    draft.vocabularyType !== target.vocabularyType || draft.tokens.eos !== target.tokens.eos
      ? 'they end texts with different tokens'
      : Math.abs(own.length - wanted.length) > paddingTokens
        ? 'they differ in size'
        : other !== -1
          ? `token ${String(other)} is "${own[other] ?? ''}" in one and "${wanted[other] ?? ''}" in the other`
          : null
  if (difference === null) return
  throw new AppError(
    'BAD_INPUT',
    `Cannot draft with "${name}" for "${target.filename ?? 'this model'}": their vocabularies, of ${String(own.length)} and ${String(wanted.length)} tokens, are not the same: ${difference}`,
    { details: { help: otherDraftHelp } },
  )
}

function tokensOf(model: LlamaModel): readonly string[] {
  return model.fileInfo.metadata.tokenizer.ggml.tokens
}
