import { mkdir } from 'node:fs/promises'
import { availableParallelism, homedir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { HostInfo } from '../../contract/contract.ts'
import { pipelineSchemaName } from '../../contract/pipeline.ts'
import type { Settings } from '../../contract/settings.ts'
import { Attachments } from './attachments.ts'
import { createAuto } from './auto.ts'
import { limitDevice } from './device-memory.ts'
import { ConversationFiles } from './conversation-files.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { Library } from './library.ts'
import { readMachineMemory } from './machine-memory.ts'
import { Parking } from './parking.ts'
import { schemaFileBeside } from './pipeline-write.ts'
import { Pipelines } from './pipelines.ts'
import { Pool, type PoolOptions } from './pool.ts'
import { hasAmx, processorName } from './processor.ts'
import { createProbe, type Device, type Probe } from './probe.ts'
import { createRouter, logDefect, type Dialogs, type HostRouter } from './procedures.ts'
import { readMemo, SettingsStore, writeMemo } from './settings.ts'
import type { StartChild } from './starter.ts'
import { Tokenizers } from './tokenizers.ts'
import { TurnCosts } from './turn-cost.ts'
import { Turns } from './turns.ts'
import { Warming } from './warming.ts'

const dayMs = 24 * 3_600_000

/** What a shell gives to its host. */
export type HostOptions = {
  readonly kind: HostInfo['kind']
  readonly version: string
  /** Holds the database; made when it is not there. The shell has locked it. */
  readonly dataFolder: string
  /** Where uploaded models go; default `models` in the data folder. */
  readonly modelsFolder?: string
  readonly demoFolder: string
  readonly startChild: StartChild
  /** The program of model processes and the probe: `out/main/model.js`, or its source. */
  readonly modelProgram: string
  /** These go before the settings. */
  readonly poolSizeBytes?: number
  readonly reserveBytes?: number
  readonly threads?: number
  /** `cpu` leaves a GPU alone. */
  readonly device?: 'auto' | 'cpu'
  /** Opens the system's file dialogs; absent where there are none. */
  readonly dialogs?: Dialogs
  /** How long nothing must have happened before a spare model process is started. Default 5 s. */
  readonly spareQuietMs?: number
  /** How long nobody must have answered before other residents read what was said. Default 1 s. */
  readonly warmingQuietMs?: number
  /** Default: the user's. Other apps' models are looked for in it. */
  readonly home?: string
}

/** A running host. Disposing it stops answers, unloads models and closes the database, in this order. */
export interface Host extends AsyncDisposable {
  /** Implements the contract; to be served over a MessagePort, a WebSocket or REST. */
  readonly router: HostRouter
  readonly pool: Pool
  readonly settings: SettingsStore
}

/** Starts a host. Its router can be used at once; models load in the background. Throws when the database cannot be opened. */
export async function createHost(options: HostOptions): Promise<Host> {
  await using resources = new AsyncDisposableStack()
  const { dataFolder, demoFolder, startChild: start, modelProgram: file, home = homedir() } = options
  const modelsFolder = options.modelsFolder ?? path.join(dataFolder, 'models')
  await mkdir(modelsFolder, { recursive: true })
  const env = options.device === undefined ? {} : { PLENUM_DEVICE: options.device }

  const database = resources.adopt(openDatabase(path.join(dataFolder, 'plenum.db')), closeDatabase)
  // What was on its way when the host ended finds everything closed; that is no defect.
  const onDefect = (error: unknown, at: readonly string[]) => {
    if (database.isOpen) logDefect(error, at)
  }
  const settings = new SettingsStore(database)
  const probe = resources.use(createProbe({ start, file, env }))
  const attachments = new Attachments(database, { probe })
  const conversations = resources.use(
    new Conversations(database, { onDefect: (error) => onDefect(error, ['conversations']), attachments }),
  )
  const files = resources.use(new ConversationFiles({ database, conversations }))
  const { totalBytes } = await readMachineMemory()
  const library = resources.use(
    new Library({
      ...{ database, probe, demoFolder, modelsFolder, home },
      settings: () => settings.get(),
      onDefect: (error) => onDefect(error, ['library']),
    }),
  )
  let folders = foldersOf(settings.get())
  settings.onChange((changed) => {
    if (folders === (folders = foldersOf(changed))) return
    void library.rescan()
  })
  const parking = new Parking({
    database,
    folder: path.join(dataFolder, 'parked'),
    limits: () => {
      const { parking: isOn, parkingBudgetBytes: budgetBytes } = settings.get()
      return { isOn, budgetBytes }
    },
  })
  const pool = resources.use(
    new Pool({
      database,
      settings,
      library,
      parking,
      machine: { name: processorName(), totalBytes },
      hasAmx: hasAmx(),
      device: findDevice(probe, { database, wanted: options.device, systemBytes: totalBytes, onDefect }),
      readMachine: readMachineMemory,
      startChild: start,
      modelProgram: file,
      childEnv: env,
      cores: availableParallelism(),
      fixed: options,
      spareQuietMs: options.spareQuietMs,
      onDefect,
    }),
  )
  const textOf = (id: string) => attachments.text(id)
  const auto = createAuto({ database, conversations, pool, library, settings, textOf, onDefect })
  const warming = resources.use(
    new Warming({
      ...{ pool, conversations, quietMs: options.warmingQuietMs, onDefect },
      textOf,
      isOn: () => settings.get().warming,
    }),
  )
  const turns = resources.use(
    new Turns({
      ...{ conversations, pool, textOf, auto },
      slides: () => settings.get().contextFull === 'slide',
      stopsRepetition: () => settings.get().earlyStopping,
      onQuiet: (conversationId) => warming.want(conversationId),
      onDefect,
    }),
  )
  const purge = (olderThanMs: number) =>
    void turns.purgeDeleted(olderThanMs).catch((error: unknown) => onDefect(error, ['conversations']))
  // Nobody can ask any more for what an earlier run has deleted.
  purge(0)
  resources.adopt(
    setInterval(() => purge(dayMs), dayMs / 24),
    clearInterval,
  )

  const tokenizers = resources.use(new Tokenizers({ start, program: file }))
  const keepTokenizers = () => tokenizers.keepOnly((modelId) => pool.needsTokenizer(modelId))
  library.onChange(keepTokenizers)
  pool.onChange(keepTokenizers)
  const costs = new TurnCosts({
    ...{ conversations, attachments, tokenizers },
    model: (modelId) => pool.readingModel(modelId),
  })

  const pipelines = new Pipelines({
    ...{ pool, library, settings, probe, home, modelsFolder },
    schemaFile: schemaFileBeside(demoFolder, pipelineSchemaName),
  })

  const router = createRouter({
    info: {
      version: options.version,
      kind: options.kind,
      platform: process.platform,
      canChooseFiles: options.dialogs !== undefined,
      modelsFolder,
    },
    ...{
      home,
      pool,
      pipelines,
      library,
      conversations,
      files,
      turns,
      attachments,
      costs,
      settings,
      database,
    },
    learning: auto.learning,
    dialogs: options.dialogs,
    onDefect,
  })
  pool.start()
  const owned = resources.move()
  return { router, pool, settings, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What the settings say about where models are looked for. */
function foldersOf({ modelFolders, findOtherApps }: Settings): string {
  return JSON.stringify([modelFolders, findOtherApps])
}

const cpu: Device = { name: 'CPU', totalBytes: 0, isUnified: true }
const deviceSchema = z.object({
  name: z.string(),
  totalBytes: z.number(),
  isUnified: z.boolean(),
  runtimeBytes: z.number().optional(),
})

/** Asks the probe for the device, which takes seconds where a GPU is looked for; until then it is taken to be the one of last time. */
function findDevice(
  probe: Probe,
  {
    database,
    wanted,
    systemBytes,
    onDefect,
  }: {
    readonly database: DatabaseSync
    readonly wanted: HostOptions['device']
    readonly systemBytes: number
    readonly onDefect: typeof logDefect
  },
): PoolOptions['device'] {
  const memo = wanted === 'cpu' ? 'device.cpu' : 'device'
  const remembered = deviceSchema.safeParse(readMemo(database, memo)).data
  const ask = async () => {
    try {
      const device = await limitDevice(await probe.device(), systemBytes)
      if (database.isOpen) writeMemo(database, memo, device)
      return device
    } catch (error) {
      // A driver that takes its process down must not take the app with it: models can do without.
      onDefect(error, ['device'])
      return cpu
    }
  }
  const likely = remembered ?? cpu
  if (wanted !== 'cpu') return { likely, found: ask() }
  // It is known, but for what its process costs: that is asked once, and nobody waits for it.
  return { likely, found: Promise.resolve(likely), ...(!remembered && { measured: ask() }) }
}

/** Writes everything into the one file, so that a copy of it is whole. */
function closeDatabase(database: DatabaseSync): void {
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}
