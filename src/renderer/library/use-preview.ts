import { useEffect, useRef, useState } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { LoadPreview, PoolSnapshot } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { host, useApp, type AppState } from '../store.ts'

/** What loading would take, or why it could not be asked; null until the host has answered. */
export type PreviewAnswer =
  | { readonly kind: 'preview'; readonly preview: LoadPreview }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | null

/**
 * What loading a model would take now (null: none), with options in place of its own, and with `isReload` also where it is in memory. Asked
 * of the host, and asked again whenever something that it depends on has changed: one question at a time, and of those that come up meanwhile
 * only the newest, so that a slider is followed as fast as the host answers and no answer is shown after a newer one.
 */
export function usePreview(
  modelId: string | null,
  { options = {}, isReload = false }: { readonly options?: LoadOptions; readonly isReload?: boolean } = {},
): PreviewAnswer {
  const facts = useApp((state) => (modelId === null ? '' : factsFor(state, modelId)))
  const input = JSON.stringify({ ...options, ...(isReload && { reload: true }) })
  const question = `${input} ${facts}`
  const [answer, setAnswer] = useState<{ modelId: string; question: string; value: PreviewAnswer }>()
  const underWay = useRef<string | null>(null)
  useEffect(() => {
    const isAnswered = answer?.modelId === modelId && answer.question === question
    if (modelId === null || isAnswered || underWay.current === modelId) return
    underWay.current = modelId
    const ask = async (): Promise<PreviewAnswer> => {
      try {
        const asked = JSON.parse(input) as LoadOptions
        return { kind: 'preview', preview: await host().models.preview({ id: modelId, ...asked }) }
      } catch (error) {
        return { kind: 'problem', problem: toProblem(error) }
      }
    }
    void ask().then((value) => {
      // Another model is asked about by now.
      if (underWay.current !== modelId) return
      underWay.current = null
      setAnswer({ modelId, question, value })
    })
  }, [modelId, input, question, answer])
  return answer?.modelId === modelId ? answer.value : null
}

/** What the price of a model depends on, as one text: who is there, how much is taken, and what is remembered. */
function factsFor({ pool, models, settings: all }: AppState, modelId: string): string {
  const remembered = models.find(({ id }) => id === modelId)
  // They may be long, and no memory depends on them.
  const settings = { ...all, presets: [] }
  return `${JSON.stringify([remembered?.loadOptions, remembered?.file.kind, settings])} ${poolShape(pool)}`
}

function poolShape(pool: PoolSnapshot | null): string {
  if (!pool) return ''
  const residents = pool.residents.map(
    ({ modelId, state, pinned }) => `${modelId} ${state} ${String(pinned)}`,
  )
  const domains = pool.domains.map(({ totalBytes, usedBytes, reserveBytes }) =>
    [totalBytes, usedBytes, reserveBytes].join(' '),
  )
  return [...residents, ...domains].join('\n')
}
