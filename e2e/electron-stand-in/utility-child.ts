// The inside of a utility process: process.parentPort over the channel of a forked Node process.
import { EventEmitter } from 'node:events'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const [, , electronVersion, file] = process.argv
if (file === undefined) throw new Error('electron-stand-in: a utility process needs a program')
Object.defineProperty(process.versions, 'electron', { value: electronVersion, enumerable: true })
Object.assign(process, { type: 'utility' })
process.argv.splice(1, 2)

// Messages that come before anybody listens wait, as they do in Electron.
class ParentPort extends EventEmitter {
  readonly #waiting: unknown[] = []

  constructor() {
    super()
    this.on('newListener', (event) => {
      if (event === 'message') {
        setImmediate(() => {
          for (const data of this.#waiting.splice(0)) this.emit('message', { data, ports: [] })
        })
      }
    })
  }

  receive(data: unknown): void {
    if (this.listenerCount('message') > 0 && this.#waiting.length === 0)
      this.emit('message', { data, ports: [] })
    else this.#waiting.push(data)
  }

  postMessage(data: unknown): void {
    process.send?.({ data })
  }
}

const parentPort = new ParentPort()
Object.assign(process, { parentPort })
process.on('message', (message: { readonly data: unknown }) => parentPort.receive(message.data))
process.on('disconnect', () => process.exit(0))

await import(pathToFileURL(file).href)
