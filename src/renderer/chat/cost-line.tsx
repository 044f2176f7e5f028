import { formatBytes } from '../../contract/bytes.ts'
import type { Turn } from '../../contract/conversation.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { attempt, host, useApp } from '../store.ts'
import { Remedies } from '../ui/remedies.tsx'
import styles from './cost-line.module.css'
import { describeState, type Residency } from './next-model.ts'
import { useLoadCost } from './use-load-cost.ts'
import { useLoadProgress } from './use-load-progress.ts'

type CostLineProps = {
  readonly model: LibraryModel
  readonly state: Residency[string] | undefined
}

/** What the next turn costs with this model, before it is sent: nothing, a load, somebody's place, or that it cannot be. */
export function CostLine({ model, state }: CostLineProps) {
  const isAbsent = state === undefined || state === 'failed'
  const cost = useLoadCost(isAbsent ? model.id : null)
  const progress = useLoadProgress(model.id)
  // The answer that was just refused offers them already, in its own place.
  const isOfferedAbove = useApp(({ conversation }) => offersRemedies(conversation?.turns.at(-1), model.id))
  const words = () => {
    if (!isAbsent) {
      return progress.loadedBytes !== null
        ? `Loading: ${formatBytes(progress.loadedBytes)} of ${formatBytes(progress.weightBytes)}`
        : (progress.waitingFor ?? describeState(state))
    }
    if (!cost) return describeState(state)
    return cost.kind === 'refused' ? cost.text : `Loads first: ${cost.text}`
  }
  return (
    <div className={styles['cost']} data-cost={isAbsent ? cost?.kind : undefined}>
      <p role="status">{words()}</p>
      {isAbsent && cost?.problem?.details.help !== undefined && <p>{cost.problem.details.help}</p>}
      {isAbsent && cost?.remedies && !isOfferedAbove && (
        <Remedies
          remedies={cost.remedies}
          onShorten={(options) => void attempt(() => host().models.load({ id: model.id, options }))}
        />
      )}
    </div>
  )
}

function offersRemedies(turn: Turn | undefined, modelId: string): boolean {
  if (!turn) return false
  const { state, modelId: answeredBy } = chosenAnswer(turn)
  return (
    answeredBy === modelId &&
    state.kind === 'interrupted' &&
    (state.problem.details.remedies ?? []).length > 0
  )
}
