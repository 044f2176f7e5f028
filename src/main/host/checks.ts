import { withAsking, type AskingChanges } from '../../contract/asking.ts'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { Settings } from '../../contract/settings.ts'
import type { Verification } from '../../contract/routing.ts'
import type { CheckedAnswer } from '../core/verification.ts'
import type { TurnPlace } from './conversation-feeds.ts'
import type { Conversations } from './conversations.ts'
import type { Verifying } from './verifying.ts'

/** An answer that failed, and why. */
export type FailedAnswer = TurnPlace & {
  readonly answer: Answer
  readonly checked: CheckedAnswer
  readonly reason: string
}

/** What checks work with. */
export type ChecksOptions = {
  readonly conversations: Conversations
  readonly verifying: Verifying
  readonly settings: () => Pick<Settings, 'verifiesAnswers'>
  /** The model that sorts requests, if there is one: it stays in memory. */
  readonly routerId: () => string | null
  /** Has an answer repaired, where that can be now. */
  readonly repair: (failed: FailedAnswer) => void
  readonly onDefect: (error: unknown, path: readonly string[]) => void
}

/** A check that is under way. */
type Check = TurnPlace & {
  readonly answerId: string
  readonly controller: AbortController
  readonly finished: Promise<void>
}

/** Has answers checked when they have ended, writes down what the verifier says, and has them repaired once when they fail. */
export class Checks implements AsyncDisposable {
  readonly #options: ChecksOptions
  readonly #checks = new Set<Check>()
  #isClosed = false

  constructor(options: ChecksOptions) {
    this.#options = options
  }

  /** Whether answers of a conversation are checked; `changes` are for one turn of it. */
  isOn(conversationId: string, changes: AskingChanges = {}): boolean {
    const { conversations, settings } = this.#options
    return withAsking(conversations.asking(conversationId), changes).isVerified ?? settings().verifiesAnswers
  }

  /** Checks an answer that ended by itself. A repair is checked too, and not repaired again. */
  begin(answerId: string): void {
    if (this.#isClosed) return
    const { conversations, verifying } = this.#options
    const place = conversations.placeOfAnswer(answerId)
    const verifier = verifying.verifier()
    if (!verifier) {
      const problem = toProblem(noVerifier())
      const verification: Verification = {
        ...{ verifierId: '', verifierName: 'The verifier' },
        outcome: { kind: 'unknown', problem },
      }
      conversations.tree.judge(answerId, { verification })
      return
    }
    const controller = new AbortController()
    const { promise: finished, resolve } = Promise.withResolvers<undefined>()
    const check: Check = { ...place, answerId, controller, finished }
    this.#checks.add(check)
    this.#run(check, verifier)
      .catch((error: unknown) => this.#options.onDefect(error, ['turns', 'check']))
      .finally(() => {
        this.#checks.delete(check)
        resolve(undefined)
      })
      .catch(() => undefined)
  }

  /** Checks an answer on request. Throws `NOT_FOUND` when no model verifies, `BAD_INPUT` for one that has not ended or says nothing, `MODEL_BUSY` while it is checked. */
  check(answerId: string): void {
    const answer = this.#answer(answerId)
    if (!this.#options.verifying.verifier()) throw noVerifier()
    if (answer.state.kind !== 'done' && answer.state.kind !== 'interrupted')
      throw new AppError('BAD_INPUT', 'Cannot check the answer: it has not ended')
    if (answer.text.trim() === '') throw new AppError('BAD_INPUT', 'Cannot check the answer: it is empty')
    if ([...this.#checks].some((each) => each.answerId === answerId))
      throw new AppError('MODEL_BUSY', 'Cannot check the answer: it is being checked', {
        details: { help: 'Wait for its end, or stop it' },
      })
    this.begin(answerId)
  }

  /** Ends the checks that are under way of a turn, or of one answer of it. */
  stop({ turnId, answerId }: { readonly turnId: string; readonly answerId?: string | undefined }): void {
    for (const check of this.#checks)
      if (check.turnId === turnId && (answerId === undefined || check.answerId === answerId))
        check.controller.abort()
  }

  /** The same of a whole conversation. */
  stopAll(conversationId: string): void {
    for (const check of this.#checks) if (check.conversationId === conversationId) check.controller.abort()
  }

  /** The checks of a turn that are under way, with the repairs that follow from them; each ends by itself. */
  ofTurn(turnId: string): readonly Promise<void>[] {
    return [...this.#checks].filter((check) => check.turnId === turnId).map(({ finished }) => finished)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const { controller } of this.#checks) controller.abort()
    await Promise.all([...this.#checks].map(({ finished }) => finished))
  }

  async #run(check: Check, verifier: { readonly id: string; readonly name: string }): Promise<void> {
    const { conversations, verifying, repair } = this.#options
    const { answerId, turnId, conversationId, controller } = check
    const { signal } = controller
    const answer = this.#answer(answerId)
    const path = conversations.pathTo(turnId)
    const say = (outcome: Verification['outcome']) =>
      conversations.tree.judge(answerId, {
        verification: { verifierId: verifier.id, verifierName: verifier.name, outcome },
      })
    const waitFor = (waitsFor: string | null) => say({ kind: 'checking', waitsFor })
    waitFor(null)
    const routerId = this.#options.routerId()
    const keep = [answer.modelId, ...(routerId === null ? [] : [routerId])].filter((id) => id !== verifier.id)
    try {
      const outcome = await verifying.read({ path, answer }, { verifier, keep, signal, onWait: waitFor })
      say(outcome)
      if (outcome.kind !== 'fail' || answer.repairsAnswerId !== undefined) return
      const checked = verifying.checked({ path, answer })
      repair({ conversationId, turnId, answer, checked, reason: outcome.reason })
    } catch (error) {
      if (!signal.aborted) throw error
      const message = this.#isClosed
        ? 'The app ended while this answer was being checked'
        : 'The check was stopped'
      const problem = toProblem(
        new AppError('MODEL_FAILED', message, { details: { help: 'Check it again' } }),
      )
      say({ kind: 'unknown', problem })
    }
  }

  #answer(answerId: string): Answer {
    const { conversations } = this.#options
    const answer = conversations
      .turn(conversations.placeOfAnswer(answerId).turnId)
      .answers.find(({ id }) => id === answerId)
    if (!answer) throw new AppError('NOT_FOUND', `There is no answer "${answerId}"`)
    return answer
  }
}

/** Whether an answer came to its end by itself and says something: what is checked without being asked for. */
export function endedByItself({ state, text }: Pick<Turn['answers'][number], 'state' | 'text'>): boolean {
  return (
    state.kind === 'done' &&
    (state.stopReason === 'end' || state.stopReason === 'max-tokens') &&
    text.trim() !== ''
  )
}

function noVerifier(): AppError {
  return new AppError('NOT_FOUND', 'Cannot check the answer: no model verifies', {
    details: { help: 'Choose a verifier in the settings, or give a model of the library that role' },
  })
}
