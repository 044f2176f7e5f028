import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { ContextFullEvent, GenerateEvent } from '../../contract/backend.ts'
import { AnswerText } from './answer-text.ts'
import type { Choice } from './choice.ts'
import { draftedTokens, type Drafting } from './drafted-tokens.ts'
import type { Gate } from './gate.ts'
import type { RepetitionWatch } from './repetition.ts'
import type { ThoughtLimit } from './thought-limit.ts'
import type { ThoughtText } from './thought-text.ts'

/** What is read and what ends the answer to it. */
export interface Reading {
  /** Tokens that the sequence holds already. */
  readonly reusedTokens: number
  /** Tokens to read after them; at least one. */
  readonly rest: readonly Token[]
  /** They end within the answer, which goes on from there. Default false. */
  readonly continues?: boolean
  readonly stopTokens: ReadonlySet<Token>
  /** Texts by which the template ends answers, and others that are to end this one. */
  readonly endTexts: readonly string[]
  readonly stopTexts: readonly string[]
  /** Follows the thoughts of the answer, and ends them with these tokens when they have taken too long. */
  readonly thoughts?: {
    readonly limit: ThoughtLimit
    readonly end: readonly Token[]
    /** An answer has to follow: where the model ends within a thought, only the thought is ended. */
    readonly areBeforeAnswer: boolean
  }
  /** Shows thoughts that are marked with tokens of their own, and what such a token looks like to it. Absent: thoughts are marked by text. */
  readonly ownMarks?: { readonly text: ThoughtText; readonly markOf: (token: Token) => string | null }
}

/** Where it is read and written. */
export interface Place {
  /** The sequence now: another one after the context was resized. */
  readonly sequence: () => LlamaContextSequence
  /** The sequence may hold so many tokens and no more. */
  readonly capacityTokens: () => number
  /** Asks for a larger context; what it yields goes out, and when it ends `capacityTokens` tells. Absent where there is none. */
  readonly askForRoom?: () => AsyncGenerator<ContextFullEvent, void, void>
}

/** How an answer is written. */
export interface WritingOptions {
  /** Null: until the model ends it or the context is full. */
  readonly maxTokens: number | null
  readonly choice: Choice
  /** Ends the answer when it repeats itself without end; null: it may. */
  readonly repetition: RepetitionWatch | null
  /** Absent: token by token. */
  readonly drafting?: Drafting
}

/** `stop` ends an answer in good order, `signal` breaks it off and rejects with its reason. Both take effect within one batch. */
export interface Control {
  readonly gate: Gate
  readonly stop: AbortSignal
  readonly signal: AbortSignal | undefined
}

type StopReason = Extract<GenerateEvent, { kind: 'done' }>['stopReason']

/** Text goes out about this often: once a frame of a 60 Hz screen. */
const frameMs = 16

/** Reads tokens into a sequence and writes an answer. However it ends, the sequence holds whole tokens of it and can be gone on with. */
export async function* generateAnswer(
  place: Place,
  reading: Reading,
  options: WritingOptions & Control,
): AsyncGenerator<GenerateEvent | ContextFullEvent, void, void> {
  const { reusedTokens, rest } = reading
  const { gate, stop, signal, choice, drafting } = options
  const figures = new Figures(reusedTokens, rest.length)
  let sequence = place.sequence()
  const { batchSize } = sequence.context

  // All chunks but the last: that one is read together with writing the first token.
  let readTokens = 0
  for (;;) {
    yield figures.reading(readTokens)
    figures.pause(await gate.pass([stop, signal]))
    signal?.throwIfAborted()
    if (stop.aborted) return yield figures.done('stopped', sequence)
    if (rest.length - readTokens <= batchSize) break
    await sequence.evaluateWithoutGeneratingNewTokens(rest.slice(readTokens, readTokens + batchSize))
    readTokens += batchSize
  }

  const text = new AnswerText<Token>({
    decode: (tokens, after) => sequence.model.detokenize(tokens, false, after),
    stopTexts: [...reading.endTexts, ...reading.stopTexts],
    after: reading.continues ? rest : [],
    ...(reading.ownMarks && { markOf: reading.ownMarks.markOf }),
  })
  /** What the answer has begun to repeat. */
  let repeated: string | null = null
  const shownOf = (taken: string) => reading.ownMarks?.text.push(taken) ?? taken
  let frame = ''
  let frameAt = -Infinity
  let stopReason: StopReason | null
  /** The round is over and the answer is not. */
  let goesOn: boolean
  let unread = rest.slice(readTokens)
  if (sequence.needsCheckpoints) {
    // Recurrent and sliding-window layers go back to checkpoints only. An answer is asked for again, or another one is put in its place (without its
    // thoughts, say): that goes on from where it began.
    const before = unread.slice(0, -1)
    if (before.length > 0) await sequence.evaluateWithoutGeneratingNewTokens(before)
    await sequence.takeCheckpoint()
    unread = unread.slice(-1)
  }
  // Once, and again after each time that a thought was ended or the context has grown; for each token where it is drawn with a seed of its own.
  for (;;) {
    const { generatedTokens } = figures
    const bounds = { ...options, generatedTokens, capacityTokens: place.capacityTokens() }
    const tokens = drafting
      ? draftedTokens(sequence, unread, { ...bounds, ...drafting })
      : sequence.evaluate(unread, choice.optionsAt(generatedTokens))
    stopReason = null
    goesOn = false
    try {
      // The generator ends by itself with an end-of-generation token. That token is not read: the next turn brings it along.
      for await (const token of tokens) {
        signal?.throwIfAborted()
        if (reading.stopTokens.has(token)) break
        const now = performance.now()
        if (figures.takeToken(now)) yield figures.reading(rest.length)
        choice.take(token)
        const shown = text.push(token)
        frame += shownOf(shown.text)
        if (shown.stopText !== null) {
          stopReason = reading.endTexts.includes(shown.stopText) ? 'end' : 'stop-text'
          break
        }
        repeated = options.repetition?.push(shown.text)?.unit ?? null
        figures.pause(await gate.pass([stop, signal]))
        const isThoughtEnded = endsThought(token)
        unread = isThoughtEnded ? [token, ...endThought(now)] : [token]
        goesOn = isThoughtEnded || (choice.isStepwise && !drafting)
        stopReason = reasonToStop()
        if (frame !== '' && now - frameAt >= frameMs) {
          frameAt = now
          yield textEvent(frame)
          frame = ''
        }
        if (stopReason !== null || goesOn) break
      }
    } finally {
      await tokens.return()
    }
    if (stopReason === null && !goesOn && endsWithinThought()) {
      unread = [...endThought(performance.now())]
      stopReason = reasonToStop()
      goesOn = true
    }
    if (stopReason === null && goesOn) continue
    if (stopReason !== 'context-full' || !place.askForRoom) break
    const capacityTokens = place.capacityTokens()
    yield* place.askForRoom()
    sequence = place.sequence()
    if (place.capacityTokens() <= capacityTokens) break
  }
  frame += shownOf(text.flush()) + (reading.ownMarks?.text.flush() ?? '')
  if (frame !== '') yield textEvent(frame)
  const done = figures.done(stopReason ?? 'end', sequence)
  const what = stopReason === 'repetition' ? clip(repeated ?? '') : ''
  yield what === '' ? done : { ...done, repeated: what }

  function textEvent(shown: string): GenerateEvent {
    const acceptedTokens = drafting?.pace.figures.acceptedTokens
    return { ...figures.text(shown), ...(acceptedTokens !== undefined && { acceptedTokens }) }
  }

  function reasonToStop(): StopReason | null {
    if (stop.aborted) return 'stopped'
    if (repeated !== null) return 'repetition'
    if (options.maxTokens !== null && figures.generatedTokens >= options.maxTokens) return 'max-tokens'
    // Not by what the sequence holds, which may be a draft that goes further.
    return figures.totalTokens > place.capacityTokens() ? 'context-full' : null
  }

  function endsThought(token: Token): boolean {
    return reading.thoughts?.limit.push(sequence.model.detokenize([token], true)) ?? false
  }

  function endsWithinThought(): boolean {
    return reading.thoughts?.areBeforeAnswer === true && reading.thoughts.limit.end()
  }

  /** Writes the end of a thought in the model's place. */
  function endThought(now: number): readonly Token[] {
    const end = reading.thoughts?.end ?? []
    for (const token of end) {
      figures.takeToken(now)
      frame += shownOf(text.push(token).text)
    }
    return end
  }
}

/** Enough of a text to know it again; nothing of one that cannot be seen. */
function clip(text: string): string {
  return text.trim().slice(0, 120)
}

/** The figures of an answer and the events that carry them. */
class Figures {
  generatedTokens = 0
  readonly #reusedTokens: number
  readonly #promptTokens: number
  #startedAt = performance.now()
  #firstTokenAt: number | null = null
  #lastTokenAt = 0
  #pausedMs = 0

  constructor(reusedTokens: number, restTokens: number) {
    this.#reusedTokens = reusedTokens
    this.#promptTokens = reusedTokens + restTokens
  }

  /** Prompt and answer together. */
  get totalTokens(): number {
    return this.#promptTokens + this.generatedTokens
  }

  /** Counts a token; whether it is the first. */
  takeToken(now: number): boolean {
    const isFirst = this.#firstTokenAt === null
    this.#firstTokenAt ??= now
    this.#lastTokenAt = now
    this.generatedTokens++
    return isFirst
  }

  /** Time in which nothing was decoded on purpose is nobody's speed. */
  pause(ms: number): void {
    if (this.#firstTokenAt === null) this.#startedAt += ms
    else this.#pausedMs += ms
  }

  reading(readTokens: number): GenerateEvent {
    return { kind: 'reading', promptTokens: this.#promptTokens, reusedTokens: this.#reusedTokens, readTokens }
  }

  text(text: string): Extract<GenerateEvent, { kind: 'text' }> {
    return { kind: 'text', text, generatedTokens: this.generatedTokens }
  }

  done(stopReason: StopReason, sequence: LlamaContextSequence): Extract<GenerateEvent, { kind: 'done' }> {
    const firstTokenAt = this.#firstTokenAt ?? performance.now()
    const decodeMs = this.#lastTokenAt - firstTokenAt - this.#pausedMs
    return {
      kind: 'done',
      stopReason,
      promptTokens: this.#promptTokens,
      reusedTokens: this.#reusedTokens,
      generatedTokens: this.generatedTokens,
      timeToFirstTokenMs: firstTokenAt - this.#startedAt,
      tokensPerSecond:
        this.generatedTokens > 1 && decodeMs > 0 ? ((this.generatedTokens - 1) * 1000) / decodeMs : null,
      usedTokens: sequence.nextTokenIndex,
    }
  }
}
