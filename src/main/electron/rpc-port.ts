import type { MessagePortMain, WebContents } from 'electron'
import { MessageChannelMain } from 'electron'
import { RPCHandler } from '@orpc/server/message-port'
import type { HostRouter } from '../host/procedures.ts'

/** Gives pages a port on which the contract is served; a page that loads anew gets a new one, and its old one ends. */
export function createRpcPorts(router: HostRouter): { serve(page: WebContents): void } {
  const handler = new RPCHandler(router)
  const ends = new WeakMap<WebContents, () => void>()
  return {
    serve(page) {
      ends.get(page)?.()
      const { port1, port2 } = new MessageChannelMain()
      const port = endablePort(port1)
      handler.upgrade(port)
      port1.start()
      ends.set(page, () => port.end())
      page.postMessage('plenum:port', null, [port2])
      page.once('destroyed', () => port.end())
    },
  }
}

/**
 * A port that tells its listeners of its end also when this side ends it. What the page was watching is let go
 * then, whether or not the page's process said that its end is gone.
 */
function endablePort(port: MessagePortMain) {
  const closing = new Set<(event?: { data: unknown }) => void>()
  function end(): void {
    port.close()
    for (const listener of closing) listener()
    closing.clear()
  }
  port.on('close', end)
  return {
    end,
    postMessage: (message: unknown) => {
      port.postMessage(message)
    },
    on(event: string, listener: (event?: { data: unknown }) => void) {
      if (event === 'close') closing.add(listener)
      else port.on('message', listener)
    },
  }
}
