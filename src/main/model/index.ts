import { implement } from '@orpc/server'
import { RPCHandler } from '@orpc/server/message-port'
import { backendContract, type OpenedContext } from '../../contract/backend.ts'
import { mapRpcErrors, toRpcError } from '../../contract/rpc-errors.ts'
import { Backend } from './backend.ts'
import type { ModelContext } from './context.ts'
import { pulse } from './pulse.ts'

/** The channel to the host, as oRPC wants to see it. */
interface Port {
  postMessage(message: unknown): void
  on(event: string, listener: (event?: { data: unknown }) => void): void
}

const backend = new Backend()
const os = implement(backendContract)

/** The calls of a model process. Each line is one call of the contract. */
const router = os.router({
  inspect: os.inspect.handler(async ({ input }) => {
    const { inspectModel } = await import('./inspect.ts')
    return inspectModel(input.paths, input)
  }),
  device: os.device.handler(async () => {
    const { describeDevice } = await import('./inspect.ts')
    return describeDevice()
  }),
  prepare: os.prepare.handler(async () => backend.prepare()),
  load: os.load.handler(({ input, signal }) => backend.load(input, signal)),
  openContext: os.openContext.handler(async ({ input, signal }) => {
    return describeOpened(await backend.model.openContext(input.contextId, { ...input, signal }))
  }),
  resizeContext: os.resizeContext.handler(async ({ input }) => {
    const context = backend.model.context(input.contextId)
    await context.resize(input.contextTokens, input)
    return describeOpened(context)
  }),
  save: os.save.handler(({ input }) => backend.model.context(input.contextId).save(input.path)),
  restore: os.restore.handler(({ input }) => backend.model.context(input.contextId).restore(input.path)),
  closeContext: os.closeContext.handler(async ({ input }) => {
    await backend.model.closeContext(input.contextId)
    return { usage: await backend.usage() }
  }),
  clearContext: os.clearContext.handler(async ({ input }) => backend.model.context(input.contextId).clear()),
  tokenize: os.tokenize.handler(({ input }) => ({ tokens: backend.model.countTokens(input.text) })),
  countPrompt: os.countPrompt.handler(({ input }) =>
    backend.model.countPrompt(input.contextId, input.messages),
  ),
  readPdf: os.readPdf.handler(async ({ input }) => {
    const { readPdf } = await import('./pdf-text.ts')
    return { pages: await readPdf(Buffer.from(input.data, 'base64')) }
  }),
  generate: os.generate.handler(({ input, signal }) =>
    backend.model.context(input.contextId).generate(input, signal),
  ),
  choose: os.choose.handler(({ input, signal }) =>
    backend.model.context(input.contextId).choose(input, signal),
  ),
  read: os.read.handler(({ input, signal }) =>
    backend.model.context(input.contextId).read(input.messages, signal),
  ),
  stop: os.stop.handler(({ input }) => backend.model.context(input.contextId).stop()),
  pause: os.pause.handler(({ input }) => backend.model.context(input.contextId).pause()),
  resume: os.resume.handler(({ input }) => backend.model.context(input.contextId).resume()),
  usage: os.usage.handler(async () => backend.usage()),
  pulse: os.pulse.handler(({ signal }) => pulse(signal)),
})

new RPCHandler(router, { clientInterceptors: [mapRpcErrors((error) => toRpcError(error))] }).upgrade(
  hostPort(),
  {
    context: {},
  },
)

async function describeOpened(context: ModelContext): Promise<OpenedContext> {
  const { contextTokens, allocated, stateFormat } = context
  return { contextTokens, allocated, stateFormat, usage: await backend.usage() }
}

/** The channel to the host: Electron's where this is a utility process, else Node's. */
function hostPort(): Port {
  // Set by Electron in a utility process, and unknown to Node's types.
  const { parentPort } = process as { parentPort?: Port }
  if (parentPort) return parentPort
  // A host that is gone takes its model processes with it.
  process.on('disconnect', () => process.exit())
  return {
    postMessage: (message) => process.send?.(message),
    on(event, listener) {
      if (event === 'message') process.on('message', (data) => listener({ data }))
    },
  }
}
