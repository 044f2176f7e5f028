import { useShallow } from 'zustand/react/shallow'
import type { ResidentState } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { useApp, type AppState } from '../store.ts'
import { isAutoNext } from './auto-choice.ts'
import { demoQuestions } from './demo-models.ts'
import { nextModel, type Residency } from './next-model.ts'
import { modelsBeside } from './several-models.ts'

/** The models that can be chosen, which of them are in memory, and the one that takes the next turn. */
export function useNextModel(): {
  readonly models: readonly LibraryModel[]
  readonly residency: Residency
  readonly chosen: LibraryModel | null
} {
  const models = useApp((state) => state.models)
  const residency = useApp(useShallow(residencyOf))
  const preferred = useApp(useShallow(preferencesOf))
  // Among the demo models the one that knows this app is the one to meet first.
  const onlyDemos = models.every(({ id, source }) => source === 'demo' || residency[id] === undefined)
  const guide = onlyDemos ? demoQuestions(models)[0]?.model.id : null
  return { models, residency, chosen: nextModel({ models, residency, preferred: [...preferred, guide] }) }
}

/** Who would be asked now: the chosen model, and those that are chosen beside it. */
export function chosenModelIds(state: AppState = useApp.getState()): string[] {
  const { models, besideIds } = state
  const residency = residencyOf(state)
  const chosen = nextModel({ models, residency, preferred: preferencesOf(state) })
  const beside = modelsBeside(besideIds, { models, residency, chosen })
  return [...(chosen ? [chosen] : []), ...beside].map(({ id }) => id)
}

/** The same, as the host is asked: with Auto the one that answers where nobody better is found. */
export function nextAnswerers(
  state: AppState = useApp.getState(),
): { modelIds: string[] } | { modelId: string; isAuto: true } {
  const modelIds = chosenModelIds(state)
  const [modelId] = modelIds
  return isAutoNext(state) && modelId !== undefined ? { modelId, isAuto: true } : { modelIds }
}

// Shallow objects and arrays: a pool snapshot ten times a second draws nothing here unless somebody comes or goes.
/** The state of each model that is in memory or on its way, by model id. */
export function residencyOf({ pool }: AppState): Record<string, ResidentState> {
  return Object.fromEntries((pool?.residents ?? []).map(({ modelId, state }) => [modelId, state]))
}

function preferencesOf(state: AppState): (string | null)[] {
  const { nextModelId, conversation, conversations, beforeMention } = state
  const turn = conversation?.turns.at(-1)
  const lastId = turn ? chosenAnswer(turn).modelId : null
  // Where Auto finds nobody better, who answered before goes on.
  const isAuto = beforeMention === null && isAutoNext(state)
  const own = isAuto ? [lastId, nextModelId] : [nextModelId, lastId]
  return [...own, conversations[0]?.lastModelId ?? null]
}
