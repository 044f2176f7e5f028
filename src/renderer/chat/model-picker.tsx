import { useEffect, useEffectEvent } from 'react'
import type { LibraryModel } from '../../contract/model.ts'
import { mostAnswerers } from '../../contract/conversation.ts'
import { chooseNextModel } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { altKeys } from '../ui/shortcut.ts'
import { ModelMenu } from './model-menu.tsx'
import styles from './model-picker.module.css'
import { describeState, residentIds, whyUnusable, type Residency } from './next-model.ts'
import { chooseSeveral, toggleModel } from './several-models.ts'

/** More chips than this make the choice slower, not faster; the menu has them all. */
const mostChips = 4

type ModelPickerProps = {
  readonly models: readonly LibraryModel[]
  readonly residency: Residency
  /** The model that takes the next turn. */
  readonly chosen: LibraryModel | null
  /** Those that are asked beside it; null: one model is chosen at a time. */
  readonly beside: readonly LibraryModel[] | null
  /** Called after a choice, to bring the focus back to the message. */
  readonly onChosen: () => void
}

/**
 * The model of the next turn: residents as chips, every model of the library in a menu. Ctrl+M opens the menu,
 * Alt+1 to Alt+9 choose the nth resident, with Shift beside those that are chosen. Ctrl+click chooses a chip beside them too.
 */
export function ModelPicker({ models, residency, chosen, beside, onChosen }: ModelPickerProps) {
  const residents = residentIds(residency)
    .map((id) => models.find((model) => model.id === id))
    .filter((model) => model !== undefined)
  useResidentKeys(residents, { residency, chosen, onChosen })
  const chips = residents.slice(0, mostChips)
  if (chosen && !chips.includes(chosen)) chips.splice(Math.min(chips.length, mostChips - 1), 1, chosen)
  for (const model of beside ?? []) if (!chips.includes(model)) chips.push(model)
  return (
    <div className={styles['picker']}>
      <fieldset className={styles['chips']}>
        <legend className="visually-hidden">{beside ? 'Models for this turn' : 'Model for this turn'}</legend>
        {chips.map((model) => (
          <Chip
            key={model.id}
            model={model}
            residency={residency}
            isChosen={model === chosen || (beside?.includes(model) ?? false)}
            chosenId={chosen?.id ?? null}
            isOneOfSeveral={beside !== null}
            nth={residents.indexOf(model) + 1}
          />
        ))}
      </fieldset>
      <ModelMenu models={models} residency={residency} chosen={chosen} beside={beside} onChosen={onChosen} />
      <button
        type="button"
        className={styles['several']}
        aria-pressed={beside !== null}
        title={`Ask up to ${String(mostAnswerers)} models at once, answers side by side (also Ctrl+click on a model, or @name in the message)`}
        onClick={() => chooseSeveral(beside === null)}
      >
        <Icon name="columns" size={14} /> Several
      </button>
    </div>
  )
}

type ChipProps = {
  readonly model: LibraryModel
  readonly residency: Residency
  readonly isChosen: boolean
  readonly chosenId: string | null
  readonly isOneOfSeveral: boolean
  /** Its number among the residents, from 1; 0 when it is none. */
  readonly nth: number
}

function Chip({ model, residency, isChosen, chosenId, isOneOfSeveral, nth }: ChipProps) {
  const state = residency[model.id]
  const isHere = state === 'ready' || state === 'busy'
  const hint = [model.name, describeState(state), nth > 0 && nth < 10 ? altKeys(String(nth)) : null]
  return (
    <label
      className={styles['chip']}
      data-colour={model.colour % 10}
      data-here={isHere || undefined}
      title={hint.filter((part) => part !== null).join(' · ')}
    >
      <input
        type={isOneOfSeveral ? 'checkbox' : 'radio'}
        name="next-model"
        className="visually-hidden"
        checked={isChosen}
        disabled={whyUnusable(model, residency) !== null}
        onClick={(event) => {
          if (isOneOfSeveral || !(event.ctrlKey || event.metaKey)) return
          event.preventDefault()
          toggleModel(chosenId, model.id)
        }}
        onChange={() => (isOneOfSeveral ? toggleModel(chosenId, model.id) : chooseNextModel(model.id))}
      />
      <ModelSwatch colour={model.colour} hollow={!isHere} />
      <span className={styles['name']}>{model.name}</span>
    </label>
  )
}

function useResidentKeys(
  residents: readonly LibraryModel[],
  { residency, chosen, onChosen }: Pick<ModelPickerProps, 'residency' | 'chosen' | 'onChosen'>,
): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    // By the key's place: with Alt some layouts type other characters on the digits.
    const digit = /^Digit([1-9])$/.exec(event.code)?.[1]
    if (digit === undefined || !event.altKey || event.ctrlKey || event.metaKey) return
    const model = residents[Number(digit) - 1]
    if (!model || whyUnusable(model, residency) !== null) return
    event.preventDefault()
    if (event.shiftKey) toggleModel(chosen?.id ?? null, model.id)
    else chooseNextModel(model.id)
    onChosen()
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event)
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}
