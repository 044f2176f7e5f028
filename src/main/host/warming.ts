import type { ChatMessage } from '../../contract/backend.ts'
import type { Turn } from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import type { Conversations } from './conversations.ts'
import { turnsInWindow, windowOf } from './memory-window.ts'
import { messagesOf } from './messages.ts'

/** What warming needs of the pool. */
export interface WarmPool {
  /** Nobody answers or waits to, and memory is not short: what is not needed may be done. */
  readonly isIdle: boolean
  /** Calls back when that has begun, and perhaps again while it lasts. */
  onIdle(listener: () => void): () => void
  /** Residents that hold something of a conversation, in memory or on disk. */
  holdersOf(conversationId: string): readonly string[]
  isResident(modelId: string): boolean
  /**
   * Has a resident read a conversation ahead, as background work that goes last; that is no use of the model. False: it was interrupted. Nothing is
   * read where somebody would have to give something up for it. Rejects with the signal's reason.
   */
  warm(modelId: string, conversationId: string, work: WarmWork): Promise<boolean>
}

/** What is read, until when. */
export type WarmWork = { readonly messages: readonly ChatMessage[]; readonly signal: AbortSignal }

/** So long nobody must have answered, in milliseconds. */
const defaultQuietMs = 1000

/**
 * While nothing happens, lets the other residents of a conversation read what was said last, so that the next turn goes on at once whoever
 * answers it. Those are the residents that have answered on its shown path or hold something of it; nobody is loaded for it, and nobody gives
 * anything up. One model reads at a time.
 */
export class Warming implements AsyncDisposable {
  readonly #pool: WarmPool
  readonly #conversations: Conversations
  readonly #textOf: (attachmentId: string) => string
  readonly #isOn: () => boolean
  readonly #quietMs: number
  readonly #onDefect: (error: unknown, path: readonly string[]) => void
  readonly #closing = new AbortController()
  /** Conversations that have new answers, the newest last. */
  readonly #wanted = new Set<string>()
  readonly #unsubscribe: () => void
  #timer: NodeJS.Timeout | null = null
  #working: Promise<void> | null = null

  constructor(options: {
    readonly pool: WarmPool
    readonly conversations: Conversations
    /** The text of an attachment. */
    readonly textOf: (attachmentId: string) => string
    /** Asked each time. */
    readonly isOn: () => boolean
    /** Default 1 s. */
    readonly quietMs?: number | undefined
    readonly onDefect: (error: unknown, path: readonly string[]) => void
  }) {
    this.#pool = options.pool
    this.#conversations = options.conversations
    this.#textOf = options.textOf
    this.#isOn = options.isOn
    this.#quietMs = options.quietMs ?? defaultQuietMs
    this.#onDefect = options.onDefect
    this.#unsubscribe = options.pool.onIdle(() => this.#arm())
  }

  /** An answer of a conversation has ended: it is read ahead once it is quiet. */
  want(conversationId: string): void {
    if (this.#closing.signal.aborted || !this.#isOn()) return
    this.#wanted.delete(conversationId)
    this.#wanted.add(conversationId)
    this.#arm()
  }

  /** Ends when nothing is read ahead any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#unsubscribe()
    if (this.#timer) clearTimeout(this.#timer)
    this.#wanted.clear()
    await this.#working
  }

  /** Begins once it was quiet for long enough from now on. */
  #arm(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#wanted.size === 0 || this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => this.#start(), this.#quietMs)
    this.#timer.unref()
  }

  #start(): void {
    this.#timer = null
    // Who is at it takes up what has come meanwhile; who decodes now is heard of when that is over.
    if (this.#working || !this.#pool.isIdle) return
    this.#working = this.#work()
      .catch((error: unknown) => this.#onDefect(error, ['warming']))
      .finally(() => (this.#working = null))
  }

  async #work(): Promise<void> {
    const { signal } = this.#closing
    for (;;) {
      const conversationId = [...this.#wanted].at(-1)
      if (conversationId === undefined || !this.#isOn()) return
      this.#wanted.delete(conversationId)
      for (const { modelId, messages } of this.#readings(conversationId)) {
        const isRead = this.#pool.isIdle && (await this.#warm(modelId, conversationId, messages))
        if (signal.aborted) return
        if (isRead) continue
        // Somebody has come in between: again when that is over.
        this.#wanted.add(conversationId)
        return
      }
    }
  }

  async #warm(modelId: string, conversationId: string, messages: readonly ChatMessage[]): Promise<boolean> {
    const { signal } = this.#closing
    try {
      return await this.#pool.warm(modelId, conversationId, { messages, signal })
    } catch (error) {
      if (!signal.aborted && isDefect(error)) this.#onDefect(error, ['warming'])
      return true
    }
  }

  /** Who would read what of a conversation; nobody where the next turn may well follow something else, or it is gone. */
  #readings(conversationId: string): { modelId: string; messages: readonly ChatMessage[] }[] {
    if (this.#conversations.existing([conversationId]).length === 0) return []
    const path = this.#conversations.shownPath(conversationId)
    const last = path.at(-1)
    const answer = last?.answers.find(({ id }) => id === last.chosenAnswerId)
    if (!last || !answer || last.isUndecided || answer.text === '' || answer.state.kind !== 'done') return []
    const { instructions } = this.#conversations.asking(conversationId)
    const answerers = path.flatMap(({ answers }) => answers.map(({ modelId }) => modelId))
    const modelIds = new Set([...answerers.toReversed(), ...this.#pool.holdersOf(conversationId)])
    // It has written the end itself. To let it go on, or to ask it again, must not cost more for what was put behind that.
    modelIds.delete(answer.modelId)
    return [...modelIds]
      .filter((modelId) => this.#pool.isResident(modelId))
      .map((modelId) => ({
        modelId,
        messages: messagesOf(windowBeforeNext(path, last, modelId), {
          ...{ instructions, textOf: this.#textOf },
          continued: answer.text,
        }),
      }))
  }
}

/** The turns that a model reads for the turn after the last one. */
function windowBeforeNext(path: readonly Turn[], last: Turn, modelId: string): readonly Turn[] {
  // The window of an answer goes by the turns before it: any turn stands for the next one.
  return turnsInWindow(path, windowOf([...path, last], modelId))
}

/** A model that left, died or is full is nobody's defect here. */
function isDefect(error: unknown): boolean {
  return !(error instanceof AppError) || error.code === 'INTERNAL'
}
