import type { Codec } from './codec.ts'

/** What main tells a document. */
export type ToPage =
  | {
      readonly kind: 'event'
      readonly channel: string
      readonly args: readonly unknown[]
      readonly ports: readonly string[]
    }
  | { readonly kind: 'port'; readonly port: string; readonly data: unknown }

/** What a document tells main. */
export type FromPage =
  | { readonly kind: 'port'; readonly port: string; readonly data: unknown }
  | { readonly kind: 'preload-error'; readonly message: string }

/** The content of a call that waits for main: filled in while the page stops in the debugger. */
export type SyncBox = { readonly file: File; path?: string; problem?: string }

type PreloadScript = (require: (name: string) => unknown, module: object, exports: object) => void
type IpcListener = (event: { readonly ports: readonly MessagePort[] }, ...args: readonly unknown[]) => void

/**
 * What the sandboxed preload finds as 'electron', and the other end of what main says. Its source is run in every
 * document of a window before the document's own scripts: it must not refer to anything outside of itself.
 */
export function runInPage(makeCodec: () => Codec, preload: PreloadScript): void {
  if (window !== window.top) return
  const { pack, unpack } = makeCodec()
  // Added by main with Runtime.addBinding.
  const surface = window as unknown as Record<string | symbol, (text: string) => void>
  const post = surface['__electronStandIn']
  delete surface['__electronStandIn']
  const tell = (message: FromPage) => post?.(pack(message))

  const listeners = new Map<string, IpcListener[]>()
  const ports = new Map<string, MessagePort>()

  // A real channel, whose other end is pumped to main.
  function adopt(id: string): MessagePort {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = ({ data }) => tell({ kind: 'port', port: id, data })
    ports.set(id, port1)
    return port2
  }

  function receive(texts: readonly string[]): void {
    for (const text of texts) {
      // Main packs nothing else.
      const message = unpack(text) as ToPage
      try {
        if (message.kind === 'port') ports.get(message.port)?.postMessage(message.data)
        else {
          const event = { ports: message.ports.map(adopt) }
          for (const listener of listeners.get(message.channel) ?? []) listener(event, ...message.args)
        }
      } catch (error) {
        reportError(error)
      }
    }
  }
  Object.defineProperty(window, Symbol.for('electron-stand-in'), { value: receive })

  // Electron's call is synchronous, DevTools' is not: stop in the debugger until main has filled the box.
  function pathForFile(file: File): string {
    if (!(file instanceof File)) throw new TypeError('getPathForFile expected to receive a File object')
    const box: SyncBox = { file }
    ;(function electronStandInSync(box: SyncBox) {
      // eslint-disable-next-line no-debugger -- this is where main looks
      debugger
      return box
    })(box)
    if (box.path === undefined)
      throw new Error(`electron-stand-in: no path, ${box.problem ?? 'nobody answered'}`)
    return box.path
  }

  const electron = {
    ipcRenderer: {
      on: (channel: string, listener: IpcListener) =>
        listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
    },
    contextBridge: {
      exposeInMainWorld: (key: string, api: object) =>
        Object.defineProperty(window, key, { value: Object.freeze({ ...api }), enumerable: true }),
    },
    webUtils: { getPathForFile: pathForFile },
  }
  try {
    const module = { exports: {} }
    preload(
      (name) => {
        if (name === 'electron') return electron
        throw new Error(`module not found: ${name} (a sandboxed preload may only require electron)`)
      },
      module,
      module.exports,
    )
  } catch (error) {
    console.error(error)
    tell({ kind: 'preload-error', message: String(error) })
  }
}
