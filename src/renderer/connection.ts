import type { ContractRouterClient } from '@orpc/contract'
import { createORPCClient } from '@orpc/client'
import { RPCLink as MessagePortLink } from '@orpc/client/message-port'
import { RPCLink as WebSocketLink } from '@orpc/client/websocket'
import type { contract } from '../contract/contract.ts'

/** The host, as the page calls it. */
export type Client = ContractRouterClient<typeof contract>

declare global {
  interface Window {
    /** Only in the desktop app: given by the preload script. */
    readonly plenum?: { readonly pathForFile: (file: File) => string }
  }
}

/** Whether the page runs in the desktop app (else in a browser, on the headless host). */
export function isDesktop(): boolean {
  return window.plenum !== undefined
}

/** A connection to the host: its client, and a promise that ends when it is lost. */
export type Connection = { readonly client: Client; readonly lost: Promise<void> }

/** Connects once: over the port that the desktop's preload hands out, or over a WebSocket to the host that served the page. */
export async function connect(): Promise<Connection> {
  return isDesktop() ? connectByPort() : connectBySocket()
}

async function connectByPort(): Promise<Connection> {
  const port = await waitingPort()
  port.start()
  const client: Client = createORPCClient(new MessagePortLink({ port }))
  const lost = new Promise<void>((resolve) => port.addEventListener('close', () => resolve()))
  return { client, lost }
}

// The port may arrive before anybody asks for it: main posts it as soon as the page has loaded.
const arrivedPorts: MessagePort[] = []
const portWaiters: ((port: MessagePort) => void)[] = []
window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const [port] = event.ports
  if (event.source !== window || event.data !== 'plenum:port' || !port) return
  const waiter = portWaiters.shift()
  if (waiter) waiter(port)
  else arrivedPorts.push(port)
})

function waitingPort(): Promise<MessagePort> {
  const port = arrivedPorts.shift()
  return port ? Promise.resolve(port) : new Promise((resolve) => portWaiters.push(resolve))
}

async function connectBySocket(): Promise<Connection> {
  const url = new URL('rpc', document.baseURI)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const websocket = new WebSocket(url)
  await new Promise<void>((resolve, reject) => {
    websocket.addEventListener('open', () => resolve())
    websocket.addEventListener('error', () => reject(new Error(`Cannot reach the host at ${url.host}`)))
  })
  const client: Client = createORPCClient(new WebSocketLink({ websocket }))
  // After the link's own listener: whoever stops watching because of it must find the link closed, not try to say so.
  const lost = new Promise<void>((resolve) => websocket.addEventListener('close', () => resolve()))
  return { client, lost }
}
