import { useState } from 'react'
import type { Asking, Preset } from '../../contract/asking.ts'
import { saveSettings } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Menu } from '../ui/menu.tsx'
import styles from './asking-dialog.module.css'
import { deletePreset, renamePreset, savePreset } from './asking.ts'

type PresetsProps = {
  readonly presets: readonly Preset[]
  readonly defaultPresetId: string | null
  /** What is set now, to be kept under a name. */
  readonly asking: Asking
  readonly act: (work: () => Promise<void>) => void
  readonly onApply: (preset: Preset) => void
}

/** Named ways of asking: applied, kept, renamed, deleted, and chosen for new conversations. */
export function Presets({ presets, defaultPresetId, asking, act, onApply }: PresetsProps) {
  const [renamedId, setRenamedId] = useState<string | null>(null)
  const [name, setName] = useState('')
  const isKnown = presets.some((preset) => preset.name === name.trim())
  const save = () => {
    if (name.trim() === '') return
    act(() => savePreset(name.trim(), asking))
    setName('')
  }
  return (
    <section aria-label="Presets">
      <h3>Presets</h3>
      <p className={styles['note']}>
        What is set here under one name, to be used in other conversations: instructions, Auto, the check of
        answers, sampling and JSON schema.
      </p>
      {presets.length > 0 && (
        <ul className={styles['presets']}>
          {presets.map((preset) => (
            <li key={preset.id} className={styles['preset']}>
              {renamedId === preset.id ? (
                <Rename
                  preset={preset}
                  onDone={(next) => {
                    setRenamedId(null)
                    if (next !== preset.name) act(() => renamePreset(preset.id, next))
                  }}
                />
              ) : (
                <span className={styles['name']}>{preset.name}</span>
              )}
              {preset.id === defaultPresetId && (
                <span className={styles['default']}>for new conversations</span>
              )}
              <Button aria-label={`Apply ${preset.name}`} onClick={() => onApply(preset)}>
                Apply
              </Button>
              <Menu
                label={`Actions for the preset ${preset.name}`}
                items={[
                  {
                    label:
                      preset.id === defaultPresetId
                        ? 'Not for new conversations'
                        : 'Use for new conversations',
                    icon: 'check',
                    onSelect: () =>
                      act(() =>
                        saveSettings({ defaultPresetId: preset.id === defaultPresetId ? null : preset.id }),
                      ),
                  },
                  { label: 'Rename', icon: 'pencil', onSelect: () => setRenamedId(preset.id) },
                  {
                    label: 'Replace with what is set here',
                    icon: 'swap',
                    onSelect: () => act(() => savePreset(preset.name, asking)),
                  },
                  {
                    label: 'Delete',
                    icon: 'trash',
                    danger: true,
                    onSelect: () => act(() => deletePreset(preset.id)),
                  },
                ]}
              />
            </li>
          ))}
        </ul>
      )}
      <div className={styles['buttons']}>
        <input
          className={styles['input']}
          aria-label="Name of a new preset"
          placeholder="Name"
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') save()
          }}
        />
        <Button disabled={name.trim() === ''} onClick={save}>
          {isKnown ? 'Replace preset' : 'Save as preset'}
        </Button>
      </div>
    </section>
  )
}

function Rename({ preset, onDone }: { readonly preset: Preset; readonly onDone: (name: string) => void }) {
  const [name, setName] = useState(preset.name)
  const commit = () => onDone(name.trim() === '' ? preset.name : name.trim())
  return (
    <input
      ref={(input) => input?.focus()}
      className={styles['input']}
      aria-label={`Name of the preset ${preset.name}`}
      maxLength={80}
      value={name}
      onChange={(event) => setName(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit()
        if (event.key !== 'Escape') return
        event.preventDefault()
        event.stopPropagation()
        onDone(preset.name)
      }}
    />
  )
}
