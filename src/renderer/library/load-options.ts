import type { LoadOptions } from '../../contract/model.ts'

/** Options to set, or with null to leave to their default again. */
export type OptionChanges = { readonly [Option in keyof LoadOptions]?: LoadOptions[Option] | null }

/** Load options after a change: only what is not left to its default. Pure. */
export function withOption(options: LoadOptions, changes: OptionChanges): LoadOptions {
  const kept = Object.entries({ ...options, ...changes }).filter(([, value]) => value !== null)
  return Object.fromEntries(kept)
}
