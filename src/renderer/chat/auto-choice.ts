import type { LibraryModel } from '../../contract/model.ts'
import { attempt, useApp, type AppState } from '../store.ts'
import { changeAsking, shownAsking } from './asking.ts'
import { whyUnusable, type Residency } from './next-model.ts'

/** Chooses Auto, as the list of commands has it. */
export const autoKeys = 'Alt+A'

/** Whether Auto finds who takes the next turn: as the draft names with @, else as the conversation is asked. */
export function isAutoNext(state: AppState): boolean {
  if (state.besideIds !== null) return false
  return state.beforeMention ? state.isAutoNamed : shownAsking(state).isAuto
}

/** Names the model that alone takes the next turn; Auto is over. What it would take to load one that is not in memory is shown. */
export function chooseNextModel(modelId: string): void {
  endAuto()
  useApp.setState(({ pool, proposal }) => {
    const isAbsent = !pool?.residents.some((each) => each.modelId === modelId && each.state !== 'failed')
    const choice = { nextModelId: modelId, besideIds: null }
    if (isAbsent) return { ...choice, proposal: { modelId, options: {}, from: 'turn' } }
    return { ...choice, proposal: proposal?.from === 'turn' ? null : proposal }
  })
}

/** Lets Auto find who answers, in this conversation, until a model is chosen. */
export function chooseAuto(): void {
  useApp.setState(({ beforeMention, proposal }) => ({
    besideIds: null,
    isAutoNamed: beforeMention !== null,
    proposal: proposal?.from === 'turn' ? null : proposal,
  }))
  if (useApp.getState().beforeMention === null) setAuto(true)
}

/** The user says who answers. Where the draft names Auto, for this turn only. */
export function endAuto(): void {
  if (useApp.getState().beforeMention === null) setAuto(false)
  else useApp.setState({ isAutoNamed: false })
}

/** Auto is named in the message: it alone finds who takes this turn. After the turn the choice is as before. */
export function mentionAuto({ chosenId }: { readonly chosenId: string | null }): void {
  useApp.setState(({ nextModelId, besideIds, beforeMention, proposal }) => {
    const before = beforeMention ?? { nextModelId: nextModelId ?? chosenId, besideIds }
    return {
      ...{ beforeMention: before, nextModelId: before.nextModelId, besideIds: null, isAutoNamed: true },
      proposal: proposal?.from === 'turn' ? null : proposal,
    }
  })
}

function setAuto(isAuto: boolean): void {
  const before = useApp.getState()
  if (shownAsking(before).isAuto === isAuto) return
  const show = (isShown: boolean) =>
    useApp.setState(({ conversation }) =>
      conversation?.id === before.conversationId
        ? { conversation: { ...conversation, isAuto: isShown } }
        : {},
    )
  // At once: whoever presses Enter next sends what is seen.
  show(isAuto)
  void attempt(async () => {
    try {
      await changeAsking({ isAuto })
    } catch (error) {
      show(!isAuto)
      throw error
    }
  })
}

/** Who sorts the next message for Auto, or what keeps Auto from choosing. */
export type AutoOutlook =
  | { readonly kind: 'router'; readonly router: LibraryModel; readonly isResident: boolean }
  /** One has the role, and is not in memory. */
  | { readonly kind: 'router-absent'; readonly router: LibraryModel }
  | { readonly kind: 'no-router' }
  /** There is nothing to choose between: `label` is the only one, null: there is none. */
  | { readonly kind: 'few-labels'; readonly label: string | null }

/** What Auto has to go by: the router of the settings, which is loaded where it fits, else one in memory by its role. Pure. */
export function autoOutlook({
  models,
  residency,
  routerId,
}: {
  readonly models: readonly LibraryModel[]
  readonly residency: Residency
  readonly routerId: string | null
}): AutoOutlook {
  const usable = models.filter((model) => whyUnusable(model, residency) === null)
  const isResident = ({ id }: LibraryModel) => residency[id] === 'ready' || residency[id] === 'busy'
  const labels = new Set(usable.flatMap(({ role }) => role?.labels.map(({ name }) => name) ?? []))
  if (labels.size < 2) return { kind: 'few-labels', label: [...labels][0] ?? null }
  const named = usable.find(({ id }) => id === routerId)
  if (named) return { kind: 'router', router: named, isResident: isResident(named) }
  const byRole = usable.filter(({ role }) => role?.routes === true)
  const router = byRole.find(isResident)
  if (router) return { kind: 'router', router, isResident: true }
  const [absent] = byRole
  return absent ? { kind: 'router-absent', router: absent } : { kind: 'no-router' }
}
