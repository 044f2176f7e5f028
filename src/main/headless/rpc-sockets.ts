import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { RPCHandler } from '@orpc/server/ws'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { MB } from '../../contract/bytes.ts'
import type { HostRouter } from '../host/procedures.ts'

/** The windows of the headless host: browsers on a WebSocket. Disposing of it ends them all. */
export interface RpcSockets extends Disposable {
  /** Takes a connection that asks to become a WebSocket. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** How often a browser is asked whether it is still there: a laptop that was closed says no goodbye. */
const heartbeatMs = 30_000

/** Serves the contract on WebSockets. */
export function createRpcSockets(router: HostRouter): RpcSockets {
  const handler = new RPCHandler(router)
  const server = new WebSocketServer({ noServer: true, maxPayload: 32 * MB })
  const silent = new WeakSet<WebSocket>()
  const heartbeat = setInterval(() => {
    for (const socket of server.clients) {
      if (silent.has(socket)) socket.terminate()
      else {
        silent.add(socket)
        socket.ping()
      }
    }
  }, heartbeatMs)
  heartbeat.unref()

  return {
    accept(request, stream, head) {
      server.handleUpgrade(request, stream, head, (socket) => {
        socket.on('pong', () => void silent.delete(socket))
        // A broken connection closes, and the close is what matters.
        socket.on('error', () => undefined)
        void handler.upgrade(socket)
      })
    },
    [Symbol.dispose]() {
      clearInterval(heartbeat)
      for (const socket of server.clients) {
        socket.close(1001, 'Plenum ends')
        socket.terminate()
      }
      server.close()
    },
  }
}
