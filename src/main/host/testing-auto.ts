import { onTestFinished } from 'vitest'
import type { Answer } from '../../contract/conversation.ts'
import { AppError } from '../../contract/errors.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import type { ModelRole } from '../../contract/routing.ts'
import { settingsSchema, type SettingsChanges } from '../../contract/settings.ts'
import type { ChatMessage } from '../../contract/backend.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { RouteLearning } from './route-learning.ts'
import { Routing, type RoutingPool } from './routing.ts'
import { RoutingExamples } from './routing-examples.ts'
import type { AcquireForTurn, TurnPool } from './turn-pool.ts'
import { Turns } from './turns.ts'
import { Verifying } from './verifying.ts'

/** What a fake model does when it is asked; each of them may wait, or throw. */
export type FakeModel = {
  readonly role?: ModelRole
  isResident?: boolean
  verdict?: LoadPreview['verdict']
  acquire?: (options: AcquireForTurn) => Promise<void>
  choose?: (
    messages: readonly ChatMessage[],
    options: readonly string[],
    signal: AbortSignal,
  ) => Promise<number[]>
  write?: (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<string>
}

/** Ends when something holds; a test whose condition never comes runs into its limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** A role of labels, with these duties. */
export function roleOf(labels: readonly string[], duties: Partial<ModelRole> = {}): ModelRole {
  return { labels: labels.map((name) => ({ name })), routes: false, verifies: false, ...duties }
}

/** Turns over a real database, with Auto and checks, and models that the test plays. Guide, Coder and Judge are there as in the demo set. */
export function newAutoTurns(changes: Record<string, Partial<FakeModel>> = {}) {
  const models: Record<string, FakeModel> = {
    guide: { role: roleOf(['chat', 'math']), isResident: true, ...changes['guide'] },
    coder: { role: roleOf(['code']), isResident: true, ...changes['coder'] },
    judge: { role: roleOf([], { routes: true, verifies: true }), isResident: true, ...changes['judge'] },
  }
  let settings = settingsSchema.parse({})
  const database = openDatabase(':memory:')
  const conversations = new Conversations(database)
  const log: string[] = []
  const kept: (readonly string[] | undefined)[] = []
  const nameOf = (id: string) => `${id.charAt(0).toUpperCase()}${id.slice(1)}`
  const entry = (id: string): LibraryModel => ({
    ...{ id, name: nameOf(id), paths: [], fileBytes: 1, source: 'added', projectorPath: null, pinned: false },
    ...{ colour: 0, loadOptions: {}, addedAt: 0, role: models[id]?.role },
    // Facts are nobody's business here.
    file: { kind: 'usable' } as LibraryModel['file'],
  })
  const library = {
    list: () => Object.keys(models).map(entry),
    get: (id: string) => (models[id] ? entry(id) : undefined),
  }
  const pool: TurnPool & RoutingPool = {
    model(id) {
      if (!models[id]) throw new AppError('NOT_FOUND', `There is no model "${id}"`)
      return { id, name: nameOf(id) }
    },
    isResident: (id) => models[id]?.isResident === true,
    residentIds: () => Object.keys(models).filter((id) => models[id]?.isResident),
    readingModel: () => ({ contextTokens: 1024 }),
    speeds: () => ({ loadSeconds: null, readTokensPerSecond: null, writing: null }),
    preview: (id) => Promise.resolve({ verdict: models[id]?.verdict ?? { kind: 'fits' } }),
    load: (id) => {
      log.push(`load ${id}`)
      return Promise.resolve()
    },
    forget: () => undefined,
    async acquire(id, options) {
      kept.push(options.keep?.modelIds)
      await models[id]?.acquire?.(options)
      options.signal.throwIfAborted()
      log.push(`take ${id}`)
      return {
        async choose(_conversation, messages, choices, { signal }) {
          const even = choices.map(() => 1 / choices.length)
          const probabilities = (await models[id]?.choose?.(messages, choices, signal)) ?? even
          signal.throwIfAborted()
          return { probabilities, coveredShare: 1, promptTokens: 1, reusedTokens: 0, ms: 1, usedTokens: 1 }
        },
        async *generate(_conversation, messages, { signal }) {
          const text = (await models[id]?.write?.(messages, signal)) ?? `${nameOf(id)} answers`
          yield { kind: 'text', text, generatedTokens: 1 }
          const stopReason = signal.aborted ? 'stopped' : 'end'
          const tokens = { promptTokens: 1, reusedTokens: 0, generatedTokens: 1, usedTokens: 2 }
          yield { kind: 'done', stopReason, ...tokens, timeToFirstTokenMs: 1, tokensPerSecond: null }
        },
        [Symbol.dispose]: () => log.push(`free ${id}`),
      }
    },
  }
  const examples = new RoutingExamples(database)
  const shared = { conversations, library, settings: () => settings, examples, pool }
  const onDefect = (error: unknown) => {
    throw error
  }
  const auto = {
    routing: new Routing({ ...shared, onDefect }),
    learning: new RouteLearning(shared),
    verifying: new Verifying({ ...shared, textOf: () => '' }),
    settings: () => settings,
  }
  const turns = new Turns({ conversations, pool, slides: () => true, onDefect, auto })
  onTestFinished(async () => {
    await turns[Symbol.asyncDispose]()
    conversations[Symbol.dispose]()
    database.close()
  })
  const { id } = conversations.create({ asking: { isAuto: true } })
  return {
    ...{ id, models, conversations, turns, log, kept, examples, database, learning: auto.learning },
    set: (more: SettingsChanges) => (settings = settingsSchema.parse({ ...settings, ...more })),
    answers: (): Answer[] => conversations.get(id).turns.at(-1)?.answers ?? [],
  }
}
