import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects JavaScript garbage now. A process that has just loaded a model holds 20 to 60 MB of it, which nobody else can use and which
 * would be measured as the model's; with it collected the same load takes the same each time, within 2 MB.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  // Node sets `gc` in new contexts only when the flag came after its start.
  const collect: unknown = runInNewContext('globalThis.gc')
  // The last resort also gives back empty pages, which an ordinary collection keeps or leaves to other threads.
  if (isCollector(collect)) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/** V8 documents the options with the flag; absent where it was not taken. */
function isCollector(value: unknown): value is Collect {
  return typeof value === 'function'
}
