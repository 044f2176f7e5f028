import { formatBytes } from '../../contract/bytes.ts'
import type { Problem, Remedy } from '../../contract/errors.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import { joinNames, previewBytes } from '../library/preview-text.ts'

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

/** Puts a preview into words: "4.4 MB, nobody leaves", "41.2 GB, Coder and Judge leave". */
export function describeCost(preview: LoadPreview): LoadCost {
  const { verdict } = preview
  const bytes = formatBytes(previewBytes(preview))
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
      return { kind: 'refused', text: problem.message, problem, remedies }
    }
    default:
      return verdict satisfies never
  }
}
