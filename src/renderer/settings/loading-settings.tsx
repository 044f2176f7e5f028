import { NumberField } from '../ui/number-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { Check } from './check.tsx'
import type { SettingItem } from './setting-item.ts'

const restores = [
  { value: 'ask', name: 'Ask' },
  { value: 'always', name: 'Always' },
  { value: 'never', name: 'Never' },
] as const

/** What is loaded by itself, and how models compute. */
export const loadingSettings: readonly SettingItem[] = [
  {
    id: 'restoreResidents',
    title: 'Models of the last session',
    section: 'Loading',
    unit: null,
    byDefault: 'ask',
    effect: 'Whether the models of the last session are loaded when Plenum starts.',
    field: ({ settings, save }, noteId) => (
      <SelectField
        label="Models of the last session"
        value={settings.restoreResidents}
        options={restores}
        describedBy={noteId}
        onChoose={(restoreResidents) => save({ restoreResidents })}
      />
    ),
  },
  {
    id: 'loadOnDrop',
    title: 'Load dropped models at once',
    section: 'Loading',
    unit: null,
    byDefault: 'on',
    effect:
      'A dropped model is loaded at once when nobody has to leave for it; else its price is shown first.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Load dropped models at once"
        isOn={settings.loadOnDrop}
        describedBy={noteId}
        onChange={(loadOnDrop) => save({ loadOnDrop })}
      />
    ),
  },
  {
    id: 'spareProcess',
    title: 'Keep a process ready',
    section: 'Loading',
    unit: null,
    byDefault: 'on',
    effect:
      'While nothing happens, a process without a model is kept ready, so that the next load begins at once. It takes about 45 MB, and goes when memory is short.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Keep a process ready"
        isOn={settings.spareProcess}
        describedBy={noteId}
        onChange={(spareProcess) => save({ spareProcess })}
      />
    ),
  },
  {
    id: 'speculativeDecoding',
    title: 'Speculative decoding',
    section: 'Loading',
    unit: null,
    byDefault: 'automatic',
    effect:
      'Answers may be drafted ahead, by looking up in the conversation or by a smaller model, and are checked several tokens at a time. They stay the same. It is used where it was measured to be faster; each model’s load settings say what drafts.',
    field: ({ settings, save }, noteId) => (
      <SelectField
        label="Speculative decoding"
        value={settings.speculativeDecoding}
        options={[
          { value: 'auto', name: 'Automatic' },
          { value: 'off', name: 'Off' },
        ]}
        describedBy={noteId}
        onChoose={(speculativeDecoding) => save({ speculativeDecoding })}
      />
    ),
  },
  {
    id: 'threads',
    title: 'Threads',
    section: 'Loading',
    unit: 'threads',
    byDefault: 'one less than the cores',
    effect: 'How many threads of the CPU each model computes with, from its next load on.',
    field: ({ settings, save }, noteId) => (
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
    ),
  },
]
