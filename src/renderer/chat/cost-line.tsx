import type { TurnCost } from '../../contract/attachment.ts'
import { formatBytes } from '../../contract/bytes.ts'
import type { Turn } from '../../contract/conversation.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { usePreview } from '../library/use-preview.ts'
import { useApp } from '../store.ts'
import { Remedies } from '../ui/remedies.tsx'
import styles from './cost-line.module.css'
import { describeCost } from './load-cost.ts'
import { describeState, type Residency } from './next-model.ts'
import { loadingText, readingText } from './reading-cost.ts'
import { useLoadProgress } from './use-load-progress.ts'

type CostLineProps = {
  readonly model: LibraryModel
  readonly state: Residency[string] | undefined
  /** What reading the draft costs; null until that is known. */
  readonly turnCost: TurnCost | null
}

/** What the next turn costs with this model, before it is sent: what is to be read, a load, somebody's place, or that it cannot be. */
export function CostLine({ model, state, turnCost }: CostLineProps) {
  const isAbsent = state === undefined || state === 'failed'
  const options = useApp(({ proposal }) => (proposal?.modelId === model.id ? proposal.options : undefined))
  const cost = describeCost(usePreview(isAbsent ? model.id : null, options && { options }))
  const progress = useLoadProgress(model.id)
  // The answer that was just refused offers them already, in its own place.
  const isOfferedAbove = useApp(({ conversation }) => offersRemedies(conversation?.turns.at(-1), model.id))
  const isConnected = useApp(({ connection }) => connection === 'open')
  const words = () => {
    if (!isConnected)
      return 'No connection to the host: what you write is kept, and can be sent when it is back'
    if (!isAbsent) {
      if (state === 'ready' || state === 'busy') {
        const words = describeState(state)
        return turnCost ? `${state === 'ready' ? 'Resident' : words} · ${readingText(turnCost)}` : words
      }
      return progress.loadedBytes !== null
        ? `Loading: ${formatBytes(progress.loadedBytes)} of ${formatBytes(progress.weightBytes)}`
        : (progress.waitingFor ?? describeState(state))
    }
    if (!cost) return describeState(state)
    if (cost.kind === 'refused') return cost.text
    return `Loads first: ${cost.text}${turnCost ? ` · ${loadingText(turnCost)}` : ''}`
  }
  // What can be pressed says it already.
  const help = (cost?.remedies ?? []).length === 0 ? cost?.problem?.details.help : undefined
  return (
    <div className={styles['cost']} data-cost={!isConnected ? 'lost' : isAbsent ? cost?.kind : undefined}>
      <p role="status">{words()}</p>
      {isAbsent && help !== undefined && <p>{help}</p>}
      {isAbsent && cost?.remedies && !isOfferedAbove && (
        <Remedies remedies={cost.remedies} modelId={model.id} />
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
