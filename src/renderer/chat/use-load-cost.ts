import { useEffect, useState } from 'react'
import { toProblem } from '../../contract/errors.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import { useApp } from '../store.ts'
import { describeCost, type LoadCost } from './load-cost.ts'

/** What loading a model would cost now; asked again when the pool changes. Null until the host has said it, and for no model. */
export function useLoadCost(modelId: string | null): LoadCost | null {
  const client = useApp((state) => state.client)
  const poolKey = useApp((state) => (modelId === null ? '' : keyOf(state.pool)))
  const [answer, setAnswer] = useState<{ readonly modelId: string; readonly cost: LoadCost } | null>(null)
  useEffect(() => {
    if (modelId === null || !client) return
    const abort = new AbortController()
    const show = (cost: LoadCost) => {
      if (!abort.signal.aborted) setAnswer({ modelId, cost })
    }
    client.models.preview({ id: modelId }, { signal: abort.signal }).then(
      (preview) => show(describeCost(preview)),
      (error: unknown) => {
        const problem = toProblem(error)
        show({ kind: 'refused', text: problem.message, problem })
      },
    )
    return () => abort.abort()
  }, [client, modelId, poolKey])
  return answer?.modelId === modelId ? answer.cost : null
}

/** Changes when a preview may come out differently: who is there, who may leave, and what each holds. */
function keyOf(pool: PoolSnapshot | null): string {
  if (!pool) return ''
  const residents = pool.residents.map(
    ({ modelId, state, pinned, leases, footprint }) =>
      `${modelId} ${state} ${String(pinned)} ${leases} ${footprint.reduce((sum, { bytes }) => sum + bytes, 0)}`,
  )
  return [
    ...residents,
    ...pool.domains.map(({ totalBytes, reserveBytes }) => totalBytes - reserveBytes),
  ].join('\n')
}
