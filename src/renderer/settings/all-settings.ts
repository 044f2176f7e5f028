import { appearanceSettings } from './appearance-settings.tsx'
import { autoSettings } from './auto-settings.tsx'
import { conversationSettings } from './conversation-settings.tsx'
import { librarySettings } from './library-settings.tsx'
import { loadingSettings } from './loading-settings.tsx'
import { poolSettings } from './pool-settings.tsx'
import type { SettingItem } from './setting-item.ts'

/** Every setting of the app, in the order of their sections. */
export const allSettings: readonly SettingItem[] = [
  ...appearanceSettings,
  ...poolSettings,
  ...conversationSettings,
  ...autoSettings,
  ...loadingSettings,
  ...librarySettings,
]
