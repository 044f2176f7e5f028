import type { AskingChanges } from '../../contract/asking.ts'
import type { Attachment, TurnCost } from '../../contract/attachment.ts'
import type { ChatMessage } from '../../contract/backend.ts'
import type { Turn } from '../../contract/conversation.ts'
import type { Attachments } from './attachments.ts'
import type { Conversations } from './conversations.ts'
import { turnsInWindow, windowOf } from './memory-window.ts'
import { messagesOf } from './messages.ts'
import type { PromptCounter, Tokenizers, Vocabulary } from './tokenizers.ts'

/** A draft that could be sent. */
export type DraftTurn = {
  readonly conversationId: string | null
  /** How a new conversation would be asked. */
  readonly asking?: AskingChanges | undefined
  readonly text: string
  readonly modelId: string
  readonly attachmentIds: readonly string[]
}

/** What costs need to know of a model. */
export type ReadingModel = {
  /** Null: it is not in memory. */
  readonly resident: PromptCounter | null
  /** It is being loaded, and will soon count by itself: no tokenizer is started for it. */
  readonly isComing: boolean
  /** What counts for it until then. */
  readonly vocabulary: Vocabulary
  readonly contextTokens: number
  /** Null before one was measured. */
  readonly tokensPerSecond: number | null
  readonly loadingSeconds: number | null
}

/** Letters a token where no tokenizer is at hand: English prose has four to five, code and most other languages fewer. */
const lettersPerToken = 3.6
/** What a template adds to each message, about. */
const tokensPerMessage = 6
/** Counts of attachments that are remembered. */
const mostCounts = 500
/** Paths that are remembered: more than models are asked at once. */
const mostPaths = 16

/** Whoever cuts waits: what is cut to a guess is too long or too short. */
const cutWaitMs = 10_000

type Counted = Awaited<ReturnType<PromptCounter['countPrompt']>>

/** Says what sending a draft would cost, and cuts attachments to what fits. */
export class TurnCosts {
  readonly #conversations: Conversations
  readonly #attachments: Attachments
  readonly #tokenizers: Pick<Tokenizers, 'find'>
  readonly #model: (modelId: string) => ReadingModel
  /** Tokens by model, attachment and length. */
  readonly #counts = new Map<string, number>()
  /** What was counted of paths, and of the draft alone that was at their end, by all that it depends on. */
  readonly #paths = new Map<string, Counted & { readonly aloneTokens: number }>()

  constructor(options: {
    readonly conversations: Conversations
    readonly attachments: Attachments
    readonly tokenizers: Pick<Tokenizers, 'find'>
    /** Throws what is wrong with the model. */
    readonly model: (modelId: string) => ReadingModel
  }) {
    this.#conversations = options.conversations
    this.#attachments = options.attachments
    this.#tokenizers = options.tokenizers
    this.#model = options.model
  }

  /**
   * What a draft would cost, counted by the model's own tokenizer; judged by its letters while that is not to be had. Throws `NOT_FOUND` for what is
   * not there.
   */
  async cost(draft: DraftTurn, signal?: AbortSignal): Promise<TurnCost> {
    signal?.throwIfAborted()
    const model = this.#model(draft.modelId)
    const attachments = draft.attachmentIds.map((id) => this.#attachments.get(id))
    const asked = { draft, attachments, model, signal }
    if (model.resident) return this.#count(asked, model.resident)
    const tokenizer = await this.#tokenizers.find(model.vocabulary, { signal, starts: !model.isComing })
    if (tokenizer === null) return this.#count(asked, null)
    if (tokenizer === 'loading') return { ...(await this.#count(asked, null)), isProvisional: true }
    try {
      return await this.#count(asked, tokenizer)
    } catch {
      signal?.throwIfAborted()
      // Its process has died, or the template of the file cannot write this. What else is wrong shows again.
      return this.#count(asked, null)
    }
  }

  async #count(
    asked: {
      readonly draft: DraftTurn
      readonly attachments: readonly Attachment[]
      readonly model: ReadingModel
      readonly signal: AbortSignal | undefined
    },
    counter: PromptCounter | null,
  ): Promise<TurnCost> {
    const { draft, attachments, model, signal } = asked
    const { conversationId, modelId } = draft
    const instructions =
      conversationId === null
        ? (draft.asking?.instructions ?? null)
        : this.#conversations.asking(conversationId).instructions
    const count = async (turns: readonly Turn[], place: string | null) => {
      const textOf = (id: string) => this.#attachments.text(id)
      const messages = messagesOf(turns, { instructions, textOf })
      return (await counter?.countPrompt(place, messages, signal)) ?? guess(messages)
    }
    const last = draftTurn(draft.text, attachments)
    const alone = await count([last], null)
    const counted =
      conversationId === null
        ? alone
        : await this.#onPath({ ...draft, conversationId }, { counter, instructions, alone, count, last })
    const attachmentTokens: number[] = []
    for (const attachment of attachments) {
      signal?.throwIfAborted()
      attachmentTokens.push(await this.#tokensOf(attachment, { modelId, counter, signal }))
    }
    const { promptTokens, reusedTokens, heldTokens, isExact } = counted
    const readTokens = promptTokens - reusedTokens
    return {
      ...{ promptTokens, reusedTokens, isExact, attachmentTokens, contextTokens: model.contextTokens },
      aloneTokens: alone.promptTokens,
      lostTokens: Math.max(0, Math.min(heldTokens - reusedTokens, readTokens)),
      readingSeconds: model.tokensPerSecond === null ? null : readTokens / model.tokensPerSecond,
      loadingSeconds: model.resident ? null : model.loadingSeconds,
    }
  }

  /**
   * A draft at the end of the shown path. The path is counted once for each state of it: a long one takes a second, and while somebody types only the
   * draft changes, whose tokens begin and end with its message.
   */
  async #onPath(
    { conversationId, modelId }: { readonly conversationId: string; readonly modelId: string },
    how: {
      readonly counter: PromptCounter | null
      readonly instructions: string | null
      readonly alone: Counted
      readonly count: (turns: readonly Turn[], place: string | null) => Promise<Counted>
      readonly last: Turn
    },
  ): Promise<Counted> {
    const { counter, instructions, alone, count, last } = how
    const held = counter?.heldOf(conversationId) ?? 'absent'
    const version = this.#conversations.versionOf(conversationId)
    const key = JSON.stringify([modelId, held, conversationId, version, instructions])
    const known = this.#paths.get(key)
    if (known) {
      const promptTokens = known.promptTokens + alone.promptTokens - known.aloneTokens
      return { ...known, promptTokens, reusedTokens: Math.min(known.reusedTokens, promptTokens - 1) }
    }
    const path = [...this.#conversations.shownPath(conversationId), last]
    const counted =
      path.length === 1 && held === 'absent'
        ? alone
        : await count(turnsInWindow(path, windowOf(path, modelId)), conversationId)
    if (this.#paths.size >= mostPaths) this.#paths.clear()
    this.#paths.set(key, { ...counted, aloneTokens: alone.promptTokens })
    return counted
  }

  /** Cuts an attachment that is not sent yet to about so many tokens of a model, never more where its tokenizer can be had. */
  async cut({ id, modelId, tokens }: { id: string; modelId: string; tokens: number }): Promise<Attachment> {
    const { resident, vocabulary } = this.#model(modelId)
    return this.#attachments.cut(id, async (text) => {
      const judged = Math.floor(tokens * lettersPerToken * 0.9)
      if (resident) return lengthOf(text, tokens, resident)
      const tokenizer = await this.#tokenizers.find(vocabulary, { waitMs: cutWaitMs })
      if (tokenizer === null || tokenizer === 'loading') return judged
      // Its process may die of the file.
      return lengthOf(text, tokens, tokenizer).catch(() => judged)
    })
  }

  async #tokensOf(
    { id, characters }: Attachment,
    how: {
      readonly modelId: string
      readonly counter: PromptCounter | null
      readonly signal: AbortSignal | undefined
    },
  ): Promise<number> {
    const { modelId, counter, signal } = how
    if (!counter) return Math.ceil(characters / lettersPerToken)
    const key = JSON.stringify([modelId, counter.vocabulary, id, characters])
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const tokens = await counter.countTokens(this.#attachments.text(id), signal)
    if (this.#counts.size >= mostCounts) this.#counts.clear()
    this.#counts.set(key, tokens)
    return tokens
  }
}

/** The longest beginning of a text, about, that has no more than so many tokens: by what its parts were counted to have. */
async function lengthOf(text: string, tokens: number, counter: PromptCounter): Promise<number> {
  let fits = 0
  let tooLong = text.length
  let guess = Math.min(text.length, Math.floor(tokens * lettersPerToken))
  for (let round = 0; round < 8 && guess > fits && guess <= tooLong; round++) {
    const counted = await counter.countTokens(text.slice(0, guess))
    if (counted <= tokens) fits = guess
    else tooLong = guess - 1
    if (fits === text.length || (counted <= tokens && counted >= tokens * 0.98)) break
    const next = Math.floor((guess * tokens * 0.995) / Math.max(1, counted))
    guess = next > fits && next <= tooLong ? next : Math.floor((fits + tooLong + 1) / 2)
  }
  return fits
}

/** What messages would have where no tokenizer is at hand. */
function guess(messages: readonly ChatMessage[]) {
  const promptTokens = messages.reduce((sum, { text }) => sum + tokensPerMessage + guessTokens(text), 0)
  return { promptTokens, reusedTokens: 0, heldTokens: 0, isExact: false }
}

function guessTokens(text: string): number {
  return Math.ceil(text.length / lettersPerToken)
}

function draftTurn(text: string, attachments: readonly Attachment[]): Turn {
  return {
    ...{ id: 'draft', parentId: null, parentAnswerId: null, siblingIds: [], text, answers: [] },
    ...{ chosenAnswerId: '', isUndecided: false, createdAt: 0 },
    attachments: [...attachments],
  }
}
