/** Writes values as text and back, as far as structured clone goes for messages of this app. */
export type Codec = {
  readonly pack: (value: unknown) => string
  readonly unpack: (text: string) => unknown
}

/** Makes the codec. Its source also runs in the page: it must not refer to anything outside of itself. */
export function makeCodec(): Codec {
  // What JSON lacks is an object with one key "$": its kind and its content.
  function encode(value: unknown): unknown {
    if (value === undefined) return { $: ['undefined'] }
    if (typeof value === 'bigint') return { $: ['bigint', String(value)] }
    if (typeof value === 'number') return Number.isFinite(value) ? value : { $: ['number', String(value)] }
    if (typeof value === 'function' || typeof value === 'symbol') {
      throw new Error(`An object could not be cloned: ${String(value).slice(0, 60)}`)
    }
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map(encode)
    if (value instanceof Date) return { $: ['date', value.getTime()] }
    if (value instanceof ArrayBuffer) return { $: ['buffer', Array.from(new Uint8Array(value))] }
    if (value instanceof Uint8Array) return { $: ['bytes', Array.from(value)] }
    const entries = Object.entries(value).map(([key, item]) => [key, encode(item)] as const)
    return '$' in value ? { $: ['object', entries] } : Object.fromEntries(entries)
  }
  function decode(value: unknown): unknown {
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map(decode)
    if (!('$' in value)) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]))
    }
    // Written by `encode`.
    const [kind, content] = value.$ as [string, never]
    switch (kind) {
      case 'bigint':
        return BigInt(content)
      case 'number':
        return Number(content)
      case 'date':
        return new Date(content)
      case 'buffer':
        return new Uint8Array(content as number[]).buffer
      case 'bytes':
        return new Uint8Array(content as number[])
      case 'object':
        return Object.fromEntries((content as [string, unknown][]).map(([key, item]) => [key, decode(item)]))
      default:
        return undefined
    }
  }
  return { pack: (value) => JSON.stringify(encode(value)), unpack: (text) => decode(JSON.parse(text)) }
}

/** The codec of this process. */
export const codec = makeCodec()
