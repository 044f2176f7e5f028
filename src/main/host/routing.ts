import type { ChatMessage } from '../../contract/backend.ts'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import type { LibraryModel, LoadOptions } from '../../contract/model.ts'
import type { RequestLabel, RoutingDecision } from '../../contract/routing.ts'
import type { Settings } from '../../contract/settings.ts'
import { withExamples, type LabelProbability } from '../core/route-examples.ts'
import { decideRoute, predictSeconds, type RouteCandidate } from '../core/router.ts'
import { mergeLabels, routerMessages, type LabelledRequest } from '../core/router-prompt.ts'
import type { AnsweringModel } from './conversation-tree.ts'
import type { Conversations } from './conversations.ts'
import type { Library } from './library.ts'
import type { Routed } from './live-answers.ts'
import { orLeave } from './model-lease.ts'
import type { ModelSpeeds } from './resident-models.ts'
import type { RoutingExamples } from './routing-examples.ts'
import type { TurnPool } from './turn-pool.ts'

/** What routing needs of the pool. */
export interface RoutingPool extends Pick<TurnPool, 'model' | 'isResident' | 'acquire'> {
  residentIds(): readonly string[]
  speeds(modelId: string): ModelSpeeds
  /** Throws what is wrong with the model. */
  readingModel(modelId: string): { readonly contextTokens: number }
  preview(
    modelId: string,
    options: LoadOptions,
    how: { readonly keep: readonly string[] },
  ): Promise<Pick<LoadPreview, 'verdict'>>
  load(
    modelId: string,
    options: { why: string; keep: readonly string[]; signal?: AbortSignal },
  ): Promise<void>
}

/** What routing works with. */
export type RoutingOptions = {
  readonly conversations: Pick<Conversations, 'pathTo' | 'summary'>
  readonly pool: RoutingPool
  readonly library: Pick<Library, 'list' | 'get'>
  readonly settings: () => Pick<Settings, 'routerId' | 'routerLimitMs'>
  readonly examples: Pick<RoutingExamples, 'list'>
  readonly onDefect: (error: unknown, path: readonly string[]) => void
}

/** A turn for which somebody is looked for. */
export type RoutedTurn = {
  readonly turnId: string
  /** Who answers where nobody sorts the message. Where somebody does and is unsure, the model of the turn before goes on, if there is one. */
  readonly fallback: AnsweringModel
  readonly signal: AbortSignal
  readonly onWait: (reason: string) => void
}

/** Answers of models that have not answered yet are taken to have so many tokens. */
const usualAnswerTokens = 200
/** Letters a token, as where a draft's cost is guessed. */
const lettersPerToken = 3.6

/** Why nobody sorted a request. */
class NoRouting extends Error {}

/** The path to a turn, and who stays in memory for it. */
type Situation = { readonly path: readonly Turn[]; readonly keep: readonly string[] }

/** What a router has said. */
type Reading = { readonly router: AnsweringModel; readonly labels: readonly LabelProbability[] }

/** Finds who answers a turn: asks the router for the label of its message, and chooses among the models of that label. */
export class Routing {
  readonly #options: RoutingOptions

  constructor(options: RoutingOptions) {
    this.#options = options
  }

  /** Who answers until somebody is found: the model of the conversation's last answer, else one in memory, else any. Throws `NOT_FOUND`. */
  fallback(conversationId: string): AnsweringModel {
    const { conversations, library, pool } = this.#options
    const usable = library.list().filter(({ file }) => file.kind === 'usable')
    const { lastModelId } = conversations.summary(conversationId)
    const answers = usable.filter(({ role }) => role === undefined || role.labels.length > 0)
    const found =
      usable.find(({ id }) => id === lastModelId) ??
      answers.find(({ id }) => pool.isResident(id)) ??
      answers[0] ??
      usable[0]
    if (!found) throw new AppError('NOT_FOUND', 'Cannot ask: the library has no model')
    return pool.model(found.id)
  }

  /** The model that sorts requests: the one of the settings, else one in memory whose role says so. */
  router(): AnsweringModel | null {
    const { library, pool, settings } = this.#options
    const { routerId } = settings()
    const configured = routerId === null ? undefined : library.get(routerId)
    const found =
      configured ?? library.list().find(({ id, role }) => role?.routes === true && pool.isResident(id))
    return found ? { id: found.id, name: found.name } : null
  }

  /** Who answers a turn, and why. Whatever goes wrong, somebody does; rejects only when `signal` aborts. */
  async route(turn: RoutedTurn): Promise<Routed> {
    const { library, pool } = this.#options
    const startedAt = performance.now()
    const path = this.#options.conversations.pathTo(turn.turnId)
    const before = path.at(-2)
    const previous = before && chosenOf(before)
    const current =
      previous && library.get(previous.modelId) ? pool.model(previous.modelId) : pool.model(turn.fallback.id)
    const models = library
      .list()
      .filter(({ role, file }) => role !== undefined && role.labels.length > 0 && file.kind === 'usable')
    const labels = mergeLabels(models.flatMap(({ role }) => role?.labels ?? []))
    const done = (
      decision: Pick<RoutingDecision, 'kind' | 'label' | 'reason' | 'alternatives'>,
      read?: Reading,
    ) => ({
      ...{ ...decision, routerId: read?.router.id ?? null, routerName: read?.router.name ?? null },
      labels: (read?.labels ?? []).toSorted((a, b) => b.probability - a.probability),
      ms: performance.now() - startedAt,
    })
    try {
      const reading = await this.#read(turn, { path, labels })
      const situation = { path, keep: [reading.router.id] }
      const candidates = await Promise.all(models.map((model) => this.#candidate(model, situation)))
      turn.signal.throwIfAborted()
      const { modelId, ...route } = decideRoute({
        ...{ text: path.at(-1)?.text ?? '', labels: reading.labels, candidates },
        current:
          candidates.find(({ modelId }) => modelId === current.id) ??
          (await this.#figures(current, situation)),
        previous: before ? { label: this.#labelOf(previous) } : null,
      })
      return { model: pool.model(modelId), routing: done(route, reading) }
    } catch (error) {
      turn.signal.throwIfAborted()
      if (!(error instanceof NoRouting)) this.#options.onDefect(error, ['routing'])
      const why = error instanceof NoRouting ? error.message : toProblem(error).message
      const { fallback } = turn
      const reason = `${why}: "${fallback.name}" answers`
      return { model: fallback, routing: done({ kind: 'fallback', label: null, reason, alternatives: [] }) }
    }
  }

  /** What the router says of a message. Throws `NoRouting` where nobody says anything in time. */
  async #read(
    { signal, onWait }: RoutedTurn,
    { path, labels }: { readonly path: readonly Turn[]; readonly labels: readonly RequestLabel[] },
  ): Promise<Reading> {
    const router = this.router()
    if (labels.length < 2)
      throw new NoRouting(
        labels.length === 0 ? 'No model has a label' : `There is only one label, ${labels[0]?.name ?? ''}`,
      )
    if (!router) throw new NoRouting('No model that sorts requests is in memory')
    const text = path.at(-1)?.text ?? ''
    const earlier = path.slice(0, -1).flatMap((turn): LabelledRequest[] => {
      const label = this.#labelOf(chosenOf(turn))
      return label !== null && labels.some(({ name }) => name === label) ? [{ text: turn.text, label }] : []
    })
    const taught = this.#options.examples.list()
    const { contextTokens } = this.#options.pool.readingModel(router.id)
    const messages = routerMessages({ text, labels, path: earlier, taught, contextTokens })
    const { routerLimitMs } = this.#options.settings()
    const limit = AbortSignal.timeout(routerLimitMs)
    onWait(`"${router.name}" is choosing who answers`)
    try {
      const hurried = AbortSignal.any([signal, limit])
      const names = labels.map(({ name }) => name)
      const asked = this.#ask(router, { messages, names, signal: hurried })
      // A process that hangs would not hear that nobody waits any more.
      await orLeave(asked, hurried)
      const probabilities = await asked
      const said = names.map((name, at) => ({ name, probability: probabilities[at] ?? 0 }))
      return { router, labels: withExamples(said, text, taught) }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NoRouting) throw error
      if (limit.aborted) throw new NoRouting(`"${router.name}" took longer than ${duration(routerLimitMs)}`)
      throw new NoRouting(`"${router.name}" could not sort the message (${toProblem(error).message})`)
    }
  }

  async #ask(
    router: AnsweringModel,
    {
      messages,
      names,
      signal,
    }: {
      readonly messages: readonly ChatMessage[]
      readonly names: readonly string[]
      readonly signal: AbortSignal
    },
  ): Promise<readonly number[]> {
    const { pool } = this.#options
    await this.#load(router, signal)
    using lease = await pool.acquire(router.id, {
      ...{ signal, isBackground: false, onWait: () => undefined },
      keep: { modelIds: pool.residentIds(), isFirm: true },
    })
    return (await lease.choose(null, messages, names, { signal })).probabilities
  }

  /** A router that is not in memory is loaded where nobody has to leave for it, also beyond the time limit: for the next turn. */
  async #load({ id, name }: AnsweringModel, signal: AbortSignal): Promise<void> {
    const { pool, onDefect } = this.#options
    if (pool.isResident(id)) return
    const { verdict } = await pool.preview(id, {}, { keep: pool.residentIds() })
    if (verdict.kind !== 'fits' && verdict.kind !== 'resident')
      throw new NoRouting(`"${name}" is not in memory, and does not fit in beside the others`)
    signal.throwIfAborted()
    void pool.load(id, { why: 'to sort requests', keep: pool.residentIds() }).catch((error: unknown) => {
      // Whoever waits for it hears of it as well.
      if (toProblem(error).code === 'INTERNAL') onDefect(error, ['routing'])
    })
  }

  async #candidate(model: LibraryModel, situation: Situation): Promise<RouteCandidate> {
    return {
      ...(await this.#figures(model, situation)),
      labels: (model.role?.labels ?? []).map(({ name }) => name),
    }
  }

  /** What an answer of a model would take, and who would have to leave for it. */
  async #figures(
    { id: modelId, name }: AnsweringModel,
    { path, keep }: Situation,
  ): Promise<Omit<RouteCandidate, 'labels'>> {
    const { pool } = this.#options
    const isResident = pool.isResident(modelId)
    const { loadSeconds, readTokensPerSecond, writing } = pool.speeds(modelId)
    const seconds = predictSeconds({
      loadSeconds: isResident ? 0 : loadSeconds,
      promptTokens: unreadCharacters(path, isResident ? modelId : null) / lettersPerToken,
      readTokensPerSecond,
      answerTokens: writing?.answerTokens ?? usualAnswerTokens,
      writeTokensPerSecond: writing?.tokensPerSecond ?? null,
    })
    const room = isResident ? { refusal: null, leaving: [] } : await this.#room(modelId, keep)
    return { modelId, name, isResident, seconds, ...room }
  }

  /** As the load would be: the router stays where that is possible without waiting. */
  async #room(
    modelId: string,
    keep: readonly string[],
  ): Promise<Pick<RouteCandidate, 'refusal' | 'leaving'>> {
    const { pool } = this.#options
    try {
      const kept = await pool.preview(modelId, {}, { keep })
      const { kind } = kept.verdict
      const { verdict } =
        kind === 'refused' || kind === 'waits' ? await pool.preview(modelId, {}, { keep: [] }) : kept
      if (verdict.kind === 'refused') return { refusal: verdict.problem.message, leaving: [] }
      const leaving = verdict.kind === 'evicts' || verdict.kind === 'waits' ? verdict.leaving : []
      return { refusal: null, leaving: leaving.map(({ name }) => name) }
    } catch (error) {
      return { refusal: toProblem(error).message, leaving: [] }
    }
  }

  /** The label that an answer was found by; else the one that its model answers, if that is one. */
  #labelOf(answer: Answer | undefined): string | null {
    if (!answer) return null
    if (answer.routing?.label != null) return answer.routing.label
    const labels = this.#options.library.get(answer.modelId)?.role?.labels ?? []
    return labels.length === 1 ? (labels[0]?.name ?? null) : null
  }
}

function chosenOf(turn: Turn): Answer | undefined {
  return turn.answers.find(({ id }) => id === turn.chosenAnswerId)
}

/** What of a path a model has not read or written yet, in characters; null: a model that has read nothing. */
function unreadCharacters(path: readonly Turn[], modelId: string | null): number {
  const last =
    modelId === null ? -1 : path.slice(0, -1).findLastIndex((turn) => chosenOf(turn)?.modelId === modelId)
  return path.slice(last + 1).reduce((sum, turn, index, unread) => {
    const answer = index < unread.length - 1 ? (chosenOf(turn)?.text.length ?? 0) : 0
    return sum + turn.text.length + answer
  }, 0)
}

function duration(ms: number): string {
  return ms < 1000 ? `${String(ms)} ms` : `${String(Math.round(ms / 100) / 10)} s`
}
