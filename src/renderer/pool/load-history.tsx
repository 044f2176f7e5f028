import { useEffect, useState } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { predictionError, type Footprint, type Measurement } from '../../contract/memory.ts'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import tables from '../ui/figure-table.module.css'
import { formatCount, formatError } from '../ui/format.ts'
import { ProblemText } from '../ui/problem-text.tsx'

type LoadHistoryProps = {
  readonly modelId: string
  /** What the model takes in memory now, when it is there: a load that was measured again is asked for again. */
  readonly measured: Footprint
}

const shownAtFirst = 5
const moment = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', year: 'numeric' },
  ...{ hour: '2-digit', minute: '2-digit' },
})

/** What each load of a model was predicted to take, what it took, and how far the two were apart, newest first. */
export function LoadHistory({ modelId, measured }: LoadHistoryProps) {
  const answer = useHistory(modelId, sumOf(measured))
  const [showsAll, setShowsAll] = useState(false)
  if (answer === null) return null
  if (answer.kind === 'problem') return <ProblemText problem={answer.problem} />
  const { loads } = answer
  if (loads.length === 0)
    return (
      <p className={tables['note']}>
        It was not loaded yet. Each load is kept here: what it was predicted to take, and what it took.
      </p>
    )
  const isLearned = loads.some((load) => sumOf(load.corrected) !== sumOf(load.predicted))
  return (
    <div>
      <table className={tables['table']}>
        <caption>Loads</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Context</th>
            <th scope="col">KV type</th>
            <th scope="col">Predicted</th>
            <th scope="col">Measured</th>
            <th scope="col">Error</th>
          </tr>
        </thead>
        <tbody>
          {loads.slice(0, showsAll ? loads.length : shownAtFirst).map((load, index) => (
            // Newest first, and only ever added to: counted from the end a load keeps its place.
            <tr key={loads.length - index} title={describeLoad(load)}>
              <th scope="row">{moment.format(load.at)}</th>
              <td>{formatCount(load.loadedWith.contextTokens)}</td>
              <td>{load.loadedWith.kvType}</td>
              <td>{formatBytes(sumOf(load.corrected))}</td>
              <td>{formatBytes(sumOf(load.measured))}</td>
              <td>{errorText(load.corrected, load.measured)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {loads.length > shownAtFirst && (
        <Button look="quiet" aria-expanded={showsAll} onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? 'Show the latest only' : `Show all ${formatCount(loads.length)}`}
        </Button>
      )}
      {isLearned && (
        <p className={tables['note']}>
          Predictions are corrected by what the load before has taken; pointing at a line tells what it would
          have been without.
        </p>
      )}
    </div>
  )
}

function describeLoad({ backend, loadedWith, predicted, measured }: Measurement): string {
  const { batchTokens, threads, flashAttention, fileAccess } = loadedWith
  return [
    `On ${backend}, ${formatCount(threads)} threads, batches of ${formatCount(batchTokens)}, flash attention ${flashAttention ? 'on' : 'off'}, ${fileAccess}`,
    `Without anything learned: ${formatBytes(sumOf(predicted))} predicted, ${errorText(predicted, measured)}`,
  ].join('\n')
}

function errorText(predicted: Footprint, measured: Footprint): string {
  const error = predictionError(predicted, measured)
  return error === null ? '–' : formatError(error)
}

function sumOf(footprint: Footprint): number {
  return footprint.reduce((sum, { bytes }) => sum + bytes, 0)
}

type HistoryAnswer =
  | { readonly kind: 'loads'; readonly loads: readonly Measurement[] }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** Asked of the host, and again when another load was measured; null until it has answered for this model. */
function useHistory(modelId: string, measuredBytes: number): HistoryAnswer | null {
  const [answer, setAnswer] = useState<{ readonly of: string; readonly value: HistoryAnswer } | null>(null)
  useEffect(() => {
    const abort = new AbortController()
    const take = (value: HistoryAnswer) => {
      if (!abort.signal.aborted) setAnswer({ of: modelId, value })
    }
    const ask = async () => {
      try {
        take({ kind: 'loads', loads: await host().models.history({ id: modelId }, { signal: abort.signal }) })
      } catch (error) {
        take({ kind: 'problem', problem: toProblem(error) })
      }
    }
    void ask()
    return () => abort.abort()
  }, [modelId, measuredBytes])
  return answer?.of === modelId ? answer.value : null
}
