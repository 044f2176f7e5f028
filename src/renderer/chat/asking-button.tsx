import { showDialog, useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { askingSummary, shownAsking } from './asking.ts'
import styles from './composer.module.css'

/** Opens instructions and sampling of the conversation; marked when something is set. */
export function AskingButton() {
  const set = useApp((state) => askingSummary(shownAsking(state)))
  return (
    <button
      type="button"
      className={styles['tool']}
      data-set={set === '' ? undefined : ''}
      aria-label="Instructions and sampling"
      title={set === '' ? 'Instructions and sampling' : `Instructions and sampling: ${set} set`}
      onClick={() => showDialog('asking')}
    >
      <Icon name="sliders" />
    </button>
  )
}
