import { useEffect, useState } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { LoadPreview, PoolSnapshot } from '../../contract/memory.ts'
import { host, useApp } from '../store.ts'

/** What loading would take, or why it could not be asked; null until the host has answered. */
export type PreviewAnswer =
  | { readonly kind: 'preview'; readonly preview: LoadPreview }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | null

/** What of the pool a price depends on, as one text: who is there, in which state, and how much is taken. */
export function poolShape(pool: PoolSnapshot | null): string {
  if (!pool) return ''
  const residents = pool.residents.map(
    ({ modelId, state, pinned }) => `${modelId} ${state} ${String(pinned)}`,
  )
  const domains = pool.domains.map(({ totalBytes, usedBytes, reserveBytes }) =>
    [totalBytes, usedBytes, reserveBytes].join(' '),
  )
  return [...residents, ...domains].join('\n')
}

/** The price of loading a model now (null: of none): asked of the host, and asked again whenever the pool has changed. */
export function usePreview(modelId: string | null, contextTokens?: number): PreviewAnswer {
  const shape = useApp((state) => (modelId === null ? '' : poolShape(state.pool)))
  const question = `${modelId ?? ''} ${contextTokens ?? ''}`
  const [answer, setAnswer] = useState<{ question: string; value: PreviewAnswer }>({ question, value: null })
  useEffect(() => {
    if (modelId === null) return
    const abort = new AbortController()
    const ask = async () => {
      try {
        const input = { id: modelId, ...(contextTokens !== undefined && { contextTokens }) }
        const preview = await host().models.preview(input, { signal: abort.signal })
        if (!abort.signal.aborted) setAnswer({ question, value: { kind: 'preview', preview } })
      } catch (error) {
        if (!abort.signal.aborted)
          setAnswer({ question, value: { kind: 'problem', problem: toProblem(error) } })
      }
    }
    void ask()
    return () => abort.abort()
  }, [modelId, contextTokens, question, shape])
  return answer.question === question ? answer.value : null
}
