import { SelectField } from '../ui/select-field.tsx'
import type { SettingItem } from './setting-item.ts'

const themes = [
  { value: 'system', name: 'As the system' },
  { value: 'light', name: 'Light' },
  { value: 'dark', name: 'Dark' },
] as const

/** How the window looks. */
export const appearanceSettings: readonly SettingItem[] = [
  {
    id: 'theme',
    title: 'Theme',
    section: 'Appearance',
    unit: null,
    byDefault: 'as the system',
    effect:
      'Whether the window is light or dark. It follows the system’s wishes for contrast and motion in either.',
    field: ({ settings, save }, noteId) => (
      <SelectField
        label="Theme"
        value={settings.theme}
        options={themes}
        describedBy={noteId}
        onChoose={(theme) => save({ theme })}
      />
    ),
  },
]
