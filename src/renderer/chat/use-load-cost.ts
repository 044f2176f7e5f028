import { usePreview } from '../library/use-preview.ts'
import { describeCost, type LoadCost } from './load-cost.ts'

/** What loading a model would cost now, in a few words. Null until the host has said it, and for no model. */
export function useLoadCost(modelId: string | null): LoadCost | null {
  const answer = usePreview(modelId)
  switch (answer?.kind) {
    case undefined:
      return null
    case 'preview':
      return describeCost(answer.preview)
    case 'problem':
      return { kind: 'refused', text: answer.problem.message, problem: answer.problem }
    default:
      return answer satisfies never
  }
}
