import { EventEmitter } from 'node:events'
import { codec } from './codec.ts'

/** A port on its way to a page: the id of its channel. */
export type PortId = string

/** Says something to the page that has the other end of a channel. */
export type Tell = (message: { readonly kind: 'port'; readonly port: PortId; readonly data: unknown }) => void

type End = { deliver(data: unknown): void; disconnect(): void }

// Both ends of each open channel, by the channel's id.
const channels = new Map<PortId, [End, End]>()

/** One end of a channel, in main. */
export class MessagePortMain extends EventEmitter implements End {
  readonly id: PortId
  readonly #side: 0 | 1
  readonly #waiting: unknown[] = []
  #isStarted = false

  constructor(id: PortId, side: 0 | 1) {
    super()
    this.id = id
    this.#side = side
  }

  /** Lets messages in that came before. */
  start(): void {
    this.#isStarted = true
    for (const data of this.#waiting.splice(0)) this.emit('message', { data, ports: [] })
  }

  postMessage(data: unknown): void {
    channels.get(this.id)?.[this.#side === 0 ? 1 : 0].deliver(codec.unpack(codec.pack(data)))
  }

  close(): void {
    const ends = channels.get(this.id)
    channels.delete(this.id)
    for (const end of ends ?? []) end.disconnect()
  }

  deliver(data: unknown): void {
    if (this.#isStarted) this.emit('message', { data, ports: [] })
    else this.#waiting.push(data)
  }

  disconnect(): void {
    this.emit('close')
  }

  /** Moves this end to a page: what it has received and will receive is told there. */
  moveTo(tell: Tell): PortId {
    const ends = channels.get(this.id)
    if (!ends) throw new Error('electron-stand-in: a closed port was transferred')
    const { id } = this
    ends[this.#side] = {
      deliver: (data) => tell({ kind: 'port', port: id, data }),
      disconnect: () => undefined,
    }
    for (const data of this.#waiting.splice(0)) tell({ kind: 'port', port: id, data })
    return id
  }
}

/** A channel with both ends in main. */
export class MessageChannelMain {
  readonly port1: MessagePortMain
  readonly port2: MessagePortMain

  constructor() {
    const id = crypto.randomUUID()
    this.port1 = new MessagePortMain(id, 0)
    this.port2 = new MessagePortMain(id, 1)
    channels.set(id, [this.port1, this.port2])
  }
}

/** Delivers what a page said on its end (the second) of a channel. */
export function deliverFromPage(port: PortId, data: unknown): void {
  channels.get(port)?.[0].deliver(data)
}
