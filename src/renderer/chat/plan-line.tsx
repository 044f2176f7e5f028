import { useEffect, useState } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { TurnPlan } from '../../contract/memory.ts'
import { host, useApp, type AppState } from '../store.ts'
import styles from './cost-line.module.css'
import { describePlan } from './describe-plan.ts'

/** What asking several models at once takes, before it is sent: who is there, who loads, who leaves, and whether one waits for another. */
export function PlanLine({ modelIds }: { readonly modelIds: readonly string[] }) {
  const answer = usePlan(modelIds)
  const isConnected = useApp(({ connection }) => connection === 'open')
  const words = !isConnected
    ? 'No connection to the host: what you write is kept, and can be sent when it is back'
    : answer === null
      ? `${String(modelIds.length)} models are asked`
      : 'code' in answer
        ? answer.message
        : describePlan(answer)
  const kind = !isConnected
    ? 'lost'
    : answer && !('code' in answer) && answer.leaving.length > 0
      ? 'evict'
      : undefined
  return (
    <div className={styles['cost']} data-cost={kind}>
      <p role="status">{words}</p>
    </div>
  )
}

/** The host's plan, asked again whenever somebody comes, goes or takes more. */
function usePlan(modelIds: readonly string[]): TurnPlan | Problem | null {
  const ids = modelIds.join('\n')
  const facts = useApp(poolFacts)
  const [answer, setAnswer] = useState<{ readonly ids: string; readonly value: TurnPlan | Problem } | null>(
    null,
  )
  useEffect(() => {
    const over = { isOver: false }
    const ask = async () => host().turns.plan({ modelIds: ids.split('\n') })
    ask()
      .catch((error: unknown) => toProblem(error))
      .then((value) => {
        if (!over.isOver) setAnswer({ ids, value })
      })
      .catch(() => undefined)
    return () => {
      over.isOver = true
    }
    // The pool is no input: it says that the answer may have changed.
  }, [ids, facts])
  return answer?.ids === ids ? answer.value : null
}

function poolFacts({ pool, connection }: AppState): string {
  const residents =
    pool?.residents.map(({ modelId, state, pinned }) => `${modelId} ${state} ${String(pinned)}`) ?? []
  const room = pool?.domains.map(({ freeBytes }) => String(freeBytes)) ?? []
  return [connection, ...residents, ...room].join('\n')
}
