import { showDialog } from '../store.ts'
import { Dialog } from '../ui/dialog.tsx'

/** All models that this machine has for Plenum. */
export function LibraryDialog() {
  return (
    <Dialog title="Library" size="large" onClose={() => showDialog(null)}>
      <p />
    </Dialog>
  )
}
