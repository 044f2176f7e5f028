import { formatBytes } from '../../contract/bytes.ts'
import type { Problem, Remedy } from '../../contract/errors.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import { contextText, joinNames, previewBytes, refusalText } from '../library/preview-text.ts'
import type { PreviewAnswer } from '../library/use-preview.ts'

/** What it takes to have a model in memory, in a few words. */
export type LoadCost = {
  /** `free`: nothing happens. `load`: it loads and nobody leaves. `evict`: others leave. `wait`: others have to be done first. `refused`: it cannot be. */
  readonly kind: 'free' | 'load' | 'evict' | 'wait' | 'refused'
  readonly text: string
  /** For `refused`: all of it. */
  readonly problem?: Problem
  /** For `wait` and `refused`: what would help. */
  readonly remedies?: readonly Remedy[]
}

/** Puts what the host answered into words: "4.4 MB with a context of 1,024 tokens, nobody leaves". Null until it has. */
export function describeCost(answer: PreviewAnswer): LoadCost | null {
  switch (answer?.kind) {
    case undefined:
      return null
    case 'preview':
      return costOf(answer.preview)
    case 'problem':
      return { kind: 'refused', text: answer.problem.message, problem: answer.problem }
    default:
      return answer satisfies never
  }
}

function costOf(preview: LoadPreview): LoadCost {
  const { verdict } = preview
  const bytes = `${formatBytes(previewBytes(preview))} with ${contextText(preview)}`
  switch (verdict.kind) {
    case 'resident':
      return { kind: 'free', text: 'Resident' }
    case 'fits':
      return { kind: 'load', text: `${bytes}, nobody leaves` }
    case 'evicts': {
      const names = joinNames(verdict.leaving.map(({ name }) => name))
      return {
        kind: 'evict',
        text: `${bytes}, ${names} ${verdict.leaving.length === 1 ? 'leaves' : 'leave'}`,
      }
    }
    case 'waits': {
      const names = joinNames(verdict.waitsFor.map(({ name }) => name))
      const are = verdict.waitsFor.length === 1 ? 'is' : 'are'
      return {
        kind: 'wait',
        text: `${bytes}, waits until ${names} ${are} done`,
        remedies: verdict.remedies,
      }
    }
    case 'refused': {
      const { problem, remedies } = verdict
      return { kind: 'refused', text: refusalText(problem), problem, remedies }
    }
    default:
      return verdict satisfies never
  }
}
