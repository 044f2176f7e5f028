import type { DatabaseSync } from 'node:sqlite'
import type { Settings } from '../../contract/settings.ts'
import type { Conversations } from './conversations.ts'
import type { Library } from './library.ts'
import type { Pool } from './pool.ts'
import { RouteLearning } from './route-learning.ts'
import { Routing } from './routing.ts'
import { RoutingExamples } from './routing-examples.ts'
import type { SettingsStore } from './settings.ts'
import { Verifying } from './verifying.ts'

/** What finds who answers, learns from what the user says of it, and reads answers. */
export type Auto = {
  readonly routing: Routing
  readonly learning: RouteLearning
  readonly verifying: Verifying
  readonly settings: () => Pick<Settings, 'verifiesAnswers' | 'repairerId'>
}

/** Auto over the host's own parts. */
export function createAuto({
  database,
  settings: store,
  ...parts
}: {
  readonly database: DatabaseSync
  readonly conversations: Conversations
  readonly pool: Pool
  readonly library: Library
  readonly settings: SettingsStore
  /** The text of an attachment. */
  readonly textOf: (attachmentId: string) => string
  /** Hears of errors that are defects of the app. */
  readonly onDefect: (error: unknown, path: readonly string[]) => void
}): Auto {
  const settings = () => store.get()
  const examples = new RoutingExamples(database)
  return {
    routing: new Routing({ ...parts, settings, examples }),
    learning: new RouteLearning({ ...parts, settings, examples }),
    verifying: new Verifying({ ...parts, settings }),
    settings,
  }
}
