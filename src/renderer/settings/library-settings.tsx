import { Check } from './check.tsx'
import type { SettingItem } from './setting-item.ts'
import { WatchedFolders } from './watched-folders.tsx'

/** Where models are looked for. */
export const librarySettings: readonly SettingItem[] = [
  {
    id: 'findOtherApps',
    title: 'Find models of other apps',
    section: 'Library',
    unit: null,
    byDefault: 'on',
    effect:
      'Models that LM Studio, Ollama and the Hugging Face cache have on this machine are listed and used in place, never copied.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Find models of other apps"
        isOn={settings.findOtherApps}
        describedBy={noteId}
        onChange={(findOtherApps) => save({ findOtherApps })}
      />
    ),
  },
  {
    id: 'modelFolders',
    title: 'Watched folders',
    section: 'Library',
    unit: null,
    byDefault: 'none',
    effect: 'GGUF files in these folders are in the library, also those that appear later.',
    field: ({ settings, canChoose, act }, noteId) => (
      <WatchedFolders folders={settings.modelFolders} canChoose={canChoose} describedBy={noteId} act={act} />
    ),
  },
]
