import { withAsking, type AskingChanges } from '../../contract/asking.ts'
import type { ChatMessage, DraftFigures, GenerateEvent } from '../../contract/backend.ts'
import type { Answer, AnswerState, AnswerStats, Turn } from '../../contract/conversation.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import { parseJsonSchema } from '../../contract/json-schema.ts'
import { resolveSampling, type ResolvedSampling } from '../../contract/sampling.ts'
import type { TurnPlace } from './conversation-feeds.ts'
import type { Conversations } from './conversations.ts'
import type { Routed } from './live-answers.ts'
import {
  canSlide,
  slideWindow,
  turnsInWindow,
  windowOf,
  windowOfAnswer,
  type MemoryWindow,
} from './memory-window.ts'
import { messagesOf } from './messages.ts'
import type { ModelLease, TurnPool } from './turn-pool.ts'

/** What all runs work with. */
export type RunSurroundings = {
  readonly conversations: Conversations
  readonly pool: TurnPool
  /** The text of an attachment. */
  readonly textOf: (attachmentId: string) => string
  /** Whether the oldest turns slide out when a context is full, asked each time; else the answer stops with a message. */
  readonly slides: () => boolean
  /** Whether answers end that have begun to repeat themselves without end, asked each time. Default: they do not. */
  readonly stopsRepetition?: () => boolean
  /** Hears of errors that are defects of the app. */
  readonly onDefect: (error: unknown, path: readonly string[]) => void
}

/** How one answer is made. */
export type RunOptions = {
  /** Makes way for answers that somebody waits for. */
  readonly isBackground: boolean
  /** For this answer alone: goes before what the conversation says. */
  readonly asking: AskingChanges
  /** Finds who answers; absent: the answer's model does. Rejects only when the signal aborts. */
  readonly route?:
    | ((options: {
        readonly signal: AbortSignal
        readonly onWait: (reason: string) => void
      }) => Promise<Routed>)
    | undefined
  /** Models that stay in memory for this turn, where there is room for all. */
  readonly keep: readonly string[]
  /** What the model reads after the path. */
  readonly after: readonly ChatMessage[]
  /** A verifier reads it when it has ended by itself. */
  readonly isChecked: boolean
}

/**
 * One model's work on one answer: takes the model from the pool, reads the conversation into it, and writes the answer down as it comes.
 * Whatever goes wrong ends this answer alone.
 */
export class AnswerRun {
  readonly conversationId: string
  readonly turnId: string
  readonly answerId: string
  readonly isChecked: boolean
  #model: ReturnType<TurnPool['model']>
  readonly #conversations: Conversations
  readonly #pool: TurnPool
  readonly #textOf: (attachmentId: string) => string
  readonly #slides: () => boolean
  readonly #stopsRepetition: () => boolean
  readonly #onDefect: (error: unknown, path: readonly string[]) => void
  readonly #isBackground: boolean
  readonly #asking: AskingChanges
  readonly #route: RunOptions['route']
  readonly #keep: RunOptions['keep']
  readonly #after: RunOptions['after']
  /** The answer has text, which goes on. */
  readonly #continues: boolean
  readonly #controller = new AbortController()
  readonly #acquired = Promise.withResolvers<null>()
  #hasEnded = false
  #finished: Promise<void> = Promise.resolve()

  /** A run that has not started. Throws `NOT_FOUND` when the library has not the answer's model. */
  constructor(answer: Answer, how: TurnPlace & RunOptions, surroundings: RunSurroundings) {
    const { conversations, pool, textOf, slides, stopsRepetition = () => false, onDefect } = surroundings
    this.#conversations = conversations
    this.#pool = pool
    this.#textOf = textOf
    this.#slides = slides
    this.#stopsRepetition = stopsRepetition
    this.#onDefect = onDefect
    this.conversationId = how.conversationId
    this.turnId = how.turnId
    this.answerId = answer.id
    this.#model = pool.model(answer.modelId)
    this.#isBackground = how.isBackground
    this.#asking = how.asking
    this.#route = how.route
    this.#keep = how.keep
    this.#after = how.after
    this.isChecked = how.isChecked
    this.#continues = answer.text !== ''
  }

  /** Who answers; while Auto still looks for somebody, who does where it finds nobody. */
  get model(): ReturnType<TurnPool['model']> {
    return this.#model
  }

  /** The answer has its last state; what is left winds down. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** When the model was taken, or the run is over. Never rejects. */
  get acquired(): Promise<unknown> {
    return this.#acquired.promise
  }

  /** When the model is free of this run. Never rejects. */
  get finished(): Promise<void> {
    return this.#finished
  }

  /** Asks for the model once `before` has come. */
  start(before: Promise<unknown>): void {
    this.#finished = this.#run(before)
      .catch((error: unknown) => this.#onDefect(error, ['turns']))
      .finally(() => this.#acquired.resolve(null))
  }

  /** Ends the answer now, keeping its text. */
  stop(): void {
    // The screen must not wait for the model: the answer ends now, the model within one batch.
    this.#end({ kind: 'done', stopReason: 'stopped' })
    this.#controller.abort()
  }

  async #run(before: Promise<unknown>): Promise<void> {
    const { answerId } = this
    const { signal } = this.#controller
    const waitFor = (reason: string, how: { readonly isRouting?: true } = {}) => {
      if (!this.#hasEnded) this.#conversations.live.setState(answerId, { kind: 'waiting', reason, ...how })
    }
    const onWait = (reason: string) => waitFor(reason)
    const onRouting = (reason: string) => waitFor(reason, { isRouting: true })
    if (this.#route) onRouting('Auto is choosing who answers')
    try {
      await before
      signal.throwIfAborted()
      if (this.#route) this.#take(await this.#route({ signal, onWait: onRouting }))
      const { model } = this
      using lease = await this.#pool.acquire(model.id, {
        ...{ signal, onWait, isBackground: this.#isBackground },
        keep: { modelIds: this.#keep, isFirm: false },
      })
      this.#acquired.resolve(null)
      await this.#answer(lease)
      // A backend that ends without saying so has broken its word.
      if (!this.#hasEnded)
        throw new AppError('MODEL_FAILED', `"${model.name}" ended without finishing its answer`)
    } catch (error) {
      if (signal.aborted) {
        this.#end({ kind: 'done', stopReason: 'stopped' })
        return
      }
      const problem = toProblem(error)
      if (problem.code === 'INTERNAL') this.#onDefect(error, ['turns'])
      this.#end({ kind: 'interrupted', problem })
    }
  }

  /** Auto has found who answers. */
  #take({ model, routing }: Routed): void {
    this.#model = this.#pool.model(model.id)
    this.#conversations.live.setRouting(this.answerId, { model, routing })
    this.#conversations.live.setState(this.answerId, {
      kind: 'waiting',
      reason: `Waiting for "${model.name}"`,
    })
  }

  /** Has the model answer, with as much of the conversation as its context holds. */
  async #answer(lease: ModelLease): Promise<void> {
    const { conversationId, answerId, model } = this
    const { signal } = this.#controller
    const path = this.#conversations.pathTo(this.turnId)
    const answer = this.#continues ? path.at(-1)?.answers.find(({ id }) => id === answerId) : undefined
    const continued = answer?.text ?? ''
    const { instructions, ...how } = this.#howAsked()
    this.#conversations.live.setSampling(answerId, {
      sampling: how.sampling,
      isJson: how.jsonSchema !== null,
    })
    const messages = (turns: readonly Turn[]) => [
      ...messagesOf(turns, { instructions, textOf: this.#textOf, continued }),
      ...this.#after,
    ]
    let window = (answer && windowOfAnswer(path, answer)) ?? windowOf(path, model.id)
    for (;;) {
      if (window) this.#conversations.live.setMemory(answerId, window)
      const maySlide = this.#slides() && canSlide(path, window)
      try {
        const read = messages(turnsInWindow(path, window))
        const continues = continued !== ''
        const events = lease.generate(conversationId, read, {
          ...{ signal, keepsRoom: maySlide, continues, stopsRepetition: this.#stopsRepetition() },
          branchOf: this.#conversations.tree.originOf(conversationId),
          ...how,
        })
        for await (const event of events) this.#note(event)
        return
      } catch (error) {
        const slid = maySlide ? afterFull(error, path, { window, messages }) : null
        if (!slid) throw error
        window = slid
      }
    }
  }

  /** How the model is asked: as the turn says, else the conversation, else the model. */
  #howAsked(): { instructions: string | null; sampling: ResolvedSampling; jsonSchema: unknown } {
    const asking = this.#asking
    const usual = this.#conversations.asking(this.conversationId)
    const { instructions, jsonSchema } = withAsking(usual, asking)
    const parsed = jsonSchema === null ? null : parseJsonSchema(jsonSchema)
    return {
      instructions,
      sampling: resolveSampling(asking.sampling, usual.sampling, ...(this.model.samplings ?? [])),
      // It was checked when it was set.
      jsonSchema: parsed && 'schema' in parsed ? parsed.schema : null,
    }
  }

  #note(event: GenerateEvent): void {
    const { answerId, turnId } = this
    switch (event.kind) {
      case 'reading': {
        const { readTokens, promptTokens } = event
        this.#conversations.live.setState(answerId, { kind: 'reading', readTokens, promptTokens })
        return
      }
      case 'text':
        this.#conversations.live.setState(answerId, { kind: 'writing' })
        this.#conversations.live.append(answerId, event.text)
        return
      case 'done': {
        const stats: AnswerStats = {
          promptTokens: event.promptTokens,
          reusedTokens: event.reusedTokens,
          generatedTokens: event.generatedTokens,
          timeToFirstTokenMs: event.timeToFirstTokenMs,
          tokensPerSecond: event.tokensPerSecond,
          ...(event.draft && { draft: draftStats(event.draft) }),
        }
        if (this.#hasEnded) this.#conversations.live.addStats(answerId, turnId, stats)
        else this.#end(endOf(event), stats)
        return
      }
      default:
        event satisfies never
    }
  }

  #end(state: Extract<AnswerState, { kind: 'done' | 'interrupted' }>, stats?: AnswerStats): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#conversations.live.end(this.answerId, state, stats)
  }
}

function endOf({ stopReason, repeated }: Extract<GenerateEvent, { kind: 'done' }>) {
  return { kind: 'done' as const, stopReason, ...(repeated !== undefined && { repeated }) }
}

/** Of what drafting has come to, what is kept with the answer. */
function draftStats({ kind, name, proposedTokens, acceptedTokens }: DraftFigures): AnswerStats['draft'] {
  return { kind, ...(name !== undefined && { name }), proposedTokens, acceptedTokens }
}

/** The window that is tried after the one that did not fit; null when the error says something else, or there is none. */
function afterFull(
  error: unknown,
  path: readonly Turn[],
  { window, messages }: { window: MemoryWindow | null; messages: (turns: readonly Turn[]) => ChatMessage[] },
): MemoryWindow | null {
  const { code, details } = toProblem(error)
  const { neededTokens, contextTokens } = details
  if (code !== 'CONTEXT_FULL' || neededTokens === undefined || contextTokens === undefined) return null
  return slideWindow(path, window, { neededTokens, contextTokens, messages })
}
