import { readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { AppError } from '../../contract/errors.ts'
import { defaultDataFolder, lockDataFolder } from '../host/data-folder.ts'
import { createHost } from '../host/host.ts'
import { startNodeChild } from '../host/node-starter.ts'
import { isLoopback } from './addresses.ts'
import { checkFile } from './check.ts'
import { headlessHelp, keptToken, parseCheckFlags, parseHeadlessFlags } from './flags.ts'
import type { CheckFlags, HeadlessFlags } from './flags.ts'
import { startServer } from './server.ts'
import { removeBrokenUploads } from './upload.ts'

/** How long the host may take to end its models before the process ends without waiting. */
const endLimitMs = 10_000

// Built, this file is out/main/headless.js: beside the model program, one folder above the page.
const programFolder = import.meta.dirname
const rootFolder = path.join(programFolder, '..', '..')

/** Runs the host until it is told to end. */
async function run(flags: HeadlessFlags): Promise<void> {
  await using resources = new AsyncDisposableStack()
  const version = readVersion()
  const dataFolder = flags.dataFolder ?? defaultDataFolder()
  resources.use(lockDataFolder(dataFolder))
  const modelsFolder = flags.modelsFolder ?? path.join(dataFolder, 'models')
  const ended = endSignal()
  const host = resources.use(
    await createHost({
      ...flags,
      kind: 'headless',
      version,
      dataFolder,
      modelsFolder,
      demoFolder: path.join(rootFolder, 'resources', 'demo-models'),
      startChild: startNodeChild,
      modelProgram: path.join(programFolder, 'model.js'),
    }),
  )
  // In the own data folder nobody else can be sending one.
  await removeBrokenUploads(modelsFolder, flags.modelsFolder === undefined ? { olderThanMs: 0 } : {})
  const server = resources.use(
    await startServer({
      ...flags,
      router: host.router,
      version,
      pageFolder: path.join(programFolder, '..', 'renderer'),
      modelsFolder,
      token: tokenOf(flags, dataFolder),
    }),
  )
  if (!isLoopback(flags.host)) {
    process.stderr.write('Other machines can reach this host, and what they send and read is not encrypted\n')
  }
  process.stdout.write(`Plenum is ready at ${server.url}\n`)
  await ended
  // Nothing that hangs while it ends keeps the process alive.
  setTimeout(() => process.exit(1), endLimitMs).unref()
}

/** Prints what a pipeline file comes to; the exit status. */
async function check(flags: CheckFlags): Promise<number> {
  const modelProgram = path.join(programFolder, 'model.js')
  const { text, isFit } = await checkFile(flags, { modelProgram })
  process.stdout.write(text)
  return isFit ? 0 : 1
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(rootFolder, 'package.json'), 'utf8'))
  return z.object({ version: z.string() }).parse(manifest).version
}

function tokenOf(flags: HeadlessFlags, dataFolder: string): string | null {
  switch (flags.token.kind) {
    case 'none':
      return null
    case 'given':
      return flags.token.token
    case 'kept':
      return keptToken(dataFolder)
    default:
      return flags.token satisfies never
  }
}

/** Ends at the first SIGINT or SIGTERM; a second one ends the process there and then. */
function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
    }
  })
}

try {
  const [command, ...rest] = process.argv.slice(2)
  if (command === 'check') {
    const flags = parseCheckFlags(rest)
    if (flags === null) process.stdout.write(headlessHelp)
    else process.exitCode = await check(flags)
  } else {
    const flags = parseHeadlessFlags(process.argv.slice(2))
    if (flags === null) process.stdout.write(headlessHelp)
    else await run(flags)
  }
} catch (error) {
  if (!(error instanceof AppError)) throw error
  process.stderr.write(`${[error.message, error.details.help].filter(Boolean).join('. ')}\n`)
  process.exitCode = 1
}
