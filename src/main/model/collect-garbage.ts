import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects JavaScript garbage now. A process that has just loaded a model holds 20 to 60 MB of it, which nobody else can use and which
 * would be measured as the model's.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  // Node sets `gc` in new contexts only when the flag came after its start.
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect === 'function') collect()
}
