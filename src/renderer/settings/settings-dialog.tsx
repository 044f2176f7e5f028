import { useId, useState, type ReactNode } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { formatBytes, GB, MB } from '../contract/bytes.ts'
import { toProblem, type Problem } from '../contract/errors.ts'
import type { PoolSnapshot } from '../contract/memory.ts'
import type { Settings, SettingsChanges } from '../contract/settings.ts'
import { FolderBrowser } from './library/folder-browser.tsx'
import { forgetFolder, watchFolder } from './library/folders.ts'
import styles from './settings-dialog.module.css'
import { host, saveSettings, showDialog, useApp } from './store.ts'
import { Button } from './ui/button.tsx'
import { Dialog } from './ui/dialog.tsx'
import { NumberField } from './ui/number-field.tsx'
import { ProblemText } from './ui/problem-text.tsx'
import { SelectField } from './ui/select-field.tsx'
import { SizeField } from './ui/size-field.tsx'

const policies = [
  { value: 'cost', name: 'Cheapest to bring back' },
  { value: 'lru', name: 'Longest unused' },
  { value: 'lru_access', name: 'Least often used' },
] as const

const restores = [
  { value: 'ask', name: 'Ask' },
  { value: 'always', name: 'Always' },
  { value: 'never', name: 'Never' },
] as const

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
            <LoadSettings settings={settings} save={(changes) => act(() => saveSettings(changes))} />
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

type GroupProps = { readonly settings: Settings; readonly save: (changes: SettingsChanges) => void }

function PoolSettings({ settings, pool, save }: GroupProps & { readonly pool: PoolSnapshot | null }) {
  const machine = pool ? formatBytes(pool.machine.totalBytes) : 'what the machine has'
  // The settings are of the pool's first domain: the card's memory where it has its own.
  const domain = pool?.domains[0]
  const asDetected = domain?.id === 'unified' ? (pool?.machine.totalBytes ?? null) : null
  return (
    <Group title="Memory pool">
      <Setting
        effect={`How much of the machine's memory the pool may show and share out. Default: what the machine has.${inForce(settings.poolSizeBytes ?? asDetected, domain?.totalBytes)}`}
      >
        {(noteId) => (
          <SizeField
            label="Pool size"
            bytes={settings.poolSizeBytes}
            placeholder={machine}
            minBytes={64 * MB}
            describedBy={noteId}
            onCommit={(bytes) => save({ poolSizeBytes: bytes })}
          />
        )}
      </Setting>
      <Setting
        effect={`Kept free of models, so that the machine stays responsive. Default: a sixteenth of the pool, at least ${formatBytes(512 * MB)} and at most ${formatBytes(8 * GB)}.${inForce(settings.reserveBytes, domain?.reserveBytes)}`}
      >
        {(noteId) => (
          <SizeField
            label="Reserve"
            bytes={settings.reserveBytes}
            placeholder={
              pool && settings.reserveBytes === null ? formatBytes(domain?.reserveBytes ?? 0) : 'a sixteenth'
            }
            minBytes={0}
            describedBy={noteId}
            onCommit={(bytes) => save({ reserveBytes: bytes })}
          />
        )}
      </Setting>
      <Setting effect="Which idle model leaves first when another needs its room; pinned models and models that answer never leave. Default: cheapest to bring back.">
        {(noteId) => (
          <SelectField
            label="Who leaves first"
            value={settings.evictionPolicy}
            options={policies}
            describedBy={noteId}
            onChoose={(evictionPolicy) => save({ evictionPolicy })}
          />
        )}
      </Setting>
      <Setting effect="A model that nobody has used for this long is unloaded, unless it is pinned. Default: never.">
        {(noteId) => (
          <NumberField
            label="Unload when idle for"
            unit="minutes"
            value={settings.idleUnloadMinutes}
            placeholder="never"
            min={0.1}
            max={525_600}
            fractions
            describedBy={noteId}
            onCommit={(idleUnloadMinutes) => save({ idleUnloadMinutes })}
          />
        )}
      </Setting>
    </Group>
  )
}

/** Says so when a flag of the start overrules a setting. */
function inForce(bytes: number | null, actualBytes: number | undefined): string {
  if (bytes === null || actualBytes === undefined || bytes === actualBytes) return ''
  return ` Now ${formatBytes(actualBytes)}, as given at the start.`
}

function LoadSettings({ settings, save }: GroupProps) {
  return (
    <Group title="Loading">
      <Setting effect="Whether the models of the last session are loaded when Plenum starts. Default: ask.">
        {(noteId) => (
          <SelectField
            label="Models of the last session"
            value={settings.restoreResidents}
            options={restores}
            describedBy={noteId}
            onChoose={(restoreResidents) => save({ restoreResidents })}
          />
        )}
      </Setting>
      <Setting effect="A dropped model is loaded at once when nobody has to leave for it; else its price is shown first. Default: on.">
        {(noteId) => (
          <Check
            label="Load dropped models at once"
            isOn={settings.loadOnDrop}
            describedBy={noteId}
            onChange={(loadOnDrop) => save({ loadOnDrop })}
          />
        )}
      </Setting>
      <Setting effect="How much of a conversation a model can hold, when the model itself says nothing else; never more than it was trained with. Default: 4,096 tokens.">
        {(noteId) => (
          <NumberField
            label="Context size"
            unit="tokens"
            value={settings.contextTokens}
            placeholder="4,096"
            min={64}
            max={16_777_216}
            describedBy={noteId}
            onCommit={(contextTokens) => save({ contextTokens: contextTokens ?? 4096 })}
          />
        )}
      </Setting>
      <Setting effect="How many threads of the CPU each model computes with, from its next load on. Default: one less than the cores.">
        {(noteId) => (
          <NumberField
            label="Threads"
            unit="threads"
            value={settings.threads}
            placeholder="cores − 1"
            min={1}
            max={1024}
            describedBy={noteId}
            onCommit={(threads) => save({ threads })}
          />
        )}
      </Setting>
    </Group>
  )
}

function LibrarySettings({
  settings,
  canChoose,
  save,
  act,
}: GroupProps & { readonly canChoose: boolean; readonly act: (work: () => Promise<void>) => void }) {
  const [isBrowsing, setIsBrowsing] = useState(false)
  const choose = async () => {
    for (const path of await host().files.choose({ kind: 'folder' })) await watchFolder(path)
  }
  return (
    <Group title="Library">
      <Setting effect="Models that LM Studio, Ollama and the Hugging Face cache have on this machine are listed and used in place, never copied. Default: on.">
        {(noteId) => (
          <Check
            label="Find models of other apps"
            isOn={settings.findOtherApps}
            describedBy={noteId}
            onChange={(findOtherApps) => save({ findOtherApps })}
          />
        )}
      </Setting>
      <Setting effect="GGUF files in these folders are in the library, also those that appear later. Default: none.">
        {(noteId) => (
          <div
            className={styles['folders']}
            role="group"
            aria-label="Watched folders"
            aria-describedby={noteId}
          >
            <span>Watched folders</span>
            {settings.modelFolders.length > 0 && (
              <ul className={styles['paths']}>
                {settings.modelFolders.map((path) => (
                  <li key={path}>
                    <code className={styles['path']}>{path}</code>
                    <Button
                      look="quiet"
                      icon="close"
                      aria-label={`Stop watching ${path}`}
                      onClick={() => act(() => forgetFolder(path))}
                    />
                  </li>
                ))}
              </ul>
            )}
            <Button icon="folder" onClick={() => (canChoose ? act(choose) : setIsBrowsing(true))}>
              Watch a folder…
            </Button>
          </div>
        )}
      </Setting>
      {isBrowsing && (
        <FolderBrowser
          onClose={() => setIsBrowsing(false)}
          onWatch={(path) => {
            setIsBrowsing(false)
            act(() => watchFolder(path))
          }}
        />
      )}
    </Group>
  )
}

function Group({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={styles['group']} aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  )
}

/** A field and, beside it, its default and its effect. */
function Setting({
  effect,
  children,
}: {
  readonly effect: string
  readonly children: (noteId: string) => ReactNode
}) {
  const noteId = useId()
  return (
    <div className={styles['setting']}>
      {children(noteId)}
      <p id={noteId} className={styles['effect']}>
        {effect}
      </p>
    </div>
  )
}

function Check({
  label,
  isOn,
  describedBy,
  onChange,
}: {
  readonly label: string
  readonly isOn: boolean
  readonly describedBy: string
  readonly onChange: (isOn: boolean) => void
}) {
  return (
    <label className={styles['check']}>
      <input
        type="checkbox"
        checked={isOn}
        aria-describedby={describedBy}
        onChange={(event) => onChange(event.target.checked)}
      />
      {label}
    </label>
  )
}
