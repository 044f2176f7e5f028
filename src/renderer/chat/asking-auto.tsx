import { useId } from 'react'
import type { Asking, AskingChanges } from '../../contract/asking.ts'
import { useApp } from '../store.ts'
import { Segments } from '../ui/segments.tsx'
import styles from './asking-dialog.module.css'
import { chooseAuto, endAuto } from './auto-choice.ts'

const checks = [
  { value: 'settings', name: 'As in the settings' },
  { value: 'always', name: 'Always' },
  { value: 'never', name: 'Never' },
] as const
type Checks = (typeof checks)[number]['value']

const isVerifiedBy: Record<Checks, Asking['isVerified']> = { settings: null, always: true, never: false }

/** Whether Auto finds who answers in a conversation, and whether the answers are checked. */
export function AskingAuto({
  asking,
  change,
}: {
  readonly asking: Asking
  readonly change: (changes: AskingChanges) => void
}) {
  const noteId = useId()
  const byDefault = useApp(({ settings }) => settings?.verifiesAnswers === true)
  const { isAuto, isVerified } = asking
  const value: Checks = isVerified === null ? 'settings' : isVerified ? 'always' : 'never'
  return (
    <section aria-label="Who answers, and who checks">
      <h3>Who answers, and who checks</h3>
      <label className={styles['check']}>
        <input
          type="checkbox"
          checked={isAuto}
          aria-describedby={`${noteId}auto`}
          onChange={(event) => (event.target.checked ? chooseAuto() : endAuto())}
        />
        Auto finds who answers
      </label>
      <p id={`${noteId}auto`} className={styles['note']}>
        A router reads each message and chooses by what models are for, until you choose a model yourself.
      </p>
      <div className={styles['choice']}>
        <span aria-hidden="true">Check answers</span>
        <Segments
          legend="Check answers"
          value={value}
          options={checks}
          onChoose={(chosen) => change({ isVerified: isVerifiedBy[chosen] })}
        />
      </div>
      <p className={styles['note']}>
        {`Another model reads each answer and says PASS or FAIL; what fails is repaired once. The settings say: ${byDefault ? 'always' : 'never'}.`}
      </p>
    </section>
  )
}
