import type { Answer, Turn } from '../../contract/conversation.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { Verification } from '../../contract/routing.ts'
import { greedySampling } from '../../contract/sampling.ts'
import type { Settings } from '../../contract/settings.ts'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { followUpWords } from '../core/router.ts'
import {
  reasonMessages,
  reasonOf,
  reasonTokens,
  verdictOf,
  verdicts,
  verifierMessages,
  type CheckedAnswer,
} from '../core/verification.ts'
import type { AnsweringModel } from './conversation-tree.ts'
import type { Library } from './library.ts'
import { messagesOf } from './messages.ts'
import type { ModelLease, TurnPool } from './turn-pool.ts'

/** What verifying works with. */
export type VerifyingOptions = {
  readonly pool: Pick<TurnPool, 'isResident' | 'acquire'>
  readonly library: Pick<Library, 'list' | 'get'>
  readonly settings: () => Pick<Settings, 'verifierId' | 'routerId'>
  /** The text of an attachment. */
  readonly textOf: (attachmentId: string) => string
}

/** An answer that is to be read, and the turns up to its own. */
export type CheckableAnswer = {
  readonly path: readonly Turn[]
  readonly answer: Answer
}

/** Has the verifier read answers. It decides nothing about what follows from that. */
export class Verifying {
  readonly #options: VerifyingOptions

  constructor(options: VerifyingOptions) {
    this.#options = options
  }

  /** The model that checks: the one of the settings, else one whose role says so, in memory first; null: there is none. */
  verifier(): AnsweringModel | null {
    const { library, pool, settings } = this.#options
    const { verifierId } = settings()
    const configured = verifierId === null ? undefined : library.get(verifierId)
    const able = library.list().filter(({ role, file }) => role?.verifies === true && file.kind === 'usable')
    const found = configured ?? able.find(({ id }) => pool.isResident(id)) ?? able[0]
    return found ? { id: found.id, name: found.name } : null
  }

  /** What is asked and answered, as the verifier reads it. */
  checked({ path, answer }: CheckableAnswer): CheckedAnswer {
    const last = path.at(-1)
    const before = path.at(-2)
    const { textOf } = this.#options
    const textOfTurn = (turn: Turn | undefined) =>
      turn ? (messagesOf([{ ...turn, answers: [] }], { textOf })[0]?.text ?? '') : ''
    const own = textOfTurn(last)
    // "and in Python?" is no question by itself.
    const question =
      before && followUpWords(last?.text ?? '') !== null ? `${textOfTurn(before)}\n${own}` : own
    return { question, answer: withoutThoughts(answer.text) }
  }

  /**
   * What the verifier says. It is loaded if need be, but the model that has answered, and the router, stay in memory: where they do not all fit, nobody
   * can say. Rejects only with the signal's reason.
   */
  async read(
    { path, answer }: CheckableAnswer,
    {
      verifier,
      keep,
      signal,
      onWait,
    }: {
      readonly verifier: AnsweringModel
      /** Models that stay in memory. */
      readonly keep: readonly string[]
      readonly signal: AbortSignal
      readonly onWait: (reason: string) => void
    },
  ): Promise<Verification['outcome']> {
    const checked = this.checked({ path, answer })
    try {
      using lease = await this.#options.pool.acquire(verifier.id, {
        ...{ signal, onWait, isBackground: false },
        keep: { modelIds: keep, isFirm: true },
      })
      const startedAt = performance.now()
      const { probabilities } = await lease.choose(null, verifierMessages(checked), verdicts, { signal })
      const { verdict, passProbability } = verdictOf(probabilities)
      const reason = reasonOf(await sayReason(lease, { checked, verdict, signal }), verdict)
      const ms = performance.now() - startedAt
      return { kind: verdict === 'PASS' ? 'pass' : 'fail', passProbability, reason, ms }
    } catch (error) {
      signal.throwIfAborted()
      return { kind: 'unknown', problem: whyUnchecked(error, verifier) }
    }
  }
}

async function sayReason(
  lease: ModelLease,
  {
    checked,
    verdict,
    signal,
  }: {
    readonly checked: CheckedAnswer
    readonly verdict: (typeof verdicts)[number]
    readonly signal: AbortSignal
  },
): Promise<string> {
  const events = lease.generate(null, reasonMessages(checked, verdict), {
    ...{ signal, keepsRoom: false, continues: true, jsonSchema: null },
    sampling: { ...greedySampling, maxTokens: reasonTokens, stopTexts: ['\n'] },
  })
  let text = ''
  for await (const event of events) if (event.kind === 'text') text += event.text
  signal.throwIfAborted()
  return text
}

function whyUnchecked(error: unknown, { name }: AnsweringModel): ReturnType<typeof toProblem> {
  const problem = toProblem(error)
  if (problem.code !== 'NO_ROOM') return problem
  const facts = problem.message.replace(/^Cannot load "[^"]*": /u, '')
  return toProblem(
    new AppError(
      'NO_ROOM',
      `Cannot check the answer: "${name}" does not fit in beside the models of this turn, which stay in memory: it ${facts}`,
      { details: problem.details },
    ),
  )
}
