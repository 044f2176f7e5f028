import { useId, useRef, useState, type KeyboardEvent } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { LibraryModel } from '../../contract/model.ts'
import type { ModelRole, RequestLabel } from '../../contract/routing.ts'
import { host, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { useAct } from '../ui/use-act.ts'
import styles from './model-role.module.css'
import {
  draftOf,
  keptRole,
  knownLabelNames,
  mostLabels,
  noRole,
  readLabel,
  roleText,
  type LabelDraft,
} from './model-roles.ts'

/** What Auto may ask a model for: folded to one line, which unfolds to its labels and duties. Changes hold at once. */
export function ModelRoleSection({ model }: { readonly model: LibraryModel }) {
  const [isShown, setIsShown] = useState(false)
  const role = model.role ?? noRole
  return (
    <details
      className={styles['role']}
      open={isShown}
      onToggle={({ currentTarget }) => setIsShown(currentTarget.open)}
    >
      <summary>
        <Icon name="chevron-right" size={12} />
        <span className={styles['title']}>Role for Auto</span>
        <span className={styles['summary']}>{roleText(role)}</span>
      </summary>
      {isShown && <RoleFields modelId={model.id} role={role} />}
    </details>
  )
}

function RoleFields({ modelId, role }: { readonly modelId: string; readonly role: ModelRole }) {
  const id = useId()
  const [adding, setAdding] = useState(false)
  const add = useRef<HTMLButtonElement>(null)
  const { problem, act } = useAct()
  const names = useApp(useShallow((state) => knownLabelNames(state.models)))
  const save = (changes: Partial<ModelRole>) =>
    act(() => saveRole(modelId, keptRole({ ...role, ...changes })))
  const replace = (label: RequestLabel, next: RequestLabel | null) =>
    save({ labels: role.labels.flatMap((each) => (each === label ? (next ? [next] : []) : [each])) })
  const othersOf = (label: RequestLabel | null) =>
    role.labels.flatMap((each) => (each === label ? [] : [each.name]))
  return (
    <div className={styles['fields']}>
      {problem && (
        <div role="alert">
          <ProblemText problem={problem} />
        </div>
      )}
      <h4>Labels</h4>
      <p className={styles['note']}>
        The kinds of requests that it answers. The same name in several models is the same label: Auto takes
        one of them that is in memory, else the one that is done first.
      </p>
      <datalist id={`${id}names`}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {role.labels.map((label) => (
        <LabelFields
          key={label.name}
          label={label}
          otherNames={othersOf(label)}
          namesId={`${id}names`}
          onSave={(next) => void replace(label, next)}
          onRemove={() => {
            void replace(label, null)
            // The button goes; the focus stays in the section.
            add.current?.focus()
          }}
        />
      ))}
      {adding && (
        <LabelFields
          label={null}
          otherNames={othersOf(null)}
          namesId={`${id}names`}
          onSave={(next) => {
            setAdding(false)
            void save({ labels: [...role.labels, next] })
            add.current?.focus()
          }}
          onRemove={() => {
            setAdding(false)
            add.current?.focus()
          }}
        />
      )}
      <div>
        <Button
          ref={add}
          icon="plus"
          aria-disabled={adding || role.labels.length >= mostLabels}
          onClick={() => {
            if (role.labels.length < mostLabels) setAdding(true)
          }}
        >
          Add a label
        </Button>
      </div>
      <h4>Duties</h4>
      <Duty
        name="Sorts requests"
        note="As the router of Auto it reads each message and says which label fits. A small model is quick at that."
        isOn={role.routes}
        onChange={(routes) => void save({ routes })}
      />
      <Duty
        name="Checks answers"
        note="As the verifier it reads question and answer, and says PASS or FAIL, and why."
        isOn={role.verifies}
        onChange={(verifies) => void save({ verifies })}
      />
    </div>
  )
}

/** Seen at once; rejects with the host's problem, and the role is as it was. */
async function saveRole(id: string, role: ModelRole | null): Promise<void> {
  const show = (shown: (model: LibraryModel) => LibraryModel) =>
    useApp.setState(({ models }) => ({
      models: models.map((model) => (model.id === id ? shown(model) : model)),
    }))
  const before = useApp.getState().models.find((model) => model.id === id)
  show((model) => ({ ...model, role: role ?? undefined }))
  try {
    const saved = await host().models.update({ id, role })
    show(() => saved)
  } catch (error) {
    if (before) show(() => before)
    throw error
  }
}

function Duty({
  name,
  note,
  isOn,
  onChange,
}: {
  readonly name: string
  readonly note: string
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
}) {
  const id = useId()
  return (
    <div>
      <label className={styles['duty']}>
        <input
          type="checkbox"
          checked={isOn}
          aria-describedby={id}
          onChange={(event) => onChange(event.target.checked)}
        />
        {name}
      </label>
      <p id={id} className={styles['note']}>
        {note}
      </p>
    </div>
  )
}

type LabelFieldsProps = {
  /** Null: one that is being added. */
  readonly label: RequestLabel | null
  readonly otherNames: readonly string[]
  /** The list of names that there are. */
  readonly namesId: string
  readonly onSave: (label: RequestLabel) => void
  readonly onRemove: () => void
}

/** One label: its fields are kept together, when all of them are right. */
function LabelFields({ label, otherNames, namesId, onSave, onRemove }: LabelFieldsProps) {
  const id = useId()
  const stored = label ? draftOf(label) : emptyLabel
  const [typed, setTyped] = useState<Partial<LabelDraft>>({})
  const draft = { ...stored, ...typed }
  const isChanged = Object.entries(draft).some(([field, text]) => text !== stored[field as keyof LabelDraft])
  const read = readLabel(draft, { otherNames })
  // A name that is still to be typed is no mistake yet.
  const error = 'error' in read && (typed.name ?? stored.name) !== '' ? read.error : null
  const change = (changes: Partial<LabelDraft>) => setTyped({ ...typed, ...changes })
  const save = () => {
    if ('error' in read) return
    setTyped({})
    onSave(read.label)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // The browser presses a button of its own kind, and only that.
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement && !event.nativeEvent.isComposing) {
      event.preventDefault()
      save()
      return
    }
    if (event.key !== 'Escape' || (label !== null && !isChanged)) return
    // Takes the change back; the dialog stays open.
    event.preventDefault()
    event.stopPropagation()
    setTyped({})
    if (label === null) onRemove()
  }
  const described = error === null ? undefined : `${id}error`
  return (
    <div role="group" className={styles['label']} aria-label={label ? `Label ${label.name}` : 'New label'}>
      <div className={styles['nameRow']}>
        <label htmlFor={`${id}name`}>Name</label>
        <input
          id={`${id}name`}
          ref={label === null ? focusField : null}
          className={styles['input']}
          list={namesId}
          placeholder="code"
          autoComplete="off"
          maxLength={32}
          value={draft.name}
          aria-invalid={error !== null}
          aria-describedby={described}
          onKeyDown={onKeyDown}
          onChange={(event) => change({ name: event.target.value })}
        />
        <Button
          look="quiet"
          icon={label ? 'trash' : 'close'}
          aria-label={label ? `Remove the label ${label.name}` : 'Add no label'}
          title={label ? 'Remove the label' : 'Add no label'}
          onClick={onRemove}
        />
      </div>
      <label htmlFor={`${id}about`}>About</label>
      <input
        id={`${id}about`}
        className={styles['input']}
        placeholder="What such requests are about, for the router"
        autoComplete="off"
        maxLength={500}
        value={draft.description}
        onKeyDown={onKeyDown}
        onChange={(event) => change({ description: event.target.value })}
      />
      <label htmlFor={`${id}examples`}>Examples, one a line</label>
      <textarea
        id={`${id}examples`}
        className={styles['input']}
        rows={Math.min(6, Math.max(2, draft.examples.split('\n').length))}
        placeholder={label ? undefined : 'Write a function that sorts a list.'}
        value={draft.examples}
        onKeyDown={onKeyDown}
        onChange={(event) => change({ examples: event.target.value })}
      />
      {error !== null && (
        <p id={`${id}error`} className={styles['error']} role="alert">
          {error}
        </p>
      )}
      {isChanged && (
        <div className={styles['buttons']}>
          <Button look="primary" disabled={'error' in read} onClick={save}>
            {label ? 'Keep the change' : 'Add'}
          </Button>
          {label && <Button onClick={() => setTyped({})}>As it was</Button>}
        </div>
      )}
    </div>
  )
}

const emptyLabel: LabelDraft = { name: '', description: '', examples: '' }

function focusField(field: HTMLInputElement | null): void {
  field?.focus()
}
