import type { ContractProcedure } from '@orpc/contract'
import { implement, type Procedure } from '@orpc/server'
import { askingOf } from '../../contract/asking.ts'
import type { DatabaseSync } from 'node:sqlite'
import { contract, statuses, type HostInfo } from '../../contract/contract.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import { mapRpcErrors, toRpcError } from '../../contract/rpc-errors.ts'
import type { Attachments } from './attachments.ts'
import type { ConversationFiles } from './conversation-files.ts'
import type { Conversations } from './conversations.ts'
import { browse, saveText } from './files.ts'
import { findPlaces } from './find.ts'
import type { Library } from './library.ts'
import type { Pipelines } from './pipelines.ts'
import type { Pool } from './pool.ts'
import type { RouteLearning } from './route-learning.ts'
import { search } from './search.ts'
import type { SettingsStore } from './settings.ts'
import type { TurnCosts } from './turn-cost.ts'
import type { Turns } from './turns.ts'
import { watchState } from './frames.ts'

/** What the contract's procedures call. */
export type Procedures = {
  readonly info: HostInfo
  readonly home: string
  readonly pool: Pool
  readonly pipelines: Pipelines
  readonly library: Library
  readonly conversations: Conversations
  readonly files: ConversationFiles
  readonly turns: Turns
  readonly learning: RouteLearning
  readonly attachments: Attachments
  readonly costs: TurnCosts
  readonly settings: SettingsStore
  readonly database: DatabaseSync
  /** Opens the system's dialogs; absent where there are none. */
  readonly dialogs?: Dialogs | undefined
  /** Hears of errors that are defects of the app. */
  readonly onDefect: (error: unknown, path: readonly string[]) => void
}

/** The system's own file dialogs. */
export type Dialogs = {
  /** The chosen paths; empty when it was closed. */
  readonly chooseFiles: (kind: 'gguf' | 'folder') => Promise<string[]>
  /** Where to save a file, for which a name is proposed; null when it was closed. */
  readonly chooseSavePath: (name: string) => Promise<string | null>
}

/** The contract, implemented: each call is one function of the host. Both shells serve this router. */
export function createRouter(host: Procedures): HostRouter {
  const { info, pool, pipelines, library, conversations, files, turns, learning, attachments } = host
  const { costs, settings } = host
  const os = implement(contract).use(async ({ next, path, signal }, _input, output) => {
    const mapErrors = mapRpcErrors((error) => {
      // The caller has gone: nobody to tell, and nothing is wrong.
      if (signal?.aborted) return error
      // What was still under way at the end finds nothing to read or write.
      if (!host.database.isOpen)
        return toRpcError(new AppError('INTERNAL', 'Cannot do that: the app is ending'), statuses)
      const mapped = toRpcError(error, statuses)
      if (mapped.code === 'INTERNAL') host.onDefect(error, path)
      return mapped
    })
    return output(await mapErrors({ next: async () => (await next()).output }))
  })

  return os.router({
    host: {
      info: os.host.info.handler(() => info),
    },
    pool: {
      get: os.pool.get.handler(() => pool.measureAndSnapshot()),
      watch: os.pool.watch.handler(({ signal }) => pool.watch(signal)),
      consolidate: os.pool.consolidate.handler(() => pool.consolidate()),
      restore: os.pool.restore.handler(({ input }) => pool.restore(input)),
    },
    models: {
      list: os.models.list.handler(() => library.list()),
      watch: os.models.watch.handler(({ signal }) =>
        watchState({
          read: () => library.list(),
          subscribe: (listener) => library.onChange(listener),
          signal,
        }),
      ),
      add: os.models.add.handler(({ input, signal }) => library.add(input.path, { signal })),
      remove: os.models.remove.handler(({ input }) => pool.removeModel(input.id)),
      update: os.models.update.handler(({ input: { id, ...changes } }) => library.update(id, changes)),
      preview: os.models.preview.handler(({ input: { id, reload = false, ...options } }) =>
        pool.preview(id, options, { isReload: reload }),
      ),
      load: os.models.load.handler(({ input, signal }) =>
        pool.load(input.id, { options: input.options, signal }),
      ),
      unload: os.models.unload.handler(({ input }) => pool.unload(input.id, { force: input.force ?? false })),
      pin: os.models.pin.handler(({ input }) => pool.setPinned(input.id, true)),
      history: os.models.history.handler(({ input }) => pool.history(input.id)),
      unpin: os.models.unpin.handler(({ input }) => pool.setPinned(input.id, false)),
    },
    pipelines: {
      check: os.pipelines.check.handler(({ input, signal }) => pipelines.check(input, signal)),
      load: os.pipelines.load.handler(({ input, signal }) => pipelines.load(input, signal)),
      write: os.pipelines.write.handler(() => pipelines.write()),
    },
    files: {
      choose: os.files.choose.handler(({ input }) => {
        return dialogsOf(host).chooseFiles(input.kind)
      }),
      save: os.files.save.handler(async ({ input: { name, text } }) => {
        const file = await dialogsOf(host).chooseSavePath(name)
        if (file !== null) await saveText(file, text)
        return file
      }),
      browse: os.files.browse.handler(({ input }) =>
        browse(input.path, { home: host.home, modelsFolder: info.modelsFolder }),
      ),
    },
    conversations: {
      list: os.conversations.list.handler(() => conversations.list()),
      watchList: os.conversations.watchList.handler(({ signal }) => conversations.watchList(signal)),
      create: os.conversations.create.handler(({ input }) => {
        const { presets, defaultPresetId } = settings.get()
        const preset = presets.find(({ id }) => id === defaultPresetId)
        return conversations.create({ ...input, asking: input.asking ?? (preset && askingOf(preset)) })
      }),
      get: os.conversations.get.handler(({ input }) => conversations.get(input.id)),
      watch: os.conversations.watch.handler(({ input: { id, lastTurns }, signal }) =>
        conversations.watch(id, { signal, lastTurns }),
      ),
      update: os.conversations.update.handler(({ input: { id, ...changes } }) =>
        conversations.update(id, changes),
      ),
      setAsking: os.conversations.setAsking.handler(({ input: { id, ...changes } }) =>
        conversations.setAsking(id, changes),
      ),
      delete: os.conversations.delete.handler(({ input }) => turns.deleteConversation(input.id)),
      restore: os.conversations.restore.handler(({ input }) => conversations.restore(input.id)),
      search: os.conversations.search.handler(({ input }) => search(host.database, input)),
      find: os.conversations.find.handler(({ input }) =>
        findPlaces(conversations.get(input.id).turns, { ...input, textOf: (id) => attachments.text(id) }),
      ),
      export: os.conversations.export.handler(({ input }) => files.export(input.id, input.format)),
      exportAll: os.conversations.exportAll.handler(() => files.exportAll()),
      import: os.conversations.import.handler(({ input, signal }) => files.import(input, signal)),
      importPart: os.conversations.importPart.handler(({ input }) => files.importPart(input)),
      importEnd: os.conversations.importEnd.handler(({ input, signal }) =>
        files.importEnd(input.importId, signal),
      ),
      deleteMany: os.conversations.deleteMany.handler(({ input }) => turns.deleteConversations(input.ids)),
      restoreMany: os.conversations.restoreMany.handler(({ input }) => conversations.restoreMany(input.ids)),
    },
    turns: {
      send: os.turns.send.handler(({ input }) => turns.send(input)),
      ask: os.turns.ask.handler(({ input: { id, stream, ...turn }, signal }) => {
        const question = { conversationId: id, ...turn }
        return stream ? turns.askStreaming(question, signal) : turns.ask(question, signal)
      }),
      cost: os.turns.cost.handler(({ input, signal }) => costs.cost(input, signal)),
      retry: os.turns.retry.handler(({ input }) => turns.retry(input)),
      edit: os.turns.edit.handler(({ input }) => turns.edit(input)),
      continue: os.turns.continue.handler(({ input }) => turns.continue(input.answerId)),
      overrule: os.turns.overrule.handler(({ input }) => turns.overrule(input)),
      check: os.turns.check.handler(({ input }) => turns.check(input.answerId)),
      editAnswer: os.turns.editAnswer.handler(({ input }) => turns.editAnswer(input.answerId, input.text)),
      show: os.turns.show.handler(({ input }) => turns.show(input.turnId, input.answerId)),
      branch: os.turns.branch.handler(({ input }) => turns.branch(input.turnId)),
      delete: os.turns.delete.handler(({ input }) => turns.deleteTurn(input.turnId)),
      restore: os.turns.restore.handler(({ input }) => turns.restoreTurn(input.turnId)),
      stop: os.turns.stop.handler(({ input }) => turns.stop(input.turnId, input)),
      plan: os.turns.plan.handler(({ input }) => pool.planTurn(input.modelIds)),
    },
    routing: {
      examples: os.routing.examples.handler(() => learning.examples()),
      remember: os.routing.remember.handler(({ input }) => learning.remember(input.answerId)),
      forget: os.routing.forget.handler(({ input }) => learning.forget(input.id)),
    },
    attachments: {
      add: os.attachments.add.handler(({ input, signal }) => attachments.add(input, signal)),
      text: os.attachments.text.handler(({ input }) => ({ text: attachments.text(input.id) })),
      cut: os.attachments.cut.handler(({ input }) => costs.cut(input)),
      remove: os.attachments.remove.handler(({ input }) => attachments.remove(input.id)),
    },
    settings: {
      get: os.settings.get.handler(() => settings.get()),
      watch: os.settings.watch.handler(({ signal }) =>
        watchState({
          read: () => settings.get(),
          subscribe: (listener) => settings.onChange(listener),
          signal,
        }),
      ),
      set: os.settings.set.handler(({ input }) => pool.changeSettings(input)),
    },
  })
}

function dialogsOf({ dialogs }: Procedures): Dialogs {
  if (dialogs) return dialogs
  throw new AppError('NOT_SUPPORTED', 'Cannot open a file dialog: this host has no screen of its own')
}

/** The router that both shells serve. */
export type HostRouter = Implemented<typeof contract>

// eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- what `implement` begins with
type NoContext = Record<never, never>

/** Written out: what TypeScript infers of the whole router is longer than it can write down. */
type Implemented<Contract> =
  Contract extends ContractProcedure<infer Input, infer Output, infer Errors, infer Meta>
    ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what lies between is nobody else's business
      Procedure<NoContext, any, Input, Output, Errors, Meta>
    : { [Name in keyof Contract]: Implemented<Contract[Name]> }

/** Tells the log of a defect: one line, and where it happened. */
export function logDefect(error: unknown, path: readonly string[]): void {
  const stack = error instanceof Error ? error.stack : undefined
  process.stderr.write(`${path.join('.')}: ${stack ?? toProblem(error).message}\n`)
}
