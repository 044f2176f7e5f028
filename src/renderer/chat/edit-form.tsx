import type { KeyboardEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { focusComposer } from './composer.tsx'
import { changeEdit, endEdit } from './turn-actions.ts'
import styles from './edit-form.module.css'

type EditFormProps = {
  /** Of the turn or the answer. */
  readonly id: string
  readonly text: string
  readonly label: string
  /** Says what sending it does. */
  readonly action: string
  readonly hint: string
  readonly onDone: () => Promise<void>
}

/** A message or an answer that is being edited. Ctrl+Enter is done, Escape leaves it as it was. */
export function EditForm({ id, text, label, action, hint, onDone }: EditFormProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') endEdit(id)
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim() !== '') void onDone()
    else return
    event.preventDefault()
    // The field goes, and what the edit began from has gone before it.
    focusComposer()
  }
  return (
    <form
      className={styles['edit']}
      onSubmit={(event) => {
        event.preventDefault()
        void onDone()
      }}
    >
      <textarea
        ref={focusWhenAsked}
        data-edit={id}
        aria-label={label}
        value={text}
        onChange={(event) => changeEdit(id, event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className={styles['row']}>
        <p>{hint}</p>
        <Button look="quiet" onClick={() => endEdit(id)}>
          Cancel
        </Button>
        <Button look="primary" disabled={text.trim() === ''} onClick={() => void onDone()}>
          {action}
        </Button>
      </div>
    </form>
  )
}

/** The button or menu that began the edit has gone, and the focus with it. A form that only comes back into view takes it from nobody. */
function focusWhenAsked(field: HTMLTextAreaElement | null): void {
  if (!field || (document.activeElement !== document.body && document.activeElement !== null)) return
  field.focus({ preventScroll: true })
  field.setSelectionRange(field.value.length, field.value.length)
}
