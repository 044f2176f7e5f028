import { NumberField } from '../ui/number-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { SizeField } from '../ui/size-field.tsx'
import { Check } from './check.tsx'
import type { SettingItem } from './setting-item.ts'

const whenFull = [
  { value: 'slide', name: 'Oldest turns slide out' },
  { value: 'stop', name: 'Stop with a message' },
] as const

/** How much of a conversation models hold, and what is kept of it on disk. */
export const conversationSettings: readonly SettingItem[] = [
  {
    id: 'contextTokens',
    title: 'Context size',
    section: 'Conversations',
    unit: 'tokens',
    byDefault: '32,768 tokens',
    effect:
      'How much of a conversation a model can hold, when the model itself says nothing else; never more than it was trained with.',
    field: ({ settings, save }, noteId) => (
      <NumberField
        label="Context size"
        unit="tokens"
        value={settings.contextTokens}
        placeholder="32,768"
        min={64}
        max={16_777_216}
        describedBy={noteId}
        onCommit={(contextTokens) => save({ contextTokens: contextTokens ?? 32_768 })}
      />
    ),
  },
  {
    id: 'startContextTokens',
    title: 'Contexts start with',
    section: 'Conversations',
    unit: 'tokens',
    byDefault: '4,096 tokens, fewer while memory is short',
    effect:
      'A context begins with this many tokens and grows while its conversation fills it, so that short conversations take little memory; never more than the context size.',
    field: ({ settings, save }, noteId) => (
      <NumberField
        label="Contexts start with"
        unit="tokens"
        value={settings.startContextTokens}
        placeholder="4,096"
        min={64}
        max={Math.max(settings.contextTokens, settings.startContextTokens)}
        describedBy={noteId}
        onCommit={(tokens) => save({ startContextTokens: tokens ?? 4096 })}
      />
    ),
  },
  {
    id: 'contextFull',
    title: 'When a context is full',
    section: 'Conversations',
    unit: null,
    byDefault: 'oldest turns slide out',
    effect:
      'What happens when a conversation has filled its context. Sliding out: the model forgets the oldest turns and keeps the first; the conversation itself stays whole.',
    field: ({ settings, save }, noteId) => (
      <SelectField
        label="When a context is full"
        value={settings.contextFull}
        options={whenFull}
        describedBy={noteId}
        onChoose={(contextFull) => save({ contextFull })}
      />
    ),
  },
  {
    id: 'earlyStopping',
    title: 'Stop answers that loop',
    section: 'Conversations',
    unit: null,
    byDefault: 'on',
    effect:
      'An answer that has begun to repeat itself without end is stopped, and says so; “Continue” lets it go on. Tables, code and refrains are not taken for a loop. What is already written stays.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Stop answers that loop"
        isOn={settings.earlyStopping}
        describedBy={noteId}
        onChange={(earlyStopping) => save({ earlyStopping })}
      />
    ),
  },
  {
    id: 'warming',
    title: 'Read ahead while idle',
    section: 'Conversations',
    unit: null,
    byDefault: 'on',
    effect:
      'While nobody answers, the other models in memory read what was said last in their conversations, so that the next message can go to any of them without a wait. It gives way at once, and no model is loaded for it. Off: a model reads when it is asked.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Read ahead while idle"
        isOn={settings.warming}
        describedBy={noteId}
        onChange={(warming) => save({ warming })}
      />
    ),
  },
  {
    id: 'parking',
    title: 'Park conversations on disk',
    section: 'Conversations',
    unit: null,
    byDefault: 'on',
    effect:
      'What models have read of conversations is written to disk, readable by you alone, so that it comes back in a moment instead of being read again: when a model returns, and after a restart or a crash. Off: what is there is deleted.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Park conversations on disk"
        isOn={settings.parking}
        describedBy={noteId}
        onChange={(parking) => save({ parking })}
      />
    ),
  },
  {
    id: 'parkingBudgetBytes',
    title: 'Disk room for parking',
    section: 'Conversations',
    unit: 'GB or MB',
    byDefault: '16 GB or a tenth of the disk’s free room, whichever is less',
    effect:
      'How much of the disk parked conversations may take; those that were not used for longest go first.',
    field: ({ settings, save }, noteId) => (
      <SizeField
        label="Disk room for parking"
        bytes={settings.parkingBudgetBytes}
        placeholder="16 GB at most"
        minBytes={0}
        describedBy={noteId}
        onCommit={(parkingBudgetBytes) => save({ parkingBudgetBytes })}
      />
    ),
  },
  {
    id: 'defaultPresetId',
    title: 'Preset for new conversations',
    section: 'Conversations',
    unit: null,
    byDefault: 'none',
    effect:
      'Instructions, Auto, check of answers, sampling and JSON schema that a new conversation begins with. Presets are made beside the message box, in “Instructions and sampling”.',
    field: ({ settings: { presets, defaultPresetId }, save }, noteId) => (
      <SelectField
        label="Preset for new conversations"
        value={presets.some(({ id }) => id === defaultPresetId) ? (defaultPresetId ?? '') : ''}
        options={[{ value: '', name: 'None' }, ...presets.map(({ id, name }) => ({ value: id, name }))]}
        describedBy={noteId}
        onChoose={(id) => save({ defaultPresetId: id === '' ? null : id })}
      />
    ),
  },
]
