import { useId, useRef, useState, type KeyboardEvent } from 'react'
import { flushSync } from 'react-dom'
import type { LibraryModel } from '../../contract/model.ts'
import { usePreview } from '../library/use-preview.ts'
import { showDialog, useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { ariaChord, chordText } from '../ui/shortcut.ts'
import { autoKeys, chooseAuto, chooseNextModel, isAutoNext } from './auto-choice.ts'
import { describeCost } from './load-cost.ts'
import styles from './model-menu.module.css'
import { describeState, residentIds, whyUnusable, type Residency } from './next-model.ts'
import { toggleModel } from './several-models.ts'

/** More than this is not read but searched. */
const mostOptions = 60
/** Stands among the ids of models for no model in particular. */
const autoId = 'auto'

type ModelMenuProps = {
  readonly models: readonly LibraryModel[]
  readonly residency: Residency
  readonly chosen: LibraryModel | null
  /** Those that are asked beside it; null: one model is chosen at a time. */
  readonly beside: readonly LibraryModel[] | null
  readonly onChosen: () => void
}

/** A button that opens the list of all models, with what each would cost; typing narrows it. */
export function ModelMenu({ models, residency, chosen, beside, onChosen }: ModelMenuProps) {
  const popover = useRef<HTMLDivElement>(null)
  const [isOpen, setIsOpen] = useState(false)
  const id = useId()
  return (
    <>
      <button
        type="button"
        className={styles['button']}
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        aria-keyshortcuts={ariaChord('Ctrl+M')}
        title={`All models (${chordText('Ctrl+M')})`}
        popoverTarget={id}
      >
        All models <Icon name="chevron-down" size={12} />
      </button>
      <div
        ref={popover}
        id={id}
        data-model-menu=""
        popover="auto"
        className={styles['popover']}
        // Before and at once: the search field has to be there when the browser moves the focus, or the first
        // letters that are typed go elsewhere.
        onBeforeToggle={({ newState }) => {
          if (newState === 'open') flushSync(() => setIsOpen(true))
        }}
        // After: the browser gives the focus back only from something that is still there.
        onToggle={({ newState }) => setIsOpen(newState === 'open')}
      >
        {isOpen && (
          <ModelOptions
            models={models}
            residency={residency}
            chosen={chosen}
            beside={beside}
            onDone={(isChosen) => {
              popover.current?.hidePopover()
              if (isChosen) onChosen()
            }}
          />
        )}
      </div>
    </>
  )
}

/** Opens the list of all models, or closes it. */
export function toggleModelMenu(): void {
  document.querySelector<HTMLElement>('[data-model-menu]')?.togglePopover()
}

type ModelOptionsProps = Omit<ModelMenuProps, 'onChosen'> & {
  readonly onDone: (isChosen: boolean) => void
}

function ModelOptions({ models, residency, chosen, beside, onDone }: ModelOptionsProps) {
  const id = useId()
  const [filter, setFilter] = useState('')
  const isAuto = useApp(isAutoNext)
  const [activeId, setActiveId] = useState(isAuto ? autoId : (chosen?.id ?? null))
  const order = residentIds(residency)
  const found = sortModels(models, residency).filter(({ name }) => matches(name, filter))
  const shown = found.slice(0, mostOptions)
  const choosable = shown.filter((model) => whyUnusable(model, residency) === null)
  const typed = filter.trim().toLowerCase()
  const hasAuto = models.length > 0 && autoId.startsWith(typed)
  const ids = [...(hasAuto ? [autoId] : []), ...choosable.map(({ id }) => id)]
  // What is typed is the name of a model rather than the beginning of "Auto".
  const first = typed === autoId ? ids[0] : (choosable[0]?.id ?? ids[0])
  const active = ids.find((each) => each === activeId) ?? first

  const choose = (model: LibraryModel, { isAdded }: { readonly isAdded: boolean }) => {
    if (isAdded || beside) {
      toggleModel(chosen?.id ?? null, model.id)
      return
    }
    chooseNextModel(model.id)
    onDone(true)
  }
  const onAuto = () => {
    chooseAuto()
    onDone(true)
  }
  const onEnter = ({ isAdded }: { readonly isAdded: boolean }) => {
    const model = choosable.find(({ id }) => id === active)
    if (model) choose(model, { isAdded })
    else onAuto()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const at = active === undefined ? -1 : ids.indexOf(active)
    const last = ids.length - 1
    const to = {
      ArrowDown: at < last ? at + 1 : 0,
      ArrowUp: at > 0 ? at - 1 : last,
      PageDown: last,
      PageUp: 0,
    }[event.key]
    if (to !== undefined) setActiveId(ids[to] ?? null)
    else if (event.key === 'Enter' && active !== undefined)
      onEnter({ isAdded: event.ctrlKey || event.metaKey })
    else return
    event.preventDefault()
  }
  return (
    <>
      <div className={styles['search']}>
        <Icon name="search" />
        <input
          ref={takeFocus}
          role="combobox"
          aria-label="Find a model"
          aria-expanded="true"
          aria-controls={`${id}list`}
          aria-activedescendant={active === undefined ? undefined : `${id}${active}`}
          aria-autocomplete="list"
          placeholder="Find a model"
          autoComplete="off"
          spellCheck={false}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <div
        id={`${id}list`}
        role="listbox"
        aria-label="Models"
        aria-multiselectable={beside !== null}
        className={styles['list']}
      >
        {hasAuto && (
          <AutoOption
            id={`${id}${autoId}`}
            isChosen={isAuto}
            isActive={active === autoId}
            onActive={() => setActiveId(autoId)}
            onChoose={onAuto}
          />
        )}
        {shown.map((model) => (
          <ModelOption
            key={model.id}
            id={`${id}${model.id}`}
            model={model}
            residency={residency}
            nth={order.indexOf(model.id) + 1}
            isChosen={(model === chosen && !isAuto) || (beside?.includes(model) ?? false)}
            isActive={model.id === active}
            onActive={() => setActiveId(model.id)}
            onChoose={(isAdded) => choose(model, { isAdded })}
          />
        ))}
      </div>
      {shown.length === 0 && !hasAuto && <p className={styles['none']}>No model of that name</p>}
      {found.length > shown.length && (
        <p className={styles['none']}>{`${String(found.length - shown.length)} more: type to find them`}</p>
      )}
      <button
        type="button"
        className={styles['library']}
        onClick={() => {
          onDone(false)
          showDialog('library')
        }}
      >
        <Icon name="library" /> Open the library
      </button>
    </>
  )
}

/** Leaves it to a router who answers. */
function AutoOption({
  id,
  isChosen,
  isActive,
  onActive,
  onChoose,
}: Pick<ModelOptionProps, 'id' | 'isChosen' | 'isActive' | 'onActive'> & { readonly onChoose: () => void }) {
  return (
    // The keyboard is the search field's, as with models.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      ref={isActive ? showOption : null}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      className={styles['option']}
      data-active={isActive || undefined}
      onPointerMove={isActive ? undefined : onActive}
      onClick={onChoose}
    >
      <span className={styles['auto']}>
        <Icon name="route" size={14} />
      </span>
      <span className={styles['name']}>Auto</span>
      <span className={styles['hint']}>
        {isChosen ? <Icon name="check" size={14} /> : <kbd>{chordText(autoKeys)}</kbd>}
      </span>
      <span className={styles['note']}>A router reads each message and finds who answers</span>
    </div>
  )
}

type ModelOptionProps = {
  readonly id: string
  readonly model: LibraryModel
  readonly residency: Residency
  readonly nth: number
  readonly isChosen: boolean
  readonly isActive: boolean
  readonly onActive: () => void
  /** `isAdded`: beside those that are chosen. */
  readonly onChoose: (isAdded: boolean) => void
}

function ModelOption(props: ModelOptionProps) {
  const { id, model, residency, nth, isChosen, isActive, onActive, onChoose } = props
  const state = residency[model.id]
  const isHere = state === 'ready' || state === 'busy'
  const unusable = whyUnusable(model, residency)
  const hasPrice = unusable === null && (state === undefined || state === 'failed')
  const cost = describeCost(usePreview(hasPrice ? model.id : null))
  const note = unusable ?? cost?.text ?? describeState(state)
  return (
    // The keyboard is the search field's: the options are its list.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      ref={isActive ? showOption : null}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      aria-disabled={unusable !== null}
      className={styles['option']}
      data-active={isActive || undefined}
      data-cost={unusable === null ? cost?.kind : 'refused'}
      onPointerMove={isActive || unusable !== null ? undefined : onActive}
      onClick={unusable === null ? (event) => onChoose(event.ctrlKey || event.metaKey) : undefined}
    >
      <ModelSwatch colour={model.colour} hollow={!isHere} />
      <span className={styles['name']} title={model.name}>
        {model.name}
      </span>
      <span className={styles['hint']}>
        {isChosen ? (
          <Icon name="check" size={14} />
        ) : nth > 0 && nth < 10 ? (
          <kbd>{chordText(`Alt+${String(nth)}`)}</kbd>
        ) : null}
      </span>
      <span className={styles['note']}>{note}</span>
    </div>
  )
}

/** Residents in the pool's order, then the others by name, those that cannot be used last. */
function sortModels(models: readonly LibraryModel[], residency: Residency): readonly LibraryModel[] {
  const order = residentIds(residency)
  const rank = (model: LibraryModel) => {
    const at = order.indexOf(model.id)
    return at !== -1 ? at : whyUnusable(model, residency) === null ? order.length : order.length + 1
  }
  return models.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
}

/** Whether each word of the filter is somewhere in the name. */
function matches(name: string, filter: string): boolean {
  const lower = name.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word))
}

// The attribute, which React does not write: a popover that opens gives the focus to it.
function takeFocus(input: HTMLInputElement | null): void {
  input?.setAttribute('autofocus', '')
}

function showOption(option: HTMLElement | null): void {
  option?.scrollIntoView({ block: 'nearest' })
}
