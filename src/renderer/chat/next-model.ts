import type { ResidentState } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'

/** The state of each model that is in memory or on its way, by model id, in the pool's order. */
export type Residency = Readonly<Record<string, ResidentState>>

/** The models that are in memory or on their way, in the pool's order: what Alt+1 to Alt+9 count. */
export function residentIds(residency: Residency): readonly string[] {
  return Object.keys(residency).filter((id) => residency[id] !== 'failed')
}

/** Why a model cannot take a turn, in plain words; null when it can. */
export function whyUnusable(model: LibraryModel, residency: Residency): string | null {
  const { file } = model
  const state = residency[model.id]
  switch (file.kind) {
    case 'usable':
      return null
    case 'inspecting':
      return 'Its file is being read'
    case 'unusable':
      return file.problem.message
    case 'missing':
      // What is in memory answers without its file.
      return state === 'ready' || state === 'busy' ? null : 'Its file is no longer there'
    default:
      return file satisfies never
  }
}

/** The model that takes the next turn: the first of the preferred ones that can, else one in memory, else any, else null. */
export function nextModel(options: {
  readonly models: readonly LibraryModel[]
  readonly residency: Residency
  /** Candidates by preference; those that are unknown or cannot answer are passed over. */
  readonly preferred: readonly (string | null | undefined)[]
}): LibraryModel | null {
  const { models, residency, preferred } = options
  const usable = models.filter((model) => whyUnusable(model, residency) === null)
  const byId = (id: string | null | undefined) => usable.find((model) => model.id === id)
  return (
    preferred.map(byId).find((model) => model !== undefined) ??
    Object.keys(residency)
      .map(byId)
      .find((model) => model !== undefined) ??
    usable[0] ??
    null
  )
}

/** A resident's state in a word or two. */
export function describeState(state: Residency[string] | undefined): string {
  switch (state) {
    case undefined:
      return 'Not in memory'
    case 'ready':
      return 'Resident'
    case 'busy':
      return 'Resident, answering'
    case 'queued':
      return 'Waiting to load'
    case 'loading':
      return 'Loading'
    case 'unloading':
      return 'Leaving'
    case 'failed':
      return 'Failed'
    default:
      return state satisfies never
  }
}
