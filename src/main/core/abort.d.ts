/**
 * Cancellation as every host of this code has it (browsers, Node, Electron). Core is compiled without the DOM's and
 * Node's types, so that no I/O can creep in; these two are the only globals beside the language that it uses.
 */
interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
