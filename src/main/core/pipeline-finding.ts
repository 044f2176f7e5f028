import type { PipelineFinding } from '../../contract/pipeline-report.ts'

/** Where in a file something is: keys and positions in lists. */
export type KeyPath = readonly (string | number)[]

/** A finding whose line is still to be looked up. */
export type UnplacedFinding = Omit<PipelineFinding, 'line' | 'column' | 'path'> & {
  readonly at: KeyPath
  /** Whether the key or its value is meant. Default: of an error the value. */
  readonly on?: 'key' | 'value'
}

/** "models[0].max_context". */
export function writePath(path: KeyPath): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
}
