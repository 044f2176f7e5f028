import { showDialog } from './store.ts'
import { Dialog } from './ui/dialog.tsx'

/** Everything that can be set for the whole app. */
export function SettingsDialog() {
  return (
    <Dialog title="Settings" onClose={() => showDialog(null)}>
      <p />
    </Dialog>
  )
}
