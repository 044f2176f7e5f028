import { useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { saveSettings, showDialog, useApp } from '../store.ts'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { ConversationSettings } from './conversation-settings.tsx'
import { LibrarySettings } from './library-settings.tsx'
import { LoadingSettings } from './loading-settings.tsx'
import { PoolSettings } from './pool-settings.tsx'
import styles from './settings.module.css'

/** Everything that can be set for the whole app, each with its default and what it does. Changes hold at once. */
export function SettingsDialog() {
  const { settings, pool, canChoose } = useApp(
    useShallow((state) => ({
      settings: state.settings,
      pool: state.pool,
      canChoose: state.host?.canChooseFiles ?? false,
    })),
  )
  const [problem, setProblem] = useState<Problem | null>(null)
  const act = (work: () => Promise<void>) => {
    setProblem(null)
    work().catch((error: unknown) => setProblem(toProblem(error)))
  }
  return (
    <Dialog title="Settings" onClose={() => showDialog(null)}>
      <div className={styles['settings']}>
        {problem && (
          <div role="alert" className={styles['problem']}>
            <ProblemText problem={problem} />
          </div>
        )}
        {settings ? (
          <>
            <PoolSettings
              settings={settings}
              pool={pool}
              save={(changes) => act(() => saveSettings(changes))}
            />
            <ConversationSettings settings={settings} save={(changes) => act(() => saveSettings(changes))} />
            <LoadingSettings settings={settings} save={(changes) => act(() => saveSettings(changes))} />
            <LibrarySettings
              settings={settings}
              canChoose={canChoose}
              act={act}
              save={(changes) => act(() => saveSettings(changes))}
            />
          </>
        ) : (
          <p>The host is not connected.</p>
        )}
      </div>
    </Dialog>
  )
}
