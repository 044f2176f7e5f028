import type { Answer, Turn } from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import type { RouteExample, RoutingDecision } from '../../contract/routing.ts'
import type { Settings } from '../../contract/settings.ts'
import type { AnsweringModel } from './conversation-tree.ts'
import type { Conversations } from './conversations.ts'
import type { Library } from './library.ts'
import type { RoutingExamples } from './routing-examples.ts'

/** Keeps what the user did not like of Auto's choices: with the answers, and as examples where that is wanted. */
export class RouteLearning {
  readonly #conversations: Conversations
  readonly #library: Pick<Library, 'get'>
  readonly #examples: RoutingExamples
  readonly #settings: () => Pick<Settings, 'learnsRouting'>

  constructor(options: {
    readonly conversations: Conversations
    readonly library: Pick<Library, 'get'>
    readonly examples: RoutingExamples
    readonly settings: () => Pick<Settings, 'learnsRouting'>
  }) {
    this.#conversations = options.conversations
    this.#library = options.library
    this.#examples = options.examples
    this.#settings = options.settings
  }

  /** How an answer was routed. Throws `NOT_FOUND`, and `BAD_INPUT` when Auto did not choose who wrote it. */
  routed(answerId: string): {
    readonly turn: Turn
    readonly answer: Answer
    readonly routing: RoutingDecision
  } {
    const turn = this.#conversations.turn(this.#conversations.placeOfAnswer(answerId).turnId)
    const answer = turn.answers.find(({ id }) => id === answerId)
    if (!answer?.routing)
      throw new AppError('BAD_INPUT', 'Cannot overrule Auto: it has not chosen who writes this answer')
    return { turn, answer, routing: answer.routing }
  }

  /** Notes that another model was to answer; as the settings say, or as it is wished, the message becomes an example. */
  overruled(
    answerId: string,
    by: AnsweringModel,
    { isRemembered }: { readonly isRemembered: boolean },
  ): void {
    const { turn, routing } = this.routed(answerId)
    const { learnsRouting } = this.#settings()
    const isWanted = learnsRouting === 'always' || (learnsRouting === 'ask' && isRemembered)
    const label = isWanted ? this.#labelOf(by.id, routing) : null
    if (label !== null) this.#examples.add({ text: turn.text, label })
    const overruledBy = { modelId: by.id, name: by.name, isRemembered: label !== null }
    this.#conversations.tree.judge(answerId, { routing: { ...routing, overruledBy } })
  }

  /** Makes the message of an answer that was overruled an example. Throws `BAD_INPUT` when it was not, or when its model has no label. */
  remember(answerId: string): Turn {
    const { turn, routing } = this.routed(answerId)
    const { overruledBy } = routing
    if (!overruledBy)
      throw new AppError('BAD_INPUT', 'Cannot remember the choice: Auto was not overruled here')
    const label = this.#labelOf(overruledBy.modelId, routing)
    if (label === null)
      throw new AppError('BAD_INPUT', `Cannot remember the choice: "${overruledBy.name}" has no label`, {
        details: { modelId: overruledBy.modelId, help: 'Say in the library which requests it answers' },
      })
    this.#examples.add({ text: turn.text, label })
    this.#conversations.tree.judge(answerId, {
      routing: { ...routing, overruledBy: { ...overruledBy, isRemembered: true } },
    })
    return this.#conversations.turn(turn.id)
  }

  examples(): RouteExample[] {
    return this.#examples.list()
  }

  forget(id: string): void {
    this.#examples.forget(id)
  }

  /** Of a model's labels the one that the router found likeliest; null: it has none. */
  #labelOf(modelId: string, { labels }: RoutingDecision): string | null {
    const own = (this.#library.get(modelId)?.role?.labels ?? []).map(({ name }) => name)
    return labels.find(({ name }) => own.includes(name))?.name ?? own[0] ?? null
  }
}
