import type { PoolSnapshot } from '../contract/memory.ts'
import type { LoadOptions } from '../contract/model.ts'
import { dismissAddition, loadGiven, type Addition } from './additions.ts'
import { attempt, host, useApp } from './store.ts'

/** A load that is shown before it happens. Nothing is loaded by proposing, and nobody leaves. */
export type Proposal = {
  readonly modelId: string
  /** What is to be other than the model's load settings say; remembered when it is loaded. */
  readonly options: LoadOptions
  /** `drop`: it was given to the pool. `drag`: it is held over it. `turn`: it was chosen for the next turn. `settings`: its load settings are open. */
  readonly from: 'drop' | 'drag' | 'turn' | 'settings'
}

/**
 * The one proposal that the pool shows: what the user asked for last, else the first dropped model that waits for a word. None is shown of a
 * model that is in memory or on its way, except its load settings. Pure.
 */
export function shownProposal(
  proposal: Proposal | null,
  { additions, pool }: { readonly additions: readonly Addition[]; readonly pool: PoolSnapshot | null },
): Proposal | null {
  const isThere = (modelId: string) =>
    pool?.residents.some((resident) => resident.modelId === modelId && resident.state !== 'failed') ?? false
  if (proposal && (proposal.from === 'settings' || !isThere(proposal.modelId))) return proposal
  for (const { state } of additions) {
    if (state.kind === 'offered' && !isThere(state.model.id))
      return { modelId: state.model.id, options: {}, from: 'drop' }
  }
  return null
}

/** Shows what a load would take. Options add to those of a proposal of the same model. */
export function proposeLoad({
  modelId,
  options = {},
  from,
}: Pick<Proposal, 'modelId'> & Partial<Proposal>): void {
  useApp.setState(({ proposal }) => {
    const before = proposal?.modelId === modelId ? proposal : null
    return {
      proposal: {
        ...{ modelId, from: from ?? before?.from ?? 'drop' },
        options: { ...before?.options, ...options },
      },
    }
  })
}

/** Opens the load settings of a model; what was chosen for it so far is kept. */
export async function openSettings({ modelId, options = {} }: Pick<Proposal, 'modelId'> & Partial<Proposal>) {
  await attempt(() => keepOptions(modelId, options))
  useApp.setState({ proposal: { modelId, options: {}, from: 'settings' } })
}

/** Follows a piece of advice: the proposal is shown with these options, or they are kept where the load settings are open. */
export function followAdvice(modelId: string, options: LoadOptions): void {
  if (useApp.getState().proposal?.from === 'settings') void attempt(() => keepOptions(modelId, options))
  else proposeLoad({ modelId, options })
}

/** Takes a proposal off the screen. The library keeps the model; what was dropped and is dismissed is not offered again. */
export function dismissProposal({ modelId, from }: Pick<Proposal, 'modelId' | 'from'>): void {
  for (const { id, state } of useApp.getState().additions)
    if (from === 'drop' && state.kind === 'offered' && state.model.id === modelId) dismissAddition(id)
  useApp.setState(({ proposal }) => (proposal?.modelId === modelId ? { proposal: null } : {}))
}

/** The user's word: the options are kept, the model is loaded, and who has to leave leaves. */
export async function loadProposed({ modelId, options }: Proposal): Promise<void> {
  await attempt(async () => {
    await keepOptions(modelId, options)
    useApp.setState({ proposal: null })
    await loadGiven(modelId)
  })
}

/** A turn is sent to a model: with the options that were proposed for it, and the proposal has served its end. */
export async function settleForTurn(modelId: string): Promise<void> {
  const { proposal } = useApp.getState()
  if (proposal?.from !== 'turn') return
  if (proposal.modelId === modelId) await attempt(() => keepOptions(modelId, proposal.options))
  useApp.setState({ proposal: null })
}

/** Remembers load options of a model in place of those before; they hold from its next load on. */
export async function saveOptions(modelId: string, loadOptions: LoadOptions): Promise<void> {
  const saved = await host().models.update({ id: modelId, loadOptions })
  useApp.setState(({ models, proposal }) => ({
    models: models.map((model) => (model.id === modelId ? saved : model)),
    proposal:
      proposal?.modelId === modelId
        ? { ...proposal, options: unsaved(proposal.options, saved.loadOptions) }
        : proposal,
  }))
}

/** What of the options is a change of the remembered ones: a slider may have gone on while they were saved. */
function unsaved(options: LoadOptions, remembered: LoadOptions): LoadOptions {
  const changes = Object.entries(options).filter(
    ([option, value]) => remembered[option as keyof LoadOptions] !== value,
  )
  return Object.fromEntries(changes)
}

/** Adds to a model's remembered load options. */
async function keepOptions(modelId: string, options: LoadOptions): Promise<void> {
  const model = useApp.getState().models.find(({ id }) => id === modelId)
  if (!model || Object.keys(options).length === 0) return
  await saveOptions(modelId, { ...model.loadOptions, ...options })
}
