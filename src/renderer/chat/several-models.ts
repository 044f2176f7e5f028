import { mostAnswerers } from '../../contract/conversation.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { useApp, type AppState } from '../store.ts'
import { endAuto } from './auto-choice.ts'
import { whyUnusable, type Residency } from './next-model.ts'

/** Who is asked: the chosen model first. */
type Selection = readonly [string, ...string[]]

/** The selection with a model added, or taken out where it was in; one stays, and no more than may be asked at once. Pure. */
export function toggled(selection: Selection, modelId: string): Selection {
  if (!selection.includes(modelId))
    return selection.length < mostAnswerers ? [...selection, modelId] : selection
  const [first, ...others] = selection.filter((id) => id !== modelId)
  return first === undefined ? selection : [first, ...others]
}

/** The models that are asked beside the chosen one; those that cannot answer are passed over. Pure. */
export function modelsBeside(
  besideIds: readonly string[] | null,
  {
    models,
    residency,
    chosen,
  }: { models: readonly LibraryModel[]; residency: Residency; chosen: LibraryModel | null },
): readonly LibraryModel[] {
  return (besideIds ?? []).flatMap((id) => {
    const model = models.find((each) => each.id === id)
    return model && model !== chosen && whyUnusable(model, residency) === null ? [model] : []
  })
}

/** Lets several models be chosen for a turn, or one at a time. */
export function chooseSeveral(isOn: boolean): void {
  if (isOn) endAuto()
  useApp.setState({ besideIds: isOn ? [] : null })
}

/** From now on this model alone is asked, where it is still in the library. Who is named in the draft is asked before that. */
export function goOnWith(modelId: string): void {
  useApp.setState(({ models, beforeMention }) => {
    const isHere = models.some(({ id }) => id === modelId)
    const choice = { ...(isHere && { nextModelId: modelId }), besideIds: null }
    return beforeMention ? { beforeMention: { ...beforeMention, ...choice } } : choice
  })
}

/** Adds a model to those that are asked, or takes it out; `chosenId` is the one that is asked first. */
export function toggleModel(chosenId: string | null, modelId: string): void {
  endAuto()
  useApp.setState(({ besideIds }) =>
    withSelection(
      chosenId === null
        ? [modelId]
        : toggled([chosenId, ...(besideIds ?? []).filter((id) => id !== chosenId)], modelId),
    ),
  )
}

/** A model is named in the message: it alone takes this turn, or the next one named joins it. After the turn the choice is as before. */
export function mentionModel(modelId: string, { chosenId }: { readonly chosenId: string | null }): void {
  useApp.setState(({ nextModelId, besideIds, beforeMention, isAutoNamed }) => {
    if (!beforeMention || isAutoNamed)
      return {
        beforeMention: beforeMention ?? { nextModelId: nextModelId ?? chosenId, besideIds },
        nextModelId: modelId,
        besideIds: null,
        isAutoNamed: false,
      }
    const named: Selection = [nextModelId ?? modelId, ...(besideIds ?? [])]
    return named.includes(modelId) ? {} : withSelection(toggled(named, modelId))
  })
}

function withSelection([nextModelId, ...besideIds]: Selection): Pick<
  AppState,
  'nextModelId' | 'besideIds' | 'proposal'
> {
  // What one of several would take is said of all of them together.
  return { nextModelId, besideIds, proposal: null }
}
