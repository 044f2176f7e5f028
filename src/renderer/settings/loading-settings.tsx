import { NumberField } from '../ui/number-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { Check, Group, Setting, type GroupProps } from './setting.tsx'

const restores = [
  { value: 'ask', name: 'Ask' },
  { value: 'always', name: 'Always' },
  { value: 'never', name: 'Never' },
] as const

/** What is loaded by itself, and how models compute. */
export function LoadingSettings({ settings, save }: GroupProps) {
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
      <Setting effect="While nothing happens, a process without a model is kept ready, so that the next load begins at once. It takes about 45 MB, and goes when memory is short. Default: on.">
        {(noteId) => (
          <Check
            label="Keep a process ready"
            isOn={settings.spareProcess}
            describedBy={noteId}
            onChange={(spareProcess) => save({ spareProcess })}
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
