import { useEffect, useRef } from 'react'
import type { LibraryModel } from '../../contract/model.ts'
import { mostAnswerers } from '../../contract/conversation.ts'
import { useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { ariaChord, chordText } from '../ui/shortcut.ts'
import { autoKeys, chooseAuto, chooseNextModel, isAutoNext } from './auto-choice.ts'
import { ModelMenu } from './model-menu.tsx'
import styles from './model-picker.module.css'
import { describeState, residentIds, whyUnusable, type Residency } from './next-model.ts'
import { chooseSeveral, toggleModel } from './several-models.ts'

/** As the list of commands has it. */
const severalKeys = 'Alt+0'

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
 * The model of the next turn: residents as chips, every model of the library in a menu. Their keys are among the
 * commands; Ctrl+click chooses one beside those that are chosen.
 */
export function ModelPicker({ models, residency, chosen, beside, onChosen }: ModelPickerProps) {
  const isAuto = useApp(isAutoNext)
  const residents = residentIds(residency)
    .map((id) => models.find((model) => model.id === id))
    .filter((model) => model !== undefined)
  const chips = residents.slice(0, mostChips)
  if (chosen && !chips.includes(chosen)) chips.splice(Math.min(chips.length, mostChips - 1), 1, chosen)
  for (const model of beside ?? []) if (!chips.includes(model)) chips.push(model)
  const chosenId = chosen?.id ?? null
  const row = useRef<HTMLFieldSetElement>(null)
  // In a narrow window the row is wider than what is seen of it.
  useEffect(() => {
    const chip = row.current?.querySelector<HTMLElement>('label:has(:checked)')
    if (!row.current || !chip) return
    const { offsetLeft, clientWidth } = row.current
    row.current.scrollLeft = chip.offsetLeft - offsetLeft - (clientWidth - chip.offsetWidth) / 2
  }, [chosenId, isAuto])
  return (
    <>
      <fieldset ref={row} className={styles['chips']} data-tour="model">
        <legend className="visually-hidden">{beside ? 'Models for this turn' : 'Model for this turn'}</legend>
        {beside === null && models.length > 0 && <AutoChip isChosen={isAuto} />}
        {chips.map((model) => (
          <Chip
            key={model.id}
            model={model}
            residency={residency}
            isChosen={(model === chosen && !isAuto) || (beside?.includes(model) ?? false)}
            chosenId={chosenId}
            isOneOfSeveral={beside !== null}
            nth={residents.indexOf(model) + 1}
          />
        ))}
      </fieldset>
      <div className={styles['more']}>
        <ModelMenu
          models={models}
          residency={residency}
          chosen={chosen}
          beside={beside}
          onChosen={onChosen}
        />
        <button
          type="button"
          className={styles['several']}
          aria-label="Several"
          aria-pressed={beside !== null}
          aria-keyshortcuts={ariaChord(severalKeys)}
          title={
            beside === null
              ? `Ask up to ${String(mostAnswerers)} models at once, answers side by side (${chordText(severalKeys)}; also ${chordText('Mod+Click')} on a model, or @name in the message)`
              : `Ask one model again (${chordText(severalKeys)})`
          }
          onClick={() => chooseSeveral(beside === null)}
        >
          <Icon name="columns" size={14} />
          {beside !== null && (
            <span className={styles['word']}>
              Several <Icon name="close" size={12} />
            </span>
          )}
        </button>
      </div>
    </>
  )
}

/** Leaves it to a router who answers. */
function AutoChip({ isChosen }: { readonly isChosen: boolean }) {
  return (
    <label
      className={styles['chip']}
      data-auto=""
      title={`Auto: a router reads each message and finds who answers (${chordText(autoKeys)})`}
    >
      <input
        type="radio"
        name="next-model"
        className="visually-hidden"
        aria-keyshortcuts={ariaChord(autoKeys)}
        checked={isChosen}
        onChange={chooseAuto}
      />
      <Icon name="route" size={14} />
      <span className={styles['name']}>Auto</span>
    </label>
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
  const hint = [
    model.name,
    describeState(state),
    nth > 0 && nth < 10 ? chordText(`Alt+${String(nth)}`) : null,
  ]
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
      {isOneOfSeveral && isChosen ? (
        <span className={styles['check']}>
          <Icon name="check" size={12} />
        </span>
      ) : (
        <ModelSwatch colour={model.colour} hollow={!isHere} />
      )}
      <span className={styles['name']}>{model.name}</span>
    </label>
  )
}
