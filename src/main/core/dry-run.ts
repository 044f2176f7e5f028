import type { DryRun } from '../../contract/model.ts'

/** How a context would be made. `contextTokens` are cells: rounded up. */
type DryRunQuery = Omit<DryRun, 'bytes'>

/**
 * Compute buffers of a context in bytes, between the dry runs that were made: what is left of each when its KV cache (`kvBytes`) is
 * taken off, with straight lines between context sizes and batch sizes. llama.cpp reserves the largest of several steps, each of which grows
 * in a straight line with both, so lines between points are exact but for the corners. Null where no dry run is of this kind.
 */
export function dryRunComputeBytes(
  dryRuns: readonly DryRun[],
  query: DryRunQuery,
  kvBytes: (run: DryRun) => number,
): number | null {
  const { kvType, flashAttention, contextTokens } = query
  const series = dryRuns.filter((run) => run.kvType === kvType && run.flashAttention === flashAttention)
  const byBatch = [...new Set(series.map(({ batchTokens }) => batchTokens))].flatMap(
    (batchTokens): Point[] => {
      const points = series
        .filter((run) => run.batchTokens === batchTokens)
        .map((run): Point => [run.contextTokens, run.bytes - kvBytes(run)])
      const bytes = interpolate(points, contextTokens)
      return bytes === null ? [] : [[batchTokens, bytes]]
    },
  )
  // A batch is never larger than its context.
  return interpolate(byBatch, Math.min(query.batchTokens, contextTokens))
}

type Point = readonly [x: number, y: number]

/** On the line between the two points around `x`, or through the two nearest; null without points. */
function interpolate(unsorted: readonly Point[], x: number): number | null {
  const points = unsorted.toSorted(([a], [b]) => a - b)
  const [first] = points
  if (first === undefined) return null
  const next = points.findIndex(([at]) => at >= x)
  const upper = points[next === -1 ? points.length - 1 : Math.max(1, next)]
  const lower = upper && points[points.indexOf(upper) - 1]
  if (!upper || !lower) return Math.max(0, first[1])
  const [x0, y0] = lower
  const [x1, y1] = upper
  return Math.max(0, y0 + ((y1 - y0) * (x - x0)) / (x1 - x0))
}
