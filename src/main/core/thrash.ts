import { formatBytes } from '../../contract/bytes.ts'
import type { Thrash } from '../../contract/memory.ts'

/** A model that had to leave for another one. */
export type Switch = {
  readonly modelId: string
  readonly name: string
  /** What coming back reads, and how long it took last time. */
  readonly weightBytes: number
  readonly reloadMs: number | null
  /** What it has taken in memory. */
  readonly bytes: number
  readonly at: number
}

/** Models that had to leave again and again within this time take turns in memory. */
export const thrashWindowMs = 10 * 60_000
/** So often each. */
const fewestSwitches = 2

/** Models that take turns in memory because they do not fit in together; null when there are none. Pure; newest switch last. */
export function findThrash(switches: readonly Switch[], now: number): Thrash | null {
  const recent = switches.filter(({ at }) => now - at <= thrashWindowMs)
  const models = [...Map.groupBy(recent, ({ modelId }) => modelId).values()]
    .filter((each) => each.length >= fewestSwitches)
    .flatMap((each) => each.slice(-1))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  if (models.length < 2) return null
  const reloadBytes = Math.max(...models.map(({ weightBytes }) => weightBytes))
  const times = models.flatMap(({ reloadMs }) => reloadMs ?? [])
  const reloadMs = times.length > 0 ? Math.max(...times) : null
  const names = models.map(({ name }) => `"${name}"`)
  const listed = `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
  const isAlike = models.every(({ weightBytes }) => formatBytes(weightBytes) === formatBytes(reloadBytes))
  const takes = reloadMs === null ? '' : ` and takes about ${(reloadMs / 1000).toFixed(1)} s`
  return {
    models: models.map(({ modelId, name, bytes }) => ({ modelId, name, bytes })),
    ...{ reloadBytes, reloadMs },
    text: `${listed} take turns in memory: each switch reloads ${isAlike ? '' : 'up to '}${formatBytes(reloadBytes)}${takes}`,
  }
}
